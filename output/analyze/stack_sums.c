/* SPDX-License-Identifier: MIT */
#include "output/analyze/stack_sums.h"

#include <stdlib.h>

#include "output/analyze/filter.h"

static int by_place(const void *one, const void *other)
{
    const struct stack_sum *a = one;
    const struct stack_sum *b = other;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->thread > b->thread) - (a->thread < b->thread);
}

struct order {
    sites_weight weigh;
    bool leaked;
};

static int by_weight(const void *one, const void *other, void *data)
{
    const struct stack_sum *a = one;
    const struct stack_sum *b = other;
    const struct order *order = data;
    uint64_t weight_a = order->weigh(&a->sums);
    uint64_t weight_b = order->weigh(&b->sums);
    uint64_t blocks_a = order->leaked ? a->sums.leaked : a->sums.count;
    uint64_t blocks_b = order->leaked ? b->sums.leaked : b->sums.count;
    if (weight_a != weight_b)
        return weight_a < weight_b ? 1 : -1;
    if (blocks_a != blocks_b)
        return blocks_a < blocks_b ? 1 : -1;
    return by_place(one, other);
}

/* Makes one of all that are at the same place. */
static void merge(struct stack_sums *sums)
{
    size_t merged = 0;
    qsort(sums->sums, sums->count, sizeof *sums->sums, by_place);
    for (size_t i = 0; i < sums->count; i++) {
        if (merged && by_place(&sums->sums[merged - 1], &sums->sums[i]) == 0)
            replay_add_sums(&sums->sums[merged - 1].sums, &sums->sums[i].sums);
        else
            sums->sums[merged++] = sums->sums[i];
    }
    sums->count = merged;
}

static void drop_small(const struct options *options, bool leaked, struct stack_sums *sums)
{
    size_t kept = 0;
    for (size_t i = 0; i < sums->count; i++) {
        const struct replay_sums *at = &sums->sums[i].sums;
        uint64_t blocks = leaked ? at->leaked : at->count;
        uint64_t bytes = leaked ? at->leaked_bytes : at->bytes;
        if ((blocks || !leaked) && blocks >= options->min_count &&
            bytes >= options->threshold_bytes)
            sums->sums[kept++] = sums->sums[i];
    }
    sums->count = kept;
}

struct error *stack_sums_collect(const struct report *report, const struct stack_sums_query *query,
                                 struct stack_sums *sums)
{
    const struct replay *replay = report->replay;
    const struct options *options = report->options;
    bool *wanted = filter_stacks(options, &replay->catalog);
    *sums = (struct stack_sums){.sums = calloc(replay->row_count, sizeof *sums->sums)};
    if (!wanted || !sums->sums) {
        free(wanted);
        stack_sums_deinit(sums);
        return error_no_memory();
    }
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (!wanted[row->stack] || sites_are_empty(&row->sums))
            continue;
        sums->sums[sums->count++] = (struct stack_sum){
            .stack = query->same ? query->same[row->stack] : row->stack,
            .process = query->by >= REPLAY_BY_PROCESS ? row->process : 0,
            .thread = query->by >= REPLAY_BY_THREAD ? row->thread : 0,
            .sums = row->sums,
        };
    }
    free(wanted);
    merge(sums);
    drop_small(options, query->leaked, sums);
    return NULL;
}

void stack_sums_deinit(struct stack_sums *sums)
{
    free(sums->sums);
    *sums = (struct stack_sums){0};
}

void stack_sums_sort(struct stack_sums *sums, const struct options *options, bool leaked)
{
    struct order order = {
        .weigh = sites_metric_weight(leaked ? METRIC_LEAKED : options->metric),
        .leaked = leaked,
    };
    qsort_r(sums->sums, sums->count, sizeof *sums->sums, by_weight, &order);
}

void stack_sums_limit(struct stack_sums *sums, const struct options *options, bool leaked)
{
    if (!options->limit_given || sums->count <= options->limit)
        return;
    stack_sums_sort(sums, options, leaked);
    sums->count = options->limit;
    qsort(sums->sums, sums->count, sizeof *sums->sums, by_place);
}
