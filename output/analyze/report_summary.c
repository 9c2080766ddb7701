/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"

/* The summary's tables are short; --limit lengthens them. */
#define TABLE_ROWS 5

#define LABEL_WIDTH 14

static void print_label(FILE *out, const char *label)
{
    fprintf(out, "%-*s", LABEL_WIDTH, label);
}

static void print_blocks(const struct report *report, FILE *out, uint64_t bytes, uint64_t blocks)
{
    char text[64], number[32];
    fprintf(out, "%s in %s block%s",
            format_bytes(bytes, report->options->verbose, text, sizeof text),
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
    if (report->header->command_count) {
        for (size_t i = 0; i < report->header->command_count; i++) {
            char word[512], clean[2048];
            const struct log_text *text = &report->header->command[i];
            snprintf(word, sizeof word, "%.*s", (int)(text->size < 400 ? text->size : 400),
                     text->data);
            text_sanitize(clean, sizeof clean, word);
            fprintf(out, "%s%s", i ? " " : "", clean);
        }
    } else if (catalog->process_count > 1) {
        format_text(out, catalog->processes[1].executable);
    }
    if (report->header->attached)
        fprintf(out, "  (attached to process %" PRId64 ")",
                catalog->process_count > 1 ? catalog->processes[1].pid : 0);
    if (catalog->process_count > 2)
        fprintf(out, "  (%zu processes)", catalog->process_count - 1);
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

static void print_totals(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    bool exact = report->options->verbose;
    char a[64], b[64], c[64];
    print_program(report, out);
    if (report->header->tick_ns) {
        print_label(out, "Time");
        fprintf(out, "%.3f s traced\n", seconds(report, totals->last_time));
    }
    print_label(out, "Allocated");
    fprintf(out, "%s in %s allocations", format_bytes(totals->bytes, exact, a, sizeof a),
            format_number(totals->allocations, b, sizeof b));
    if (totals->reallocations)
        fprintf(out, " (%s of them reallocations)",
                format_number(totals->reallocations, c, sizeof c));
    fprintf(out, ", %s freed\n", format_number(totals->deallocations, b, sizeof b));
    print_label(out, "Peak");
    print_blocks(report, out, totals->peak_bytes, totals->peak_blocks);
    if (report->header->tick_ns && totals->peak_bytes)
        fprintf(out, ", at %.3f s", seconds(report, totals->peak_time));
    fputc('\n', out);
    print_label(out, "Not freed");
    print_blocks(report, out, totals->leaked_bytes, totals->leaked);
    fputc('\n', out);
    print_label(out, "Temporary");
    fprintf(out, "%s allocations (%s) freed before the next one of their thread\n",
            format_number(totals->temporary, a, sizeof a),
            format_share(totals->temporary, totals->allocations, b, sizeof b));
    print_count_line(out, "Failed", totals->failed, "allocations returned a null pointer");
    print_count_line(out, "Unknown", totals->unknown_frees,
                     report->header->attached ? "frees of blocks allocated before tracing began"
                                              : "frees of addresses where no block was alive");
    print_count_line(out, "Missed", totals->missed_frees,
                     "blocks were replaced without a free having been seen");
    if (report->header->mappings) {
        print_label(out, "Mapped");
        fprintf(out, "%s in %s mappings, peak %s, %s at the end\n",
                format_bytes(totals->mapped_bytes, exact, a, sizeof a),
                format_number(totals->mapped, b, sizeof b),
                format_bytes(totals->mapped_peak, exact, c, sizeof c),
                format_bytes(totals->mapped_now, exact, (char[64]){0}, 64));
    }
}

struct table {
    const char *title;
    enum metric metric;
    bool counts; /* the weight is a number of allocations, not of bytes */
    uint64_t total;
    const char *nothing; /* said in place of an empty table; NULL: nothing */
};

static struct error *print_table(const struct report *report, FILE *out, const struct table *table)
{
    const struct replay *replay = report->replay;
    struct options options = *report->options;
    sites_weight weigh = sites_metric_weight(table->metric);
    struct sites sites;
    if (!options.limit_given)
        options.limit = TABLE_ROWS;
    struct error *error = sites_collect(replay, &options, weigh, &sites);
    if (error)
        return error;
    size_t shown = 0;
    for (size_t i = 0; i < sites.count; i++) {
        const struct site *site = &sites.sites[i];
        uint64_t weight = weigh(&site->sums);
        char *name = site_name(replay, site, options.verbose > 1);
        char text[64], share[16], count[32];
        if (!weight || !name) {
            free(name);
            continue;
        }
        if (!shown++)
            fprintf(out, "\n%s\n", table->title);
        if (table->counts)
            snprintf(text, sizeof text, "%s", format_number(weight, count, sizeof count));
        else
            format_bytes(weight, options.verbose, text, sizeof text);
        fprintf(out, "  %*s  %6s  ", options.verbose ? 24 : 12, text,
                format_share(weight, table->total, share, sizeof share));
        format_text(out, name);
        fputc('\n', out);
        free(name);
        if (options.verbose > 2)
            format_stack(out, replay, replay->rows[site->heaviest_row].stack,
                         "                          ", true);
    }
    if (!shown && table->nothing)
        fprintf(out, "\n%s\n", table->nothing);
    sites_deinit(&sites);
    return NULL;
}

static void print_next(const struct report *report, FILE *out)
{
    const char *log = report->options->log;
    fputs("\nNext: allocptrace-analyze --leaks ", out);
    format_text(out, log);
    fputs("   each leak with its stack\n      allocptrace-analyze --flamegraph ", out);
    format_text(out, log);
    fputs("   folded stacks; --help for more\n", out);
}

struct error *report_summary(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    const struct table tables[] = {
        {"Sites by memory at the peak", METRIC_PEAK, false, totals->peak_bytes, NULL},
        {"Sites by memory not freed", METRIC_LEAKED, false, totals->leaked_bytes,
         totals->leaked ? NULL : "Everything was freed."},
        {"Sites by number of allocations", METRIC_ALLOCATIONS, true, totals->allocations, NULL},
        {"Sites by temporary allocations", METRIC_TEMPORARY, true, totals->temporary, NULL},
    };
    print_totals(report, out);
    struct error *error = NULL;
    for (size_t i = 0; !error && i < sizeof tables / sizeof *tables; i++)
        error = print_table(report, out, &tables[i]);
    for (size_t i = 0; i < report->replay->catalog.note_count; i++) {
        fputs(i ? "Note: " : "\nNote: ", out);
        format_text(out, report->replay->catalog.notes[i]);
        fputc('\n', out);
    }
    if (!error)
        print_next(report, out);
    return error;
}
