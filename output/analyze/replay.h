/* SPDX-License-Identifier: MIT */
/*
 * replay.h - runs a log's events through a model of each process's heap and sums them up.
 *
 * Counting is valgrind's: a successful allocation or reallocation is one allocation, a free or a
 * reallocation of a live block is one deallocation, bytes are those asked for. All sums are kept
 * in rows: one for each stack or, when they are to be grouped by thread or process, for each stack
 * and thread or process. The live set at the highest point of all live bytes is exact: each row
 * remembers its live bytes at the last peak, and does so lazily, when it next changes.
 */
#ifndef ALLOCPTRACE_ANALYZE_REPLAY_H
#define ALLOCPTRACE_ANALYZE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/catalog.h"
#include "output/log/error.h"
#include "output/log/record.h"

/* How rows are split; each also tells what the ones before it tell. */
enum replay_split {
    REPLAY_BY_STACK,
    REPLAY_BY_PROCESS,
    REPLAY_BY_THREAD,
};

struct replay_options {
    enum replay_split split;
    int64_t pid;     /* only the processes with this pid, -1 for all */
    int64_t tid;     /* only allocations of this thread, -1 for all */
    double from, to; /* only allocations made in this span, seconds since the start; to ends the
                        replay. Infinite where not wanted */
};

struct replay_sums {
    uint64_t count; /* allocations */
    uint64_t bytes; /* asked for by them */
    uint64_t reallocations;
    uint64_t failed;                     /* calls that returned nothing */
    uint64_t temporary, temporary_bytes; /* freed before their thread allocated again */
    uint64_t live, live_bytes;
    uint64_t peak, peak_bytes;     /* live at the global peak */
    uint64_t leaked, leaked_bytes; /* live at the end of their process, or of the log */
};

struct replay_row {
    uint32_t stack;
    uint32_t process, thread; /* ids, 0 when not split by them */
    uint64_t epoch;           /* the last peak whose live bytes are in sums */
    struct replay_sums sums;
};

struct replay_totals {
    uint64_t allocations, deallocations, reallocations, bytes;
    uint64_t failed, temporary, temporary_bytes;
    uint64_t live, live_bytes;
    uint64_t peak_bytes, peak_blocks, peak_time; /* time in ticks */
    uint64_t leaked, leaked_bytes;
    uint64_t last_time; /* ticks */
    uint64_t events;
    uint64_t missed_frees;    /* a block came to be where one was alive */
    uint64_t unknown_frees;   /* of addresses where no block was known */
    uint64_t cleanup_frees;   /* of them, by the C library as a thread ended */
    uint64_t inherited_frees; /* by forked children, of blocks that they got from their parents */
    uint64_t mapped, mapped_bytes, mapped_now, mapped_peak;
    uint64_t mapped_end; /* bytes still mapped as their process, or the log, ended */
};

struct replay {
    struct catalog catalog;
    struct replay_row *rows; /* element 0 is unused */
    size_t row_count;
    struct replay_totals totals;
    /* private: */
    struct replay_options options;
    uint64_t tick_ns;
    uint64_t from_tick, to_tick;
    uint64_t epoch;
    bool over;              /* behind --to */
    uint64_t inherited;     /* blocks copied to children that are alive */
    uint64_t copied;        /* blocks copied to children ever */
    uint32_t *row_of_stack; /* the row that a stack was last counted in */
    size_t row_of_stack_count;
    struct row_index *row_index;
    struct replay_heap *heaps; /* by process id */
    size_t heap_count;
    struct replay_thread *threads; /* by thread id */
    size_t thread_count;
};

struct error *replay_init(struct replay *replay, const struct replay_options *options,
                          const struct log_header *header);
void replay_deinit(struct replay *replay);

/* Takes in one record. An ERROR_CORRUPT error says what in it contradicts the log so far. */
struct error *replay_record(struct replay *replay, const struct log_record *record);

/* After the last record: what is still alive has leaked. */
struct error *replay_finish(struct replay *replay);

#endif
