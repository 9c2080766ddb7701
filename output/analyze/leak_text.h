/* SPDX-License-Identifier: MIT */
/*
 * leak_text.h - what several reports tell of leak checks, in words.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_TEXT_H
#define ALLOCPTRACE_ANALYZE_LEAK_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/report.h"

/* "definitely lost" and so on, for a person. */
const char *leak_kind_title(enum log_reach reach);

/* "12 bytes in 1 block" */
void leak_text_amount(FILE *out, const struct leak_amount *amount, bool exact);

/* Which checks are shown: when which process was checked, or how many there are. One line. */
void leak_text_checks(const struct report *report, FILE *out);

/* The totals by kind and what was suppressed, a line each. */
void leak_text_totals(const struct report *report, FILE *out);

#endif
