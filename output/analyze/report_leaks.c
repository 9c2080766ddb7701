/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"

static void print_leak(const struct report *report, FILE *out, const struct stack_sum *leak,
                       size_t number, size_t of)
{
    const struct replay *replay = report->replay;
    char bytes[64], blocks[32], count[32], share[16];
    fprintf(out, "\n%s in %s block%s (%s) not freed, of %s allocated here: %zu of %zu\n",
            format_bytes(leak->sums.leaked_bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(leak->sums.leaked, blocks, sizeof blocks),
            leak->sums.leaked == 1 ? "" : "s",
            format_share(leak->sums.leaked_bytes, replay->totals.leaked_bytes, share, sizeof share),
            format_number(leak->sums.count, count, sizeof count), number, of);
    if (leak->process)
        fprintf(out, "  in process %lld\n",
                (long long)replay->catalog.processes[leak->process].pid);
    format_stack(out, replay, leak->stack, "    ", report->options->verbose > 1);
}

/* How many stacks are listed and, where options chose among them, what these have not freed. */
static void print_chosen(const struct report *report, FILE *out, const struct stack_sums *leaks)
{
    const struct options *options = report->options;
    char bytes[64], blocks[32];
    uint64_t count = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < leaks->count; i++) {
        count += leaks->sums[i].sums.leaked;
        size += leaks->sums[i].sums.leaked_bytes;
    }
    if (count != report->replay->totals.leaked)
        fprintf(out, "; chosen of them: %s in %s block%s",
                format_bytes(size, options->verbose, bytes, sizeof bytes),
                format_number(count, blocks, sizeof blocks), count == 1 ? "" : "s");
    fprintf(out, ", from %zu stack%s\n", leaks->count, leaks->count == 1 ? "" : "s");
}

struct error *report_unfreed(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], blocks[32];
    struct stack_sums leaks;
    uint32_t *same = same_stacks(&report->replay->catalog, SAME_BY_LINES);
    const struct stack_sums_query query = {
        .by = options->group == GROUP_PROCESS ? REPLAY_BY_PROCESS : REPLAY_BY_STACK,
        .same = same,
        .leaked = true,
    };
    struct error *error = same ? stack_sums_collect(report, &query, &leaks) : error_no_memory();
    free(same);
    if (error)
        return error;
    stack_sums_sort(&leaks, options, true);
    size_t shown = leaks.count < options->limit ? leaks.count : options->limit;
    fprintf(out, "%s in %s block%s not freed",
            format_bytes(totals->leaked_bytes, options->verbose, bytes, sizeof bytes),
            format_number(totals->leaked, blocks, sizeof blocks), totals->leaked == 1 ? "" : "s");
    print_chosen(report, out, &leaks);
    for (size_t i = 0; i < shown; i++)
        print_leak(report, out, &leaks.sums[i], i + 1, leaks.count);
    if (shown < leaks.count)
        fprintf(out, "\n%zu more; --limit=0 shows all\n", leaks.count - shown);
    stack_sums_deinit(&leaks);
    suppressions_print_built_in(report->suppressions, report->options->verbose, out);
    suppressions_print(report->suppressions, SUPPRESSED_UNFREED, report->options->verbose, out);
    return NULL;
}

struct error *report_leaks(const struct report *report, FILE *out)
{
    if (report->options->gen_suppressions)
        return report_gen_suppressions(report, out);
    if (report->comparison)
        return report_leaks_compare(report, out);
    if (report->replay->totals.leak_checks)
        return report_leak_records(report, out);
    struct error *error = report_unfreed(report, out);
    if (!error && report->replay->totals.leaked)
        fputs("\nWhether the program could still reach these blocks is not known: trace it with\n"
              "allocptrace --leak-check=reachable to tell what is lost.\n",
              out);
    return error;
}
