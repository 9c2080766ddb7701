/* SPDX-License-Identifier: MIT */
#include "output/analyze/site_table.h"

#include "output/analyze/format.h"

static int width_of(const struct site_column *column, bool exact)
{
    switch (column->unit) {
    case SITE_BYTES:
        return exact ? 20 : 11;
    case SITE_COUNT:
        return 12;
    case SITE_SHARE:
        return 7;
    case SITE_TEXT:
    default:
        return column->width;
    }
}

static void print_cell(const struct report *report, FILE *out, const struct site_table *table,
                       const struct site_column *column, const struct site *site)
{
    bool exact = report->options->verbose;
    char text[96];
    switch (column->unit) {
    case SITE_BYTES:
        format_bytes(column->value(site), exact, text, sizeof text);
        break;
    case SITE_COUNT:
        format_number(column->value(site), text, sizeof text);
        break;
    case SITE_SHARE:
        format_share(column->value(site), table->total, text, sizeof text);
        break;
    case SITE_TEXT:
    default:
        column->text(report, site, table->total, text, sizeof text);
        break;
    }
    fprintf(out, "%*s ", width_of(column, exact), text);
}

void site_table_place(const struct report *report, FILE *out, const struct sites *sites,
                      const struct site *site, sites_weight weigh)
{
    const struct options *options = report->options;
    const struct replay *replay = report->replay;
    format_site(out, replay, site, options->verbose > 1);
    fputc('\n', out);
    if (options->verbose > 2 && site->first_row) {
        uint32_t row = sites_heaviest_row(sites, replay, site, weigh);
        format_stack(out, replay, replay->rows[row].stack, "            ", true);
    }
}

void site_table_print_none(const struct report *report, FILE *out, bool any, const char *lacks)
{
    static const char *const groups[] = {
        [GROUP_FUNCTION] = "function", [GROUP_MODULE] = "module", [GROUP_FILE] = "file",
        [GROUP_LINE] = "site",         [GROUP_THREAD] = "thread", [GROUP_PROCESS] = "process",
    };
    static const char passes[] = "passes " OPTIONS_CHOOSING;
    const char *group = groups[report->options->group];
    if (!options_choose(report->options))
        fprintf(out, "No %s has %s.\n", group, lacks);
    else if (any)
        fprintf(out, "No %s that %s has %s.\n", group, passes, lacks);
    else
        fprintf(out, "No %s %s.\n", group, passes);
}

static void print_head(const struct report *report, FILE *out, const struct site_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        fprintf(out, "%*s ", width_of(&table->columns[i], report->options->verbose),
                table->columns[i].title);
    fputs(" where\n", out);
}

void site_table_print(const struct report *report, FILE *out, struct sites *sites,
                      const struct site_table *table)
{
    const struct options *options = report->options;
    size_t shown = 0;
    size_t left = 0;
    sites_sort(sites, options, table->weigh);
    for (size_t i = 0; i < sites->count; i++) {
        const struct site *site = &sites->sites[i];
        if (!table->zeros && !table->weigh(&site->sums))
            continue;
        if (shown == options->limit) {
            left++;
            continue;
        }
        if (!shown++)
            print_head(report, out, table);
        for (size_t c = 0; c < table->column_count; c++)
            print_cell(report, out, table, &table->columns[c], site);
        fputc(' ', out);
        site_table_place(report, out, sites, site, table->weigh);
    }
    if (left)
        fprintf(out, "%zu more; --limit=0 shows all\n", left);
    if (!shown)
        site_table_print_none(report, out, sites->count > 0, table->lacks);
}

static uint64_t self_weight(const struct report *report, const struct site *site)
{
    return sites_metric_weight(sites_metric(report->options))(&site->sums);
}

static const char *self_share(const struct report *report, const struct site *site, uint64_t total,
                              char *out, size_t size)
{
    return format_share(self_weight(report, site), total, out, size);
}

static const char *cumulative_share(const struct report *report, const struct site *site,
                                    uint64_t total, char *out, size_t size)
{
    (void)report;
    return format_share(site->cumulative, total, out, size);
}

uint64_t site_bytes(const struct site *site)
{
    return site->sums.bytes;
}

uint64_t site_peak_bytes(const struct site *site)
{
    return site->sums.peak_bytes;
}

uint64_t site_leaked_bytes(const struct site *site)
{
    return site->sums.leaked_bytes;
}

uint64_t site_count(const struct site *site)
{
    return site->sums.count;
}

uint64_t site_temporary(const struct site *site)
{
    return site->sums.temporary;
}

void site_table_print_sums(const struct report *report, FILE *out, struct sites *sites,
                           uint64_t total)
{
    static const struct site_column columns[] = {
        {.title = "self", .unit = SITE_TEXT, .text = self_share, .width = 7},
        {.title = "with callees", .unit = SITE_TEXT, .text = cumulative_share, .width = 12},
        {.title = "allocated", .unit = SITE_BYTES, .value = site_bytes},
        {.title = "at peak", .unit = SITE_BYTES, .value = site_peak_bytes},
        {.title = "not freed", .unit = SITE_BYTES, .value = site_leaked_bytes},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
        {.title = "temporary", .unit = SITE_COUNT, .value = site_temporary},
    };
    site_table_print(report, out, sites,
                     &(struct site_table){
                         .columns = columns,
                         .column_count = sizeof columns / sizeof *columns,
                         .total = total,
                         .weigh = sites_metric_weight(sites_metric(report->options)),
                         .zeros = true,
                         .lacks = "allocations",
                     });
}
