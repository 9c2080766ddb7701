/* SPDX-License-Identifier: MIT */
/*
 * json_text.h - JSON strings (RFC 8259) on a stream, for files that are too large to be built in
 * memory first.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_TEXT_H
#define ALLOCPTRACE_ANALYZE_JSON_TEXT_H

#include <stdio.h>

/* The text, neutralized (text.h), as a string in quotes. */
void json_text_print(FILE *out, const char *text);

#endif
