/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "output/analyze/color.h"
#include "output/analyze/comparison_sites.h"
#include "output/analyze/format.h"
#include "output/analyze/quantity.h"
#include "output/analyze/report.h"

/* Without --metric, --sort-by and --group-by there are several tables, which are short. */
#define TABLE_ROWS 5

/* How a report shows changes. */
struct style {
    bool exact; /* bytes */
    bool colors;
    int width; /* of an amount */
};

static struct style style_of(const struct options *options, FILE *out)
{
    bool exact = options->verbose > 0;
    return (struct style){
        .exact = exact, .colors = color_wanted(options->color, out), .width = exact ? 22 : 13};
}

static const char *format_amount(uint64_t amount, bool bytes, const struct style *style, char *out,
                                 size_t size)
{
    return bytes ? format_bytes(amount, style->exact, out, size) : format_number(amount, out, size);
}

/* "+12.5%", or a word where a percentage says nothing. */
static const char *format_relative(struct change change, char *out, size_t size)
{
    if (change.before == change.now)
        snprintf(out, size, "=");
    else if (!change.before)
        snprintf(out, size, "new");
    else if (!change.now)
        snprintf(out, size, "gone");
    else
        snprintf(out, size, "%+.1f%%",
                 100.0 * ((double)change.now - (double)change.before) / (double)change.before);
    return out;
}

/* The change and how large it is beside what there was, then what there was and is. */
static void print_change(FILE *out, struct change change, bool bytes, const struct style *style)
{
    char text[64], before[64], now[64], size[64], relative[32];
    bool grew = change.now > change.before;
    snprintf(text, sizeof text, "%s%s",
             change.now == change.before ? ""
             : grew                      ? "+"
                                         : "-",
             format_amount(change_size(change), bytes, style, size, sizeof size));
    const char *code = change.now == change.before
                           ? ""
                           : color_code(grew ? COLOR_WORSE : COLOR_BETTER, style->colors);
    fprintf(out, "%s%*s %9s%s %*s %*s", code, style->width, text,
            format_relative(change, relative, sizeof relative),
            *code ? color_code(COLOR_PLAIN, style->colors) : "", style->width,
            format_amount(change.before, bytes, style, before, sizeof before), style->width,
            format_amount(change.now, bytes, style, now, sizeof now));
}

static void print_heading(FILE *out, const char *what, int label, const struct style *style)
{
    fprintf(out, "%-*s%*s %9s %*s %*s", label, what, style->width, "change", "", style->width,
            "before", style->width, "now");
}

static void print_totals(const struct report *report, FILE *out, const struct style *style)
{
    const struct profile *before = &report->comparison->before;
    print_heading(out, "", 16, style);
    fputc('\n', out);
    for (size_t i = 0; i < QUANTITY_COUNT; i++) {
        const struct quantity *quantity = &quantities[i];
        if (!quantity->title)
            continue;
        const struct change change = {
            .before = quantity->read(&before->replay.totals, before->header.attached),
            .now = quantity->read(&report->replay->totals, report->header->attached)};
        if (!change.before && !change.now)
            continue;
        fprintf(out, "%-16s", quantity->title);
        print_change(out, change, quantity->bytes, style);
        fputc('\n', out);
    }
}

static const char *title_of(enum metric metric, bool *bytes)
{
    *bytes = metric != METRIC_ALLOCATIONS && metric != METRIC_TEMPORARY;
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return "number of allocations";
    case METRIC_PEAK:
        return "memory at the peak";
    case METRIC_LEAKED:
        return "memory not freed";
    case METRIC_TEMPORARY:
        return "temporary allocations";
    case METRIC_BYTES:
    default:
        return "bytes allocated";
    }
}

static void print_place(const struct report *report, FILE *out, const struct comparison_site *site)
{
    const struct catalog_line *line = &site->line;
    bool paths = report->options->verbose > 1;
    fputs("  ", out);
    if (site->task)
        format_text(out, site->task);
    else if (line->function)
        format_line(out, line, paths);
    else if (line->file)
        format_text(out, line->file);
    else
        format_text(out, *line->module ? line->module : "[no module]");
    fputc('\n', out);
}

static void print_stack(const struct report *report, FILE *out,
                        const struct comparison_sites *sites, const struct comparison_site *site,
                        sites_weight weigh)
{
    const struct comparison *comparison = report->comparison;
    const struct comparison_stack *stack = comparison_sites_stack(comparison, sites, site, weigh);
    format_stack(out, stack->gone ? &comparison->before.replay : report->replay, stack->stack,
                 "            ", true);
}

/* The sites that changed in one metric, those that grew first; whether there are any. */
static bool print_table(const struct report *report, FILE *out, struct comparison_sites *sites,
                        enum metric metric, size_t limit, const struct style *style)
{
    const struct options *options = report->options;
    sites_weight weigh = sites_metric_weight(metric);
    size_t changed = 0;
    size_t shown = 0;
    bool bytes;
    const char *title = title_of(metric, &bytes);
    comparison_sites_sort(sites, options, weigh);
    for (size_t i = 0; i < sites->count; i++) {
        const struct comparison_site *site = &sites->sites[i];
        struct change change = comparison_change(&site->before, &site->now, weigh);
        if (change.before == change.now ||
            !comparison_is_shown(options, metric, &site->before, &site->now))
            continue;
        if (changed++ >= limit)
            continue;
        if (!shown++) {
            fprintf(out, "\nChanges of %s\n", title);
            print_heading(out, "", 0, style);
            fputs("  where\n", out);
        }
        print_change(out, change, bytes, style);
        print_place(report, out, site);
        if (options->verbose > 2)
            print_stack(report, out, sites, site, weigh);
    }
    if (shown < changed)
        fprintf(out, "%zu more; --limit=0 shows all\n", changed - shown);
    return changed > 0;
}

static void print_name(FILE *out, const char *label, const struct catalog *catalog,
                       const char *file, size_t more)
{
    fprintf(out, "%-14s", label);
    format_text(out, catalog->process_count > 1 ? catalog->processes[1].executable : "");
    fputs("  (", out);
    format_text(out, file);
    if (more)
        fprintf(out, " and %zu more", more);
    fputs(")\n", out);
}

struct error *report_compare(const struct report *report, FILE *out)
{
    static const enum metric metrics[] = {METRIC_PEAK, METRIC_LEAKED, METRIC_BYTES,
                                          METRIC_ALLOCATIONS, METRIC_TEMPORARY};
    const struct options *options = report->options;
    const struct comparison *comparison = report->comparison;
    const struct style style = style_of(options, out);
    struct comparison_sites sites;
    struct error *error = comparison_sites_collect(comparison, options, &sites);
    if (error)
        return error;
    print_name(out, "Baseline", &comparison->before.replay.catalog, comparison->name, 0);
    print_name(out, "Now", &report->replay->catalog, options->logs[0], options->log_count - 1);
    fputc('\n', out);
    print_totals(report, out, &style);
    bool any = false;
    if (options->table) {
        any = print_table(report, out, &sites, sites_metric(options), options->limit, &style);
    } else {
        size_t limit = options->limit_given ? options->limit : TABLE_ROWS;
        for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
            any = print_table(report, out, &sites, metrics[i], limit, &style) || any;
    }
    if (!any)
        fputs("\nNo site changed.\n", out);
    comparison_sites_deinit(&sites);
    suppressions_print_built_in(report->suppressions, report->options->verbose, out);
    suppressions_print(report->suppressions, SUPPRESSED_UNFREED, report->options->verbose, out);
    return NULL;
}
