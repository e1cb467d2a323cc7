#include "version.h"

// Written by make where there is a git repository: #define SCRAP_COMMIT "1a2b3c4d5e6f". Only this
// file is compiled again when it changes.
#if __has_include("commit.h")
#include "commit.h"
#endif

#ifdef SCRAP_COMMIT
#define COMMIT " (" SCRAP_COMMIT ")"
#else
#define COMMIT ""
#endif

const char *scrap_version(void) { return "scrap-worker " SCRAP_VERSION COMMIT "\n"; }
