/* SPDX-License-Identifier: MIT */
/*
 * valgrind_line.h - a frame's line as valgrind's tools write it: "0x401136: main (a.c:5)".
 */
#ifndef ALLOCPTRACE_ANALYZE_VALGRIND_LINE_H
#define ALLOCPTRACE_ANALYZE_VALGRIND_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/catalog.h"

/* Line number index of a frame; paths: the file with its folders. */
void valgrind_line_print(FILE *out, const struct catalog *catalog, uint32_t frame, size_t index,
                         bool paths);

#endif
