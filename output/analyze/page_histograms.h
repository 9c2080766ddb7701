/* SPDX-License-Identifier: MIT */
/*
 * page_histograms.h - sizes and lifetimes of blocks by the time that they were allocated at, in the
 * bins of the replay's history: what a histogram of a span of time is made of.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_HISTOGRAMS_H
#define ALLOCPTRACE_ANALYZE_PAGE_HISTOGRAMS_H

#include <stddef.h>

#include "output/analyze/buckets.h"
#include "output/analyze/replay.h"
#include "output/log/error.h"

enum page_histogram {
    PAGE_SIZES,
    PAGE_LIFETIMES,
    PAGE_HISTOGRAMS,
};

/* For report_kinds.c. The replay must have a history. */
struct error *page_histograms_observe(struct replay_observer **observer);

/* After the replay's end: the sums of a bin's blocks, by bucket; zeros if there were none. */
const struct bucket *page_histograms_get(const struct replay_observer *observer,
                                         const struct history *history, enum page_histogram which,
                                         size_t bin);

#endif
