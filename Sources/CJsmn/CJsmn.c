#define SCRAP_JSMN_BODY
#include "CJsmn.h"
