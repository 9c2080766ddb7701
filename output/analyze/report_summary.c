/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "output/analyze/cumulative.h"
#include "output/analyze/format.h"
#include "output/analyze/history.h"
#include "output/analyze/measure.h"
#include "output/analyze/report.h"
#include "output/analyze/site_table.h"
#include "output/analyze/sparkline.h"

/* The summary's tables are short; --limit lengthens them. */
#define TABLE_ROWS 5

#define LABEL_WIDTH 14

#define CURVE_WIDTH 50

/* So many programs of one process are named. */
#define MOST_PROGRAMS 4

static void print_label(FILE *out, const char *label)
{
    fprintf(out, "%-*s", LABEL_WIDTH, label);
}

static void print_blocks(const struct report *report, FILE *out, uint64_t bytes, uint64_t blocks)
{
    char text[64], number[32];
    fprintf(out, "%s in %s block%s",
            format_bytes_both(bytes, report->options->verbose, text, sizeof text),
            format_number(blocks, number, sizeof number), blocks == 1 ? "" : "s");
}

static double seconds(const struct report *report, uint64_t ticks)
{
    return (double)ticks * (double)report->header->tick_ns / 1e9;
}

static void print_program(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    print_label(out, "Program");
    format_program(out, report->header, catalog);
    if (report->header->attached)
        fprintf(out, "  (attached to process %" PRId64 ")",
                catalog->process_count > 1 ? catalog->processes[1].pid : 0);
    if (catalog->process_count > 2)
        fprintf(out, "  (%zu processes)", catalog->process_count - 1);
    fputc('\n', out);
}

/* What --process chose: a process id may stand for several programs, one after the other. */
static void print_process(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    size_t count = 0;
    print_label(out, "Process");
    fprintf(out, "%" PRId64 "  ", report->options->pid);
    for (size_t i = 1; i < catalog->process_count; i++) {
        if (catalog->processes[i].pid != report->options->pid)
            continue;
        if (count++ < MOST_PROGRAMS) {
            fputs(count > 1 ? ", then " : "", out);
            format_text(out, catalog->processes[i].executable);
        }
    }
    if (count > MOST_PROGRAMS)
        fputs(", ...", out);
    if (count > 1)
        fprintf(out, "  (%zu programs, summed up)", count);
    fputc('\n', out);
}

static void print_count_line(FILE *out, const char *label, uint64_t count, const char *what)
{
    char number[32];
    if (!count)
        return;
    print_label(out, label);
    fprintf(out, "%s %s\n", format_number(count, number, sizeof number), what);
}

static void print_allocated(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], count[32];
    print_label(out, "Allocated");
    fprintf(out, "%s in %s allocation%s",
            format_bytes_both(totals->bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(totals->allocations, count, sizeof count),
            totals->allocations == 1 ? "" : "s");
    if (totals->reallocations)
        fprintf(out, ", of them %s reallocation%s",
                format_number(totals->reallocations, count, sizeof count),
                totals->reallocations == 1 ? "" : "s");
    fprintf(out, "; %s freed\n", format_number(totals->deallocations, count, sizeof count));
}

/* What the processes that were attached to had allocated before. */
static void print_found(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    char count[32];
    if (!totals->found)
        return;
    print_label(out, "Before attach");
    print_blocks(report, out, totals->found_bytes, totals->found);
    fprintf(out, ", %s freed since\n", format_number(totals->found_freed, count, sizeof count));
}

static void print_mapped(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    bool exact = report->options->verbose;
    char total[64], peak[64], end[64], count[32];
    print_label(out, "Mapped");
    fprintf(out, "%s in %s mapping%s, peak %s, %s at the end\n",
            format_bytes(totals->mapped_bytes, exact, total, sizeof total),
            format_number(totals->mapped, count, sizeof count), totals->mapped == 1 ? "" : "s",
            format_bytes(totals->mapped_peak, exact, peak, sizeof peak),
            format_bytes(totals->mapped_end, exact, end, sizeof end));
}

