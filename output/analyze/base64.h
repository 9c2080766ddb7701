/* SPDX-License-Identifier: MIT */
/*
 * base64.h - a stream that writes what it is given to another one in base64 (RFC 4648, section 4).
 */
#ifndef ALLOCPTRACE_ANALYZE_BASE64_H
#define ALLOCPTRACE_ANALYZE_BASE64_H

#include <stdio.h>

/* fclose(3) writes the last characters; out stays open, and tells of failed writes. NULL when out
 * of memory. */
FILE *base64_open(FILE *out);

#endif
