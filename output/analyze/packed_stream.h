/* SPDX-License-Identifier: MIT */
/*
 * packed_stream.h - compresses what is written as the name of the file tells: .gz or .zst.
 */
#ifndef ALLOCPTRACE_ANALYZE_PACKED_STREAM_H
#define ALLOCPTRACE_ANALYZE_PACKED_STREAM_H

#include <stdio.h>

#include "output/log/error.h"

/*
 * A stream to write to instead of below: below itself if name ends otherwise or is NULL. Failed
 * writes show at below, too.
 */
struct error *packed_stream_open(FILE *below, const char *name, FILE **stream);
/* Ends what was compressed; below stays open. */
void packed_stream_close(FILE *below, FILE *stream);

#endif
