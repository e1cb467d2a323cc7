// Swift's bare-metal library has no entry point of its own.
#include <unistd.h>

extern int scrap_worker_main(int argc, char **argv);

// No exit(3): threads of librdkafka may still be at work, and must not find OpenSSL cleaned up.
int main(int argc, char **argv) { _exit(scrap_worker_main(argc, argv)); }
