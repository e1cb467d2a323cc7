// Swift's bare-metal library has no entry point of its own.
extern int scrap_worker_main(int argc, char **argv);

int main(int argc, char **argv) { return scrap_worker_main(argc, argv); }
