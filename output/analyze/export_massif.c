/* SPDX-License-Identifier: MIT */
/*
 * What valgrind's massif writes, for ms_print and massif-visualizer: snapshots of the heap, some of
 * them, and the peak, with a tree. The format is described in massif's manual and, for what it does
 * not say, by what ms_print takes.
 *
 * Snapshots are of live bytes at the ends of spans of equal length; the peak is the exact one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/history.h"
#include "output/analyze/massif_tree.h"
#include "output/analyze/report.h"
#include "output/analyze/valgrind_line.h"

/* massif's defaults: --max-snapshots, --detailed-freq. Two are the beginning and the peak. */
#define MOST_SPANS 98
#define DETAILED_EACH 10

struct massif {
    const struct report *report;
    const struct history *history;
    struct massif_tree tree;
    uint64_t *live;                /* by row: live bytes at the end of the last span */
    struct massif_weight *weights; /* scratch, one for each row */
    size_t snapshots;
    FILE *out;
};

struct snapshot {
    uint64_t time;
    uint64_t bytes, slack;
    const char *tree; /* "empty", "detailed", "peak" */
};

/* Milliseconds or, in a log without times, events. */
static uint64_t units(const struct massif *massif, uint64_t time)
{
    uint64_t tick_ns = massif->report->header->tick_ns;
    return tick_ns ? (uint64_t)((unsigned __int128)time * tick_ns / 1000000) : time;
}

static void print_snapshot(struct massif *massif, const struct snapshot *snapshot)
{
    fprintf(massif->out,
            "#-----------\nsnapshot=%zu\n#-----------\n"
            "time=%" PRIu64 "\nmem_heap_B=%" PRIu64 "\nmem_heap_extra_B=%" PRIu64
            "\nmem_stacks_B=0\nheap_tree=%s\n",
            massif->snapshots++, units(massif, snapshot->time), snapshot->bytes, snapshot->slack,
            snapshot->tree);
}

static struct error *print_tree(struct massif *massif, const struct snapshot *snapshot, bool peak)
{
    const struct replay *replay = massif->report->replay;
    size_t count = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        uint64_t bytes = peak ? replay->rows[i].sums.peak_bytes : massif->live[i];
        if (bytes)
            massif->weights[count++] =
                (struct massif_weight){.stack = replay->rows[i].stack, .bytes = bytes};
    }
    return massif_tree_print(&massif->tree, massif->weights, count,
                             snapshot->bytes + snapshot->slack, massif->out);
}

static struct error *print_peak(struct massif *massif)
{
    const struct replay_totals *totals = &massif->report->replay->totals;
    const struct snapshot snapshot = {.time = totals->peak_time,
                                      .bytes = totals->peak_bytes,
                                      .slack = totals->peak_slack,
                                      .tree = "peak"};
    print_snapshot(massif, &snapshot);
    return print_tree(massif, &snapshot, true);
}

/* Bins from begin to before end are a span: takes in their changes and prints what it ends with. */
static struct error *print_span(struct massif *massif, size_t begin, size_t end)
{
    const struct history *history = massif->history;
    for (size_t bin = begin; bin < end; bin++) {
        size_t count;
        const struct history_point *points = history_points(history, bin, &count);
        for (size_t i = 0; i < count; i++)
            massif->live[points[i].row] = points[i].live_bytes;
    }
    bool detailed = massif->snapshots % DETAILED_EACH == 0 || end == history->bin_count;
    const struct snapshot snapshot = {.time = history_time(history, end),
                                      .bytes = history->bins[end - 1].live_bytes,
                                      .slack = history->bins[end - 1].live_slack,
                                      .tree = detailed ? "detailed" : "empty"};
    print_snapshot(massif, &snapshot);
    return detailed ? print_tree(massif, &snapshot, false) : NULL;
}

static struct error *print_snapshots(struct massif *massif)
{
    const struct history *history = massif->history;
    const struct replay_totals *totals = &massif->report->replay->totals;
    size_t step = (history->bin_count + MOST_SPANS - 1) / MOST_SPANS;
    bool peak_is_due = totals->peak_bytes > 0;
    struct error *error = NULL;
    print_snapshot(massif, &(struct snapshot){.tree = "empty"});
    for (size_t bin = 0; !error && bin < history->bin_count && !ferror(massif->out);) {
        size_t end = history->bin_count - bin > step ? bin + step : history->bin_count;
        if (peak_is_due &&
            (end == history->bin_count || totals->peak_time < history_time(history, end))) {
            peak_is_due = false;
            error = print_peak(massif);
        }
        if (!error)
            error = print_span(massif, bin, end);
        bin = end;
    }
    return error;
}

struct error *export_massif(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    struct massif massif = {
        .report = report,
        .history = replay->history,
        .live = calloc(replay->row_count, sizeof *massif.live),
        .weights = calloc(replay->row_count, sizeof *massif.weights),
        .out = out,
    };
    struct error *error =
        massif.live && massif.weights ? massif_tree_init(&massif.tree, report) : error_no_memory();
    if (!error) {
        fputs("desc: allocptrace " ALLOCPTRACE_VERSION "\ncmd: ", out);
        format_program(out, report->header, &replay->catalog);
        fprintf(out, "\ntime_unit: %s\n", report->header->tick_ns ? "ms" : "i");
        error = print_snapshots(&massif);
        massif_tree_deinit(&massif.tree);
    }
    free(massif.live);
    free(massif.weights);
    return error;
}
