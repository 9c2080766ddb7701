/* SPDX-License-Identifier: MIT */
#include <libiberty/demangle.h>
#include <string.h>

#include "symbols/symbolize.h"

char *symbol_demangle(const char *name)
{
    /* Other names that libiberty would take for mangled ones are plain C identifiers. */
    if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
        return NULL;
    return cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
}
