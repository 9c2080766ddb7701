/* SPDX-License-Identifier: MIT */
/*
 * comparison.h - a profile beside a baseline, stack by stack.
 *
 * Stacks are the same if the names of their frames' functions and modules are; a rebuilt program
 * with other addresses and lines compares. With --group-by=line files and lines are to be the same,
 * too. With --group-by=process or thread stacks are told apart by the names of their programs or
 * threads: ids are others in each run.
 */
#ifndef ALLOCPTRACE_ANALYZE_COMPARISON_H
#define ALLOCPTRACE_ANALYZE_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/options.h"
#include "output/analyze/profile.h"
#include "output/analyze/suppressions.h"
#include "output/log/error.h"

struct comparison_stack {
    bool gone;        /* the stack is one of the baseline's catalog: there is none like it now */
    uint32_t stack;   /* 0: the empty stack */
    const char *task; /* of the program or thread, NULL if they are not told apart */
    struct replay_sums before, now;
};

struct comparison {
    const char *name; /* the baseline's file */
    struct profile before;
    const struct replay *now;
    struct comparison_stack *stacks; /* those of now in its log's order, then the others */
    size_t count;
};

/*
 * Reads the baseline, a log or what --save has written, and compares. now must be finished; its
 * texts become the baseline's, too, and it must outlive the comparison. The suppressions are for
 * both, and only count what they suppress now. The errors are those of profile_load() and
 * saved_load(), and ERROR_USAGE if the baseline lacks what the options ask for.
 */
struct error *comparison_make(const struct options *options, struct replay *now,
                              const struct replay_options *how, struct suppressions *suppressions,
                              profile_truncated tell, struct comparison *comparison);
void comparison_deinit(struct comparison *comparison);

/* The catalog that a stack is of. */
const struct catalog *comparison_catalog(const struct comparison *comparison,
                                         const struct comparison_stack *stack);

/* What makes the two hard to compare, as one line each, to be told as a warning: another program,
 * another part of the log. Calls tell for each; what lives for the call only. */
void comparison_check(const struct comparison *comparison, void (*tell)(const char *what));

#endif
