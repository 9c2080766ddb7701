/* SPDX-License-Identifier: MIT */
/*
 * sparkline.h - the shape of a heap over time, as one line of text.
 */
#ifndef ALLOCPTRACE_ANALYZE_SPARKLINE_H
#define ALLOCPTRACE_ANALYZE_SPARKLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "output/analyze/history.h"

/* Whether the user's terminal can show it: its locale (LC_CTYPE) is one of UTF-8. */
bool sparkline_can_be_shown(void);

/* At most width characters, each as high as the most live bytes within its part of the time. */
void sparkline_print(FILE *out, const struct history *history, size_t width);

#endif
