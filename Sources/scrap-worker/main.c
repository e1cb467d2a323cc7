// Swift's bare-metal library has no entry point of its own. The version is here, too, so that a new
// commit compiles nothing else again.
#include <unistd.h>

#include "version.h"

#ifdef SCRAP_COMMIT
static const char version[] = "scrap-worker " SCRAP_VERSION " (" SCRAP_COMMIT ")";
#else
static const char version[] = "scrap-worker " SCRAP_VERSION;
#endif

extern int scrap_worker_main(int argc, char **argv, const char *version);

// No exit(3): threads of librdkafka may still be at work, and must not find OpenSSL cleaned up.
int main(int argc, char **argv) { _exit(scrap_worker_main(argc, argv, version)); }
