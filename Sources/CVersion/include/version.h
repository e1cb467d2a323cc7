// The program's version, and the commit that it was built from.
#pragma once

// The packages take it from here (board/deb/build).
#define SCRAP_VERSION "1.0.0"

// `scrap-worker 1.0.0 (1a2b3c4d5e6f)`, or without the commit when the build knows none; ends with
// a newline.
const char *scrap_version(void);
