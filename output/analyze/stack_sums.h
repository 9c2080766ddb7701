/* SPDX-License-Identifier: MIT */
/*
 * stack_sums.h - the sums of a replay by stack, for reports and exports that show whole stacks.
 *
 * --filter chooses the stacks (any frame may match); --min-count and --threshold-bytes choose among
 * their sums.
 */
#ifndef ALLOCPTRACE_ANALYZE_STACK_SUMS_H
#define ALLOCPTRACE_ANALYZE_STACK_SUMS_H

#include "output/analyze/replay.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"
#include "output/log/error.h"

struct stack_sum {
    uint32_t stack;           /* 0: the empty stack */
    uint32_t process, thread; /* ids, 0 where they are not told apart */
    struct replay_sums sums;
};

struct stack_sums {
    struct stack_sum *sums;
    size_t count;
};

struct stack_sums_query {
    /* What is told apart beside the stacks; as far as the replay's rows are split by it. */
    enum replay_split by;
    const uint32_t *same; /* same_stacks(): which stacks are one; NULL: each is its own */
    /* Only stacks with blocks that were not freed; --min-count and --threshold-bytes are then about
     * those. */
    bool leaked;
};

/* In the order of stacks, processes and threads. */
struct error *stack_sums_collect(const struct report *report, const struct stack_sums_query *query,
                                 struct stack_sums *sums);
void stack_sums_deinit(struct stack_sums *sums);

/* Heaviest first: by bytes not freed, if leaked is set, or else by --metric; then by blocks, then
 * by place. */
void stack_sums_sort(struct stack_sums *sums, const struct options *options, bool leaked);

/* For exports, which show all if --limit is not given: keeps so many, the heaviest, in their order
 * by place. */
void stack_sums_limit(struct stack_sums *sums, const struct options *options, bool leaked);

#endif
