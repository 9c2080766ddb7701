/* SPDX-License-Identifier: MIT */
/*
 * history.h - how the heap came to be what it was: sums of all and of each row, by time.
 *
 * Time is cut into bins of equal length: so many ticks (or, in a log without times, events) times a
 * power of two. Nobody knows in advance how long a log is: when there are too many bins, or too
 * many points, each two bins become one. So a log of any length ends with a bounded number of bins,
 * and memory grows with distinct stacks, not with events.
 */
#ifndef ALLOCPTRACE_ANALYZE_HISTORY_H
#define ALLOCPTRACE_ANALYZE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/live_map.h"

struct history_options {
    bool starts; /* bins begin at start, else at the first event */
    uint64_t start;
    uint64_t unit; /* the length of a bin is this times a power of two; 0 for as short as fits */
    bool events;   /* times are numbers of events, the first of which is number 1 */
    bool rows;     /* rows have points; costs most of a history's time and memory */
};

struct history_bin {
    uint64_t live_bytes, live, live_slack; /* at its end */
    uint64_t peak_bytes;                   /* highest live bytes within it */
    uint64_t allocated, allocated_bytes;
    uint64_t freed, freed_bytes; /* those that replay_totals.deallocations counts */
    size_t point;                /* its first point; those of a bin are in no order */
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
    /* All bins from the start to the last event's; a bin without events repeats the one before. */
    struct history_bin *bins;
    size_t bin_count;
    struct history_point *points;
    size_t point_count;
    /* private: */
    struct history_options options;
    size_t most_bins, most_points;
    unsigned shift;     /* a bin is options.unit << shift ticks long */
    uint64_t open_till; /* the first tick behind the last bin, or the highest there is */
    uint64_t last;      /* highest time so far */
    bool settled;
    size_t bin_capacity, point_capacity;
    struct history_row *rows;
    size_t row_count;
    uint32_t *touched;
    size_t touched_count, touched_capacity;
};

/* NULL when out of memory. */
struct history *history_create(const struct history_options *options);
void history_destroy(struct history *history);

/* Opens the bin of a time that is behind all bins. */
bool history_extend(struct history *history, const struct replay *replay, uint64_t time);

/* Time has come so far: closes the bins before it. False when out of memory. */
static inline bool history_advance(struct history *history, const struct replay *replay,
                                   uint64_t time)
{
    history->settled = false;
    if (time > history->last)
        history->last = time;
    /* Times of several threads may go back a little: they count where the log is. */
    return time < history->open_till || history_extend(history, replay, time);
}

/* Before sums of a row change. False when out of memory. */
bool history_touch(struct history *history, const struct replay *replay, uint32_t row);
/* A block has come alive, and live_bytes are alive now. */
void history_note_allocated(struct history *history, const struct live_block *block,
                            uint64_t live_bytes);
void history_note_freed(struct history *history, uint64_t size);
/* Closes the last bin: what happens to rows is no part of it, unless time goes on after all. */
bool history_finish(struct history *history, const struct replay *replay);

/* The bin that a time is in, which may be one that has not been opened. */
size_t history_bin(const struct history *history, uint64_t time);

/* When bin number index begins, in ticks or events before it; with bin_count, where the last bin
 * ends, which is cut at the last event. */
uint64_t history_time(const struct history *history, size_t index);

/* Adds a bin to the one before it. */
void history_merge(struct history_bin *to, const struct history_bin *from);

/* The points of bin number index: *count of them from the result on. */
const struct history_point *history_points(const struct history *history, size_t index,
                                           size_t *count);

#endif