static void print_curve(const struct report *report, FILE *out)
{
    const struct history *history = report->replay->history;
    if (!history || history->bin_count < 2 || !report->replay->totals.peak_bytes ||
        !sparkline_can_be_shown())
        return;
    print_label(out, "Over time");
    sparkline_print(out, history, CURVE_WIDTH);
    fputs("  (--timeline tells more)\n", out);
}

/* What leak checks say. */
static void print_lost(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    const struct leak_amount *definite = &totals->lost[LOG_DEFINITELY_LOST];
    const struct leak_amount *indirect = &totals->lost[LOG_INDIRECTLY_LOST];
    if (!totals->leak_checks)
        return;
    print_label(out, "Lost");
    print_blocks(report, out, definite->bytes + indirect->bytes,
                 definite->blocks + indirect->blocks);
    fputs(", and possibly ", out);
    print_blocks(report, out, totals->lost[LOG_POSSIBLY_LOST].bytes,
                 totals->lost[LOG_POSSIBLY_LOST].blocks);
    fputc('\n', out);
    print_label(out, "Reachable");
    print_blocks(report, out, totals->lost[LOG_REACHABLE].bytes,
                 totals->lost[LOG_REACHABLE].blocks);
    fputs(" still, by the last leak check\n", out);
}

static void print_totals(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    char count[32], share[16];
    print_program(report, out);
    if (report->options->log_count > 1) {
        print_label(out, "Logs");
        fprintf(out, "%zu, one after the other\n", report->options->log_count);
    }
    if (report->options->pid >= 0)
        print_process(report, out);
    if (report->header->tick_ns) {
        print_label(out, "Time");
        fprintf(out, "%.3f s traced\n", seconds(report, totals->last_time));
    }
    print_allocated(report, out);
    print_found(report, out);
    print_label(out, "Peak");
    print_blocks(report, out, totals->peak_bytes, totals->peak_blocks);
    if (report->header->tick_ns && totals->peak_bytes)
        fprintf(out, ", at %.3f s", seconds(report, totals->peak_time));
    fputc('\n', out);
    print_curve(report, out);
    print_label(out, "Not freed");
    print_blocks(report, out, totals->leaked_bytes, totals->leaked);
    fputc('\n', out);
    if (totals->suppressed) {
        print_label(out, "Suppressed");
        print_blocks(report, out, totals->suppressed_bytes, totals->suppressed);
        fputs(" more\n", out);
    }
    if (totals->built_in) {
        print_label(out, "Suppressed");
        print_blocks(report, out, totals->built_in_bytes, totals->built_in);
        fputs(" more (built-in): the C library's own\n", out);
    }
    print_lost(report, out);
    print_label(out, "Temporary");
    fprintf(out, "%s allocation%s (%s) freed before the next one of their thread\n",
            format_number(totals->temporary, count, sizeof count),
            totals->temporary == 1 ? "" : "s",
            format_share(totals->temporary, totals->allocations, share, sizeof share));
    print_count_line(out, "Failed", totals->failed, "allocations returned a null pointer");
    print_count_line(out, "Forked", totals->inherited_frees,
                     "of the freed blocks were a child's copies of its parent's");
    if (report->header->attached)
        print_count_line(out, "Older", totals->unknown_frees,
                         "freed blocks had been allocated before tracing began");
    else
        print_count_line(out, "Invalid", totals->unknown_frees,
                         "frees of addresses where no block was alive");
    print_count_line(out, "Missed", totals->missed_frees,
                     "frees were not seen: their addresses were handed out again");
    if (report->header->mappings)
        print_mapped(report, out);
}

