/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output/analyze/filter.h"
#include "output/analyze/format.h"
#include "output/analyze/report.h"

/* A whole stack's blocks; rows of several processes or threads with one stack stay apart. */
struct leak {
    uint32_t row, stack, group;
    uint64_t bytes, blocks;
};

static int compare(const void *one, const void *other)
{
    const struct leak *a = one;
    const struct leak *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->blocks != b->blocks)
        return a->blocks < b->blocks ? 1 : -1;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}

static size_t collect(const struct report *report, const bool *wanted, struct leak *leaks)
{
    const struct replay *replay = report->replay;
    size_t count = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (row->sums.leaked && row->sums.leaked >= report->options->min_count &&
            row->sums.leaked_bytes >= report->options->threshold_bytes && wanted[row->stack])
            leaks[count++] = (struct leak){.row = (uint32_t)i,
                                           .stack = row->stack,
                                           .group = row->group,
                                           .bytes = row->sums.leaked_bytes,
                                           .blocks = row->sums.leaked};
    }
    qsort(leaks, count, sizeof *leaks, compare);
    return count;
}

static void print_leak(const struct report *report, FILE *out, const struct leak *leak,
                       size_t number, size_t of)
{
    const struct replay *replay = report->replay;
    const struct replay_row *row = &replay->rows[leak->row];
    char bytes[64], blocks[32], count[32], share[16];
    fprintf(out, "\n%s in %s block%s (%s) not freed, of %s allocated here: %zu of %zu\n",
            format_bytes(leak->bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(leak->blocks, blocks, sizeof blocks), leak->blocks == 1 ? "" : "s",
            format_share(leak->bytes, replay->totals.leaked_bytes, share, sizeof share),
            format_number(row->sums.count, count, sizeof count), number, of);
    if (row->group && report->options->group == GROUP_PROCESS)
        fprintf(out, "  in process %lld\n", (long long)replay->catalog.processes[row->group].pid);
    format_stack(out, replay, row->stack, "    ", report->options->verbose > 1);
}

struct error *report_leaks(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], blocks[32];
    struct leak *leaks = calloc(report->replay->row_count, sizeof *leaks);
    bool *wanted = filter_stacks(report->options, &report->replay->catalog);
    if (!leaks || !wanted) {
        free(leaks);
        free(wanted);
        return error_no_memory();
    }
    size_t count = collect(report, wanted, leaks);
    free(wanted);
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
