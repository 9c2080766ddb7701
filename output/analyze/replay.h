/* SPDX-License-Identifier: MIT */
/*
 * replay.h - runs a log's events through a model of each process's heap and sums them up.
 *
 * Counting is valgrind's: a successful allocation or reallocation is one allocation, a free or a
 * reallocation of a live block is one deallocation, bytes are those asked for. All sums are kept
 * in rows: one for each stack or, when they are to be grouped by thread or process, for each stack
 * and thread or process. The live set at the highest point of all live bytes is exact: each row
 * remembers its live bytes at the last peak, and does so lazily, when it next changes.
 *
 * Time is in ticks (log_header.tick_ns) or, in a log without times, the number of events so far.
 */
#ifndef ALLOCPTRACE_ANALYZE_REPLAY_H
#define ALLOCPTRACE_ANALYZE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/bad_frees.h"
#include "output/analyze/buckets.h"
#include "output/analyze/catalog.h"
#include "output/analyze/chains.h"
#include "output/analyze/leak_checks.h"
#include "output/analyze/live_map.h"
#include "output/analyze/thread_pairs.h"
#include "output/log/error.h"
#include "output/log/record.h"

/* How rows are split; each also tells what the ones before it tell. */
enum replay_split {
    REPLAY_BY_STACK,
    REPLAY_BY_PROCESS,
    REPLAY_BY_THREAD,
};

/* What costs time or memory and is collected only if asked for. */
enum replay_need {
    REPLAY_NEEDS_HISTORY = 1,   /* replay.history */
    REPLAY_NEEDS_BUCKETS = 2,   /* the rows of replay.sizes and replay.lifetimes */
    REPLAY_NEEDS_BAD_FREES = 4, /* replay.bad_frees */
    REPLAY_NEEDS_CURVE = 8,     /* replay.history without points of rows, at little cost */
    REPLAY_NEEDS_PATHS = 16,    /* the paths of leak checks */
};

struct replay_options {
    enum replay_split split;
    unsigned needs;    /* enum replay_need */
    int64_t pid;       /* only the processes with this pid, -1 for all */
    int64_t tid;       /* only allocations of this thread, -1 for all */
    double from, to;   /* only allocations made in this span, seconds since the start; to ends the
                          replay. Infinite where not wanted */
    double interval;   /* length of the history's bins, seconds or events; 0 for as short as fits */
    double older_than; /* only blocks that were alive for so many seconds leak; 0 for all */
    uint32_t check;    /* the leak check to be shown, or LEAK_SHOW_LAST or LEAK_SHOW_ALL */
    struct text_pool *texts;           /* for the catalog, see catalog_init() */
    struct replay_observer *observers; /* a list, NULL for none; they are the caller's */
};

struct replay_sums {
    uint64_t count; /* allocations */
    uint64_t bytes; /* asked for by them */
    uint64_t reallocations;
    uint64_t moved, copied;              /* of them, to another address; bytes taken along */
    uint64_t failed, failed_bytes;       /* calls that returned nothing */
    uint64_t temporary, temporary_bytes; /* freed before their thread allocated again */
    uint64_t foreign;                    /* freed by another thread */
    uint64_t lifetime;                   /* of all blocks together: ticks, or events */
    uint64_t slack, slack_count;         /* usable beyond asked for; blocks of which it is known */
    uint64_t live, live_bytes, live_slack;
    uint64_t most, most_bytes;             /* live at the row's own peak */
    uint64_t peak, peak_bytes, peak_slack; /* live at the global peak */
    uint64_t leaked, leaked_bytes;         /* live at the end of their process, or of the log */
    uint64_t leaked_age, leaked_oldest;    /* how long they had lived: together, the oldest */
    uint64_t leaked_held;             /* bytes times age in us, or events; UINT64_MAX and more */
    uint64_t kept, kept_lifetime;     /* whose life no free or reallocation ended */
    uint64_t chains;                  /* buffers that were last resized here */
    uint64_t chain_length;            /* reallocations of the one with the most */
    uint64_t chain_first, chain_last; /* its size before and after, bytes */
};

struct replay_row {
    uint32_t stack;
    uint32_t process, thread; /* ids, 0 when not split by them */
    uint64_t epoch;           /* the last peak whose live bytes are in sums */
    struct replay_sums sums;
};