/* One of the summary's tables: weight, share, site. */
static void print_short_table(const struct report *report, FILE *out, struct sites *sites,
                              enum metric metric)
{
    const struct options *options = report->options;
    struct measure measure = measure_of(&report->replay->totals, metric);
    sites_weight weigh = sites_metric_weight(metric);
    size_t limit = options->limit_given ? options->limit : TABLE_ROWS;
    sites_sort(sites, options, weigh);
    for (size_t i = 0; i < sites->count && i < limit; i++) {
        const struct site *site = &sites->sites[i];
        uint64_t weight = weigh(&site->sums);
        char text[64], share[16];
        if (!weight && (metric != METRIC_LEAKED || !site->sums.leaked))
            break;
        measure_format(&measure, weight, options->verbose, text, sizeof text);
        if (!i)
            fprintf(out, "\nSites by %s\n", measure.title);
        fprintf(out, "  %*s  %6s  ", options->verbose ? 24 : 12, text,
                format_share(weight, measure.total, share, sizeof share));
        site_table_place(report, out, sites, site, weigh);
    }
}

/* The table of --metric, --sort-by and --group-by, with all sums of a site. */
static void print_full_table(const struct report *report, FILE *out, struct sites *sites)
{
    static const char *const groups[] = {
        [GROUP_FUNCTION] = "Functions", [GROUP_MODULE] = "Modules", [GROUP_FILE] = "Files",
        [GROUP_LINE] = "Sites",         [GROUP_THREAD] = "Threads", [GROUP_PROCESS] = "Processes",
    };
    const struct options *options = report->options;
    enum metric metric = sites_metric(options);
    struct measure measure = measure_of(&report->replay->totals, metric);
    const char *how = options->sort == SORT_NAME         ? "name, with shares of "
                      : options->sort == SORT_CUMULATIVE ? "all that they call, of "
                                                         : "";
    fprintf(out, "\n%s by %s%s\n", groups[options->group], how, measure.title);
    site_table_print_sums(report, out, sites, measure.total);
}

static void print_none(const struct report *report, FILE *out)
{
    fputc('\n', out);
    site_table_print_none(report, out, false, "allocations");
}

static void print_notes(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    for (size_t i = 0; i < catalog->note_count; i++) {
        fputs(i ? "Note: " : "\nNote: ", out);
        format_text(out, catalog->notes[i]);
        fputc('\n', out);
    }
}

static bool can_be_read_again(const struct options *options)
{
    for (size_t i = 0; i < options->log_count; i++) {
        if (strcmp(options->logs[i], "-") == 0)
            return false;
    }
    return true;
}

static void print_next(const struct report *report, FILE *out)
{
    bool leaked = report->replay->totals.leaked > 0;
    fprintf(out, "\nNext: allocptrace-analyze %s ", leaked ? "--leaks" : "--flamegraph");
    for (size_t i = 0; i < report->options->log_count; i++) {
        text_print_quoted(out, report->options->logs[i]);
        fputc(' ', out);
    }
    fprintf(out, "   (%s; --help lists more)\n",
            leaked ? "each leak with its whole stack" : "folded stacks for a flame graph");
}

struct error *report_summary(const struct report *report, FILE *out)
{
    static const enum metric metrics[] = {METRIC_PEAK, METRIC_LEAKED, METRIC_ALLOCATIONS,
                                          METRIC_TEMPORARY};
    struct sites sites;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (!error && report->options->table)
        error = cumulative_collect(report->replay, report->options,
                                   sites_metric_weight(sites_metric(report->options)),
                                   report->options->sort == SORT_CUMULATIVE, &sites);
    if (error)
        return error;
    print_totals(report, out);
    if (!sites.count && report->replay->totals.allocations)
        print_none(report, out);
    else if (report->options->table)
        print_full_table(report, out, &sites);
    else
        for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
            print_short_table(report, out, &sites, metrics[i]);
    sites_deinit(&sites);
    suppressions_print(report->suppressions, SUPPRESSED_UNFREED, report->options->verbose, out);
    print_notes(report, out);
    if (can_be_read_again(report->options))
        print_next(report, out);
    return NULL;
}
