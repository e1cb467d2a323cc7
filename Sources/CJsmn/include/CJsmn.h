// jsmn in strict mode; parent links make it linear in the input's length.
#pragma once
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#ifndef SCRAP_JSMN_BODY
#define JSMN_HEADER
#endif
#if __has_include("jsmn.h")
#include "jsmn.h"
#else
#error "jsmn.h is missing: run `make setup` once"
#endif
