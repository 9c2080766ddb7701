/* SPDX-License-Identifier: MIT */
/*
 * leak_checks.h - what a log's leak checks say, summed up by stack and kind.
 *
 * Of each check the sums are kept; its blocks only while it goes on, as far as they are lost, for
 * each indirectly lost block belongs to the definitely lost one that leads to it. All blocks and
 * roots, which paths are made of, are kept of the checks that are shown, if they are asked for.
 * Pure: whether ids are those of a log is for the caller (replay_leaks.c) to see.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_CHECKS_H
#define ALLOCPTRACE_ANALYZE_LEAK_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/leak_blocks.h"
#include "output/log/record.h"

/* Kinds of blocks as a set: 1 << enum log_reach each. */
#define LEAK_ALL_KINDS ((1U << LOG_REACH_KINDS) - 1)

struct leak_amount {
    uint64_t bytes, blocks;
};

enum leak_suppressed {
    LEAK_NOT_SUPPRESSED,
    LEAK_SUPPRESSED,          /* by a file of the user's */
    LEAK_BUILT_IN_SUPPRESSED, /* by what the program has built in */
};

/* Blocks of a check that are alike. */
struct leak_sum {
    uint32_t stack;       /* 0: the empty stack */
    uint32_t owner_stack; /* of an indirectly lost one's owner */
    uint8_t reach;        /* enum log_reach */
    uint8_t suppressed;   /* enum leak_suppressed */
    bool found;           /* they were there before tracing began */
    bool has_owner;       /* a definitely lost block leads to them */
    bool owner_found;
    struct leak_amount amount;
};

/* A check's numbers, see docs/log-format.md. */
enum leak_number {
    LEAK_PAUSE_NS,
    LEAK_SCAN_NS,
    LEAK_SNAPSHOT,
    LEAK_ROOT_BYTES,
    LEAK_HEAP_BYTES,
    LEAK_UNREADABLE_BYTES,
    LEAK_THREADS,
    LEAK_NUMBERS,
};

extern const char *const leak_number_names[LEAK_NUMBERS];

/* A word outside the heap. */
struct leak_root {
    uint32_t id;
    uint32_t kind; /* enum log_root_kind, or one that is not known */
    uint32_t thread, module;
    uint64_t address;
    const char *name; /* interned, "" if unknown */
};

/* What leads to the blocks of one check. */
struct leak_paths {
    struct leak_blocks blocks;
    struct leak_root *roots; /* by id */
    size_t root_count, root_capacity;
};

struct leak_check {
    uint32_t process;
    uint32_t moment; /* enum log_moment, or one that is not known */
    uint64_t time;   /* ticks or, in a log without times, events */
    bool selected;   /* it is in the part of the log that is looked at */
    bool ended;      /* else it was cut off */
    bool shown;
    struct leak_amount kinds[LOG_REACH_KINDS]; /* what is not suppressed */
    struct leak_amount suppressed;             /* by a file of the user's */
    struct leak_amount built_in;               /* by what the program has built in */
    struct leak_sum *sums;                     /* by stack and kind */
    size_t sum_count;
    uint64_t numbers[LEAK_NUMBERS];
    struct leak_paths *paths; /* NULL if they are not kept */
    /* private: */
    struct leak_collecting *collecting;
};

/* Which checks are shown: one by its id, or these. */
#define LEAK_SHOW_LAST 0           /* the last one of each process that was not cut off */
#define LEAK_SHOW_ALL (UINT32_MAX) /* all that were not cut off */

/* One of zeros is empty, and shows the last ones. */
struct leak_checks {
    struct leak_check *list; /* by id; element 0 is unused */
    size_t count;            /* with element 0; 0: there are none */
    size_t root_count;       /* likewise, of all checks */
    /* To be set before the first one: */
    uint32_t show;
    bool keep_paths;
    /* private: */
    size_t capacity;
    uint32_t *last_shown; /* by process */
    size_t process_count;
};

void leak_checks_deinit(struct leak_checks *checks);

/* All that follow are false when out of memory. Ids go on from the last one. */
bool leak_checks_begin(struct leak_checks *checks, const struct log_check *check, bool selected);
/* name is interned. Of a check that has not ended. */
bool leak_checks_root(struct leak_checks *checks, const struct log_root *root, const char *name);
bool leak_checks_verdict(struct leak_checks *checks, const struct log_verdict *verdict);
bool leak_checks_end(struct leak_checks *checks, const struct log_check_end *end);

/* Blocks from before tracing get a stack. */
bool leak_checks_have_found(const struct leak_checks *checks);
void leak_checks_name_found(struct leak_checks *checks, uint32_t stack);

/* After the last log: those that were cut off have what there is of them. */
bool leak_checks_finish(struct leak_checks *checks);

/* Sums up what a check says, after its sums' suppressed has changed. */
void leak_check_sum_up(struct leak_check *check);

/* "exit", "end", "fatal", "request", "interval", "detach"; "unknown" for others. */
const char *leak_moment_name(uint32_t moment);
/* "still_reachable", "possibly_lost", "indirectly_lost" or "definitely_lost". */
const char *leak_kind_name(enum log_reach reach);

#endif
