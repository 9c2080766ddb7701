/* SPDX-License-Identifier: MIT */
/*
 * color.h - colours of text on terminals (ECMA-48 SGR).
 */
#ifndef ALLOCPTRACE_ANALYZE_COLOR_H
#define ALLOCPTRACE_ANALYZE_COLOR_H

#include <stdbool.h>
#include <stdio.h>

enum color_when {
    COLOR_AUTO, /* on a terminal that can, unless NO_COLOR is set; if CLICOLOR_FORCE is, always */
    COLOR_ALWAYS,
    COLOR_NEVER,
};

enum color {
    COLOR_PLAIN, /* ends the others */
    COLOR_WORSE, /* red */
    COLOR_BETTER /* green */
};

/* Whether a stream is to have colours. */
bool color_wanted(enum color_when when, FILE *out);

/* What switches a colour on; "" if not wanted. */
const char *color_code(enum color color, bool wanted);

#endif
