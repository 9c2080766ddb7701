/* SPDX-License-Identifier: MIT */
/*
 * csv.h - fields of comma-separated values (RFC 4180).
 */
#ifndef ALLOCPTRACE_ANALYZE_CSV_H
#define ALLOCPTRACE_ANALYZE_CSV_H

#include <stdio.h>

/*
 * Prints an untrusted text as one field, in quotes. What misleads the eye becomes \xNN (text.h),
 * and a text that a spreadsheet would take for a formula, and run, gets an apostrophe before it.
 */
void csv_text(FILE *out, const char *text);

#endif
