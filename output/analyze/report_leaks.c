/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output/analyze/filter.h"
#include "output/analyze/format.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"

/* The blocks of all stacks that look the same, in one process if they are told apart. */
struct leak {
    uint32_t stack, process;
    uint64_t bytes, blocks;
    uint64_t count; /* allocated in all */
};

static int by_place(const void *one, const void *other)
{
    const struct leak *a = one;
    const struct leak *b = other;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

static int by_weight(const void *one, const void *other)
{
    const struct leak *a = one;
    const struct leak *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->blocks != b->blocks)
        return a->blocks < b->blocks ? 1 : -1;
    return by_place(one, other);
}

/* Makes one of all that are at the same place; returns how many are left. */
static size_t merge(struct leak *leaks, size_t count)
{
    size_t merged = 0;
    qsort(leaks, count, sizeof *leaks, by_place);
    for (size_t i = 0; i < count; i++) {
        if (merged && by_place(&leaks[merged - 1], &leaks[i]) == 0) {
            leaks[merged - 1].bytes += leaks[i].bytes;
            leaks[merged - 1].blocks += leaks[i].blocks;
            leaks[merged - 1].count += leaks[i].count;
        } else {
            leaks[merged++] = leaks[i];
        }
    }
    return merged;
}

static size_t drop_small(const struct options *options, struct leak *leaks, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (leaks[i].blocks && leaks[i].blocks >= options->min_count &&
            leaks[i].bytes >= options->threshold_bytes)
            leaks[kept++] = leaks[i];
    }
    return kept;
}

static size_t collect(const struct report *report, const bool *wanted, const uint32_t *same,
                      struct leak *leaks)
{
    const struct replay *replay = report->replay;
    bool by_process = report->options->group == GROUP_PROCESS;
    size_t count = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (wanted[row->stack])
            leaks[count++] = (struct leak){.stack = same[row->stack],
                                           .process = by_process ? row->process : 0,
                                           .bytes = row->sums.leaked_bytes,
                                           .blocks = row->sums.leaked,
                                           .count = row->sums.count};
    }
    count = drop_small(report->options, leaks, merge(leaks, count));
    qsort(leaks, count, sizeof *leaks, by_weight);
    return count;
}

static void print_leak(const struct report *report, FILE *out, const struct leak *leak,
                       size_t number, size_t of)
{
    const struct replay *replay = report->replay;
    char bytes[64], blocks[32], count[32], share[16];
    fprintf(out, "\n%s in %s block%s (%s) not freed, of %s allocated here: %zu of %zu\n",
            format_bytes(leak->bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(leak->blocks, blocks, sizeof blocks), leak->blocks == 1 ? "" : "s",
            format_share(leak->bytes, replay->totals.leaked_bytes, share, sizeof share),
            format_number(leak->count, count, sizeof count), number, of);
    if (leak->process)
        fprintf(out, "  in process %lld\n",
                (long long)replay->catalog.processes[leak->process].pid);
    format_stack(out, replay, leak->stack, "    ", report->options->verbose > 1);
}

struct error *report_leaks(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], blocks[32];
    struct leak *leaks = calloc(report->replay->row_count, sizeof *leaks);
    bool *wanted = filter_stacks(report->options, &report->replay->catalog);
    uint32_t *same = same_stacks(&report->replay->catalog, SAME_BY_LINES);
    if (!leaks || !wanted || !same) {
        free(leaks);
        free(wanted);
        free(same);
        return error_no_memory();
    }
    size_t count = collect(report, wanted, same, leaks);
    free(wanted);
    free(same);
    size_t shown = count < report->options->limit ? count : report->options->limit;
    fprintf(out, "%s in %s block%s not freed, from %zu stack%s\n",
            format_bytes(totals->leaked_bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(totals->leaked, blocks, sizeof blocks), totals->leaked == 1 ? "" : "s",
            count, count == 1 ? "" : "s");
    for (size_t i = 0; i < shown; i++)
        print_leak(report, out, &leaks[i], i + 1, count);
    if (shown < count)
        fprintf(out, "\n%zu more; --limit=0 shows all\n", count - shown);
    free(leaks);
    return NULL;
}
