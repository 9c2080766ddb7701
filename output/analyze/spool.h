/* SPDX-License-Identifier: MIT */
/*
 * spool.h - a temporary file without a name: what is to come behind something that is known only
 * later. It is in TMPDIR, or in /tmp, and gone when it is closed or the program ends.
 */
#ifndef ALLOCPTRACE_ANALYZE_SPOOL_H
#define ALLOCPTRACE_ANALYZE_SPOOL_H

#include <stdio.h>

#include "output/log/error.h"

struct spool {
    FILE *stream; /* to be written to and read; NULL when closed */
    const char *folder;
};

struct error *spool_open(struct spool *spool);
void spool_close(struct spool *spool);

/* Whether all could be written, or read, so far: an error that says why not. */
struct error *spool_check(const struct spool *spool);

/* Before it is read from the beginning; nothing may be written afterwards. */
struct error *spool_rewind(const struct spool *spool);

/* Copies all of it to out, whose own errors are left to who opened it, with the same consequence.
 */
struct error *spool_copy(struct spool *spool, FILE *out);

#endif
