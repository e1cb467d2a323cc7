// The program's version, and the commit that it was built from.
#pragma once

// The packages take it from here (board/deb/build).
#define SCRAP_VERSION "1.0.0"

// Written by cross/commit: #define SCRAP_COMMIT "1a2b3c4d5e6f", where the commit is known.
#if __has_include("commit.h")
#include "commit.h"
#endif
