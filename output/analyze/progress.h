/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far the reading of a large log has come, on standard error if that is a
 * terminal. Nothing is shown of what takes less than half a second, and nothing stays.
 */
#ifndef ALLOCPTRACE_ANALYZE_PROGRESS_H
#define ALLOCPTRACE_ANALYZE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "output/log/reader.h"

struct progress {
    bool wanted; /* standard error is a terminal */
    bool shown;
    double begun, last; /* seconds of CLOCK_MONOTONIC */
    uint64_t first;     /* events at the begin */
};

/* events is the number of those read before. */
void progress_begin(struct progress *progress, uint64_t events);
/* To be called now and then, every few thousand records. */
void progress_update(struct progress *progress, const struct log_reader *reader, const char *path,
                     uint64_t events);
/* Clears the line. */
void progress_end(struct progress *progress);

#endif