struct replay_totals {
    uint64_t allocations, deallocations, reallocations, bytes;
    uint64_t moved, copied, chains, failed, temporary, temporary_bytes, foreign;
    uint64_t slack, slack_count, peak_slack;
    uint64_t live, live_bytes, live_slack;
    uint64_t peak_bytes, peak_blocks, peak_time; /* time in ticks, or events */
    uint64_t leaked, leaked_bytes;
    uint64_t suppressed, suppressed_bytes; /* would have leaked, see suppressions.h */
    uint64_t built_in, built_in_bytes;     /* likewise, by what is built in */
    uint64_t left_bytes; /* alive at the end of their process or of the log, young ones as well */
    uint64_t last_time;  /* ticks, or events */
    uint64_t events;
    uint64_t missed_frees;    /* a block came to be where one was alive */
    uint64_t unknown_frees;   /* of addresses where no block was known */
    uint64_t cleanup_frees;   /* of them, by the C library as a thread ended */
    uint64_t inherited_frees; /* by forked children, of blocks that they got from their parents */
    /* Blocks that were alive before tracing began; live bytes, and so the peak, have them as well.
     */
    uint64_t found, found_bytes;
    uint64_t found_freed, found_freed_bytes;
    uint64_t found_left_bytes; /* alive at the end of their process, or of the log */
    uint64_t mapped, mapped_bytes, mapped_now, mapped_peak;
    uint64_t mapped_end; /* bytes still mapped as their process, or the log, ended */
    /* Of the leak checks that are shown: */
    uint64_t leak_checks;
    struct leak_amount lost[LOG_REACH_KINDS]; /* by enum log_reach, without what is suppressed */
    struct leak_amount lost_suppressed, lost_built_in; /* see struct leak_check */
};

/* How a block's life ends. */
enum replay_end {
    REPLAY_FREED,
    REPLAY_RESIZED, /* a reallocation's result is a block of its own */
    REPLAY_MISSED,  /* the free was not seen */
    REPLAY_LEFT,    /* alive as its process ended, or the log */
    REPLAY_EXECED,  /* alive as its process replaced itself */
};

struct replay;

/*
 * Is told of each block's begin and end, in the log's order; for reports that need more than sums.
 * Embed it in a struct of the report's own. Of what is not summed up (other processes and threads)
 * nothing is told. Copies that a forked child inherits begin as well, marked so.
 */
struct replay_observer {
    struct replay_observer *next;
    struct error *(*begin)(struct replay_observer *observer, const struct replay *replay,
                           const struct live_block *block, uint64_t time);
    struct error *(*end)(struct replay_observer *observer, const struct replay *replay,
                         const struct live_block *block, uint64_t time, enum replay_end how);
    void (*destroy)(struct replay_observer *observer);
};

struct replay {
    struct catalog catalog;
    struct replay_row *rows; /* element 0 is unused */
    size_t row_count;
    struct replay_totals totals;
    struct buckets sizes, lifetimes; /* lifetimes are those of all blocks' ends */
    struct bad_frees bad_frees;      /* empty unless asked for, as is history */
    struct history *history;         /* NULL unless asked for */
    struct thread_pairs foreign;
    struct leak_checks leaks;
    uint64_t tick_ns;     /* 0: times are numbers of events */
    size_t found_threads; /* threads of the catalog that no log has, see replay_found.c */
    bool more_logs; /* to be set while another log follows: the ends of this one's processes are
                       then part of the history */
    /* private: */
    struct chains chains;
    uint64_t older_ticks;
    size_t running; /* processes that are selected */
    struct replay_options options;
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
    uint32_t *found_rows; /* of blocks from before tracing, by process where rows are split by it */
    size_t found_row_count;
    uint32_t first_process;        /* of this log */
    struct replay_thread *threads; /* by thread id */
    size_t thread_count;
};

struct error *replay_init(struct replay *replay, const struct replay_options *options,
                          const struct log_header *header);
void replay_deinit(struct replay *replay);

/* Takes in one record. An ERROR_CORRUPT error says what in it contradicts the log so far. */
struct error *replay_record(struct replay *replay, const struct log_record *record);

/* A log has ended, and another one may follow: what is still alive in its processes has leaked. */
struct error *replay_end_log(struct replay *replay);

/* After the last record: what is still alive has leaked. */
struct error *replay_finish(struct replay *replay);

/* Sums up the leak checks that are shown, when what they are summed up from has changed. */
void replay_sum_up_leaks(struct replay *replay);

/* Adds the sums of one row to those of another; of chains the longest counts, and the rows' own
 * peaks, which were not at one time, are added all the same. */
void replay_add_sums(struct replay_sums *to, const struct replay_sums *from);

/* The bucket of lifetimes (buckets.h) of a block that has ended. */
unsigned replay_lifetime_bucket(const struct replay *replay, const struct live_block *block,
                                uint64_t time, enum replay_end how);

/* A time or a length of time, in seconds; in a log without times as it is. */
double replay_seconds(const struct replay *replay, uint64_t time);

#endif
