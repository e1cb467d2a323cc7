// `swift run scrap-worker` on a machine that does not build for a board: the program itself needs
// libraries that make fetches.
#include <stdio.h>
#include <sysexits.h>

int main(void) {
    fputs("scrap-worker: this is not the program: it is linked with libraries that a plain\n"
          "`swift build` does not have. Run\n"
          "\n"
          "    make build\n"
          "    dist/scrap-worker-amd64 demo        (dist/scrap-worker-arm64 on an ARM machine)\n"
          "\n"
          "or `make help` for everything else. `swift test` needs `make setup` before, once.\n",
          stderr);
    return EX_UNAVAILABLE;
}
