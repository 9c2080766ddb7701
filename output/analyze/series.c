/* SPDX-License-Identifier: MIT */
#include "output/analyze/series.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"

/* The bin behind the next line. */
static size_t end_bin(const struct series *series)
{
    const struct history *history = series->report->replay->history;
    size_t left = history->bin_count - series->next_bin;
    return series->next_bin + (left < series->bins_a_line ? left : series->bins_a_line);
}

bool series_next(struct series *series, struct series_line *line)
{
    const struct history *history = series->report->replay->history;
    size_t first = series->next_bin;
    size_t end = end_bin(series);
    if (first == end)
        return false;
    *line = (struct series_line){.begin = history_time(history, first),
                                 .end = history_time(history, end),
                                 .sum = history->bins[first],
                                 .bytes = series->bytes};
    for (size_t bin = first; bin < end; bin++) {
        size_t count;
        const struct history_point *points = history_points(history, bin, &count);
        for (size_t i = 0; i < count; i++) {
            uint32_t row = points[i].row;
            uint64_t *bytes = &series->bytes[series->column_of_row[row]];
            /* Modulo 2^64, but never below 0: what is taken away was added before. */
            *bytes += points[i].live_bytes - series->row_bytes[row];
            series->row_bytes[row] = points[i].live_bytes;
        }
        if (bin > first)
            history_merge(&line->sum, &history->bins[bin]);
    }
    series->next_bin = end;
    return true;
}

void series_rewind(struct series *series)
{
    series->next_bin = 0;
    memset(series->row_bytes, 0, series->report->replay->row_count * sizeof *series->row_bytes);
    memset(series->bytes, 0, series->column_count * sizeof *series->bytes);
}

/* Makes each site a column for now, in their order; the last one is for rows of none. */
static struct error *make_columns(struct series *series, const struct sites *sites)
{
    size_t rows = series->report->replay->row_count;
    series->column_count = sites->count + 1;
    series->columns = calloc(series->column_count, sizeof *series->columns);
    series->bytes = calloc(series->column_count, sizeof *series->bytes);
    series->row_bytes = calloc(rows, sizeof *series->row_bytes);
    series->column_of_row = calloc(rows, sizeof *series->column_of_row);
    if (!series->columns || !series->bytes || !series->row_bytes || !series->column_of_row)
        return error_no_memory();
    return NULL;
}

/* Rows of sites that have no column go to the last one. */
static void assign_rows(struct series *series, const struct sites *sites)
{
    uint32_t last = (uint32_t)series->column_count - 1;
    for (size_t i = 0; i < series->report->replay->row_count; i++)
        series->column_of_row[i] = last;
    for (uint32_t i = 0; i < last; i++) {
        for (uint32_t row = sites->sites[i].first_row; row; row = sites->next_row[row])
            series->column_of_row[row] = i;
    }
}

/* Finds the most that each column holds at the end of a line. Only those that have changed are
 * looked at: there may be as many as stacks. */
static void measure(struct series *series)
{
    const struct history *history = series->report->replay->history;
    struct series_line line;
    series_rewind(series);
    for (size_t first = 0; series_next(series, &line); first = series->next_bin) {
        for (size_t bin = first; bin < series->next_bin; bin++) {
            size_t count;
            const struct history_point *points = history_points(history, bin, &count);
            for (size_t i = 0; i < count; i++) {
                uint32_t id = series->column_of_row[points[i].row];
                struct series_column *column = &series->columns[id];
                if (line.bytes[id] > column->highest)
                    column->highest = line.bytes[id];
            }
        }
    }
    series_rewind(series);
}

static uint64_t weigh_most(const struct replay_sums *sums)
{
    return sums->most_bytes;
}

/* Puts the sites in the order in which they are to be shown. */
static void sort_sites(struct series *series, struct sites *sites)
{
    const struct options *options = series->report->options;
    bool chosen = options->metric_given || options->sort != SORT_DEFAULT;
    /* Until now the sum of its rows' peaks, which need not be at one time. */
    for (size_t i = 0; i < sites->count; i++)
        sites->sites[i].sums.most_bytes = series->columns[i].highest;
    sites_sort(sites, options, chosen ? sites_metric_weight(sites_metric(options)) : weigh_most);
    /* Sites that never hold anything as a line ends tell nothing, unless they were asked for. */
    while (!chosen && sites->count && !sites->sites[sites->count - 1].sums.most_bytes)
        sites->count--;
}

static char *name_of(const struct report *report, const struct site *site)
{
    char *name = NULL;
    size_t size;
    FILE *out = open_memstream(&name, &size);
    if (!out)
        return NULL;
    format_site(out, report->replay, site, report->options->verbose > 1);
    if (fclose(out) == 0)
        return name;
    free(name);
    return NULL;
}

/* Keeps the columns of the first sites. */
static struct error *choose(struct series *series, const struct sites *sites, size_t most)
{
    size_t count = sites->count < most ? sites->count : most;
    series->column_count = count + 1;
    for (size_t i = 0; i < count; i++)
        series->columns[i] =
            (struct series_column){.name = name_of(series->report, &sites->sites[i])};
    series->columns[count] = (struct series_column){.name = strdup("other")};
    for (size_t i = 0; i <= count; i++) {
        if (!series->columns[i].name)
            return error_no_memory();
    }
    return NULL;
}

struct error *series_init(const struct report *report, const struct series_query *query,
                          struct series *series)
{
    size_t bins = report->replay->history->bin_count;
    size_t most = query->most_lines ? query->most_lines : SIZE_MAX;
    struct sites sites;
    *series = (struct series){.report = report, .bins_a_line = bins / most + 1};
    if (bins && bins % most == 0)
        series->bins_a_line--;
    series->line_count = (bins + series->bins_a_line - 1) / series->bins_a_line;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (error)
        return error;
    error = make_columns(series, &sites);
    if (!error) {
        assign_rows(series, &sites);
        measure(series);
        sort_sites(series, &sites);
        error = choose(series, &sites, query->most_sites);
    }
    if (!error) {
        assign_rows(series, &sites);
        measure(series);
    } else {
        series_deinit(series);
    }
    sites_deinit(&sites);
    return error;
}

void series_deinit(struct series *series)
{
    for (size_t i = 0; series->columns && i < series->column_count; i++)
        free(series->columns[i].name);
    free(series->columns);
    free(series->bytes);
    free(series->row_bytes);
    free(series->column_of_row);
    *series = (struct series){0};
}
