/* SPDX-License-Identifier: MIT */
/*
 * views.h - the reports of --view: each answers one question about the heap's life.
 */
#ifndef ALLOCPTRACE_ANALYZE_VIEWS_H
#define ALLOCPTRACE_ANALYZE_VIEWS_H

#include <stdio.h>

#include "output/analyze/report.h"
#include "output/log/error.h"

/* view_sites.c */

/* What was alive when the live bytes were at their highest. */
struct error *view_peak(const struct report *report, FILE *out);
/* Blocks that were freed before their thread allocated again. */
struct error *view_temporary(const struct report *report, FILE *out);
/* Buffers that were resized: how often, and how much was copied. */
struct error *view_growth(const struct report *report, FILE *out);
/* What the allocator sets aside beyond what was asked for. */
struct error *view_slack(const struct report *report, FILE *out);
/* Calls that returned nothing. */
struct error *view_failed(const struct report *report, FILE *out);

/* view_long_lived.c: blocks that were alive at the end, and for how long they had been. */
struct error *view_long_lived(const struct report *report, FILE *out);

/* view_threads.c */

/* What each thread allocates and leaves to others. */
struct error *view_threads(const struct report *report, FILE *out);
/* Blocks that another thread frees than the one that allocated them. */
struct error *view_cross_thread(const struct report *report, FILE *out);

/* view_histogram.c */

struct error *view_sizes(const struct report *report, FILE *out);
struct error *view_lifetimes(const struct report *report, FILE *out);

/* view_bad_frees.c: frees of addresses where no block was alive. */
struct error *view_bad_frees(const struct report *report, FILE *out);

#endif
