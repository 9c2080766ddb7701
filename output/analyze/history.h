/* SPDX-License-Identifier: MIT */
/*
 * history.h - how the heap came to be what it was: sums of all and of each row, by time.
 *
 * Time is cut into bins of equal length, a power of two of ticks (or, in a log without times, of
 * events). Nobody knows in advance how long a log is: when there are too many bins, or too many
 * points, each two bins become one. So a log of any length ends with up to HISTORY_MOST_BINS bins,
 * and memory grows with distinct stacks, not with events.
 */
#ifndef ALLOCPTRACE_ANALYZE_HISTORY_H
#define ALLOCPTRACE_ANALYZE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/live_map.h"

#define HISTORY_MOST_BINS 2048

struct history_bin {
    uint64_t live_bytes, live; /* at its end */
    uint64_t peak_bytes;       /* highest live bytes within it */
    uint64_t allocated, allocated_bytes;
    uint64_t freed, freed_bytes;
    size_t point; /* its first point; those of a bin are in no order */
};

/* A row that changed within a bin: what it was at the bin's end, and what was allocated in it. */
struct history_point {
    uint32_t row;
    uint32_t allocated; /* stays at UINT32_MAX */
    uint64_t allocated_bytes;
    uint64_t live_bytes;
    uint32_t live; /* stays at UINT32_MAX */
};

struct replay;

struct history {
    /* All bins from time 0 to the last event's; a bin without events repeats the one before. */
    struct history_bin *bins;
    size_t bin_count;
    struct history_point *points;
    size_t point_count;
    unsigned shift; /* a bin is 1 << shift ticks long */
    /* private: */
    bool settled;
    size_t bin_capacity, point_capacity;
    struct history_row *rows;
    size_t row_count;
    uint32_t *touched;
    size_t touched_count, touched_capacity;
};

struct history *history_create(void); /* NULL when out of memory */
void history_destroy(struct history *history);

/* An event at time comes: closes the bins before it. False when out of memory. */
bool history_advance(struct history *history, const struct replay *replay, uint64_t time);
/* Before sums of a row change. False when out of memory. */
bool history_touch(struct history *history, const struct replay *replay, uint32_t row);
/* A block has come alive, and live_bytes are alive now. */
void history_note_allocated(struct history *history, const struct live_block *block,
                            uint64_t live_bytes);
void history_note_freed(struct history *history, uint64_t size);
/* Closes the last bin: what happens to rows before the next event comes is no part of it. */
bool history_finish(struct history *history, const struct replay *replay);

/* The points of bin number index: *count of them from the result on. */
const struct history_point *history_points(const struct history *history, size_t index,
                                           size_t *count);

#endif
