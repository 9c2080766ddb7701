/* SPDX-License-Identifier: MIT */
/*
 * gzip.h - writes a gzip file (RFC 1952) to a stream, piece by piece. The same bytes give the same
 * file: it has no name and no time.
 */
#ifndef ALLOCPTRACE_ANALYZE_GZIP_H
#define ALLOCPTRACE_ANALYZE_GZIP_H

#include <stddef.h>
#include <stdio.h>

#include "output/log/error.h"

struct gzip;

struct error *gzip_create(FILE *out, struct gzip **gzip);
/* A failed write is found by who opened out: ferror(3). */
void gzip_write(struct gzip *gzip, const void *data, size_t size);
/* Ends the file and frees gzip, NULL is allowed; out stays open. */
void gzip_destroy(struct gzip *gzip);

#endif
