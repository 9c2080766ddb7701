/* SPDX-License-Identifier: MIT */
/* The time series as comma-separated values (RFC 4180), a line for each span of time. */
#include <inttypes.h>

#include "output/analyze/csv.h"
#include "output/analyze/report.h"
#include "output/analyze/series.h"

/* So many lines are enough for any chart; they are not halved where somebody has chosen --interval.
 */
#define MOST_LINES 1024
#define SITES 8

static void print_header(const struct report *report, const struct series *series, FILE *out)
{
    fputs(report->header->tick_ns ? "seconds" : "event", out);
    fputs(",live_bytes,peak_bytes,live_blocks,allocations,allocated_bytes,frees,freed_bytes", out);
    if (report->header->tick_ns)
        fputs(",allocations_per_second,allocated_bytes_per_second", out);
    for (size_t i = 0; i < series->column_count; i++) {
        fputc(',', out);
        csv_text(out, series->columns[i].name);
    }
    fputc('\n', out);
}

/* With all digits that a tick has. */
static void print_seconds(const struct report *report, uint64_t ticks, FILE *out)
{
    unsigned __int128 nanoseconds = (unsigned __int128)ticks * report->header->tick_ns;
    uint64_t seconds = nanoseconds / 1000000000;
    uint64_t rest = (uint64_t)(nanoseconds % 1000000000);
    if (report->header->tick_ns % 1000 == 0)
        fprintf(out, "%" PRIu64 ".%06" PRIu64, seconds, rest / 1000);
    else
        fprintf(out, "%" PRIu64 ".%09" PRIu64, seconds, rest);
}

static void print_rate(const struct report *report, const struct series_line *line, uint64_t amount,
                       FILE *out)
{
    double seconds = replay_seconds(report->replay, line->end - line->begin);
    fprintf(out, ",%.3f", seconds > 0 ? (double)amount / seconds : 0);
}

static void print_line(const struct report *report, const struct series *series,
                       const struct series_line *line, FILE *out)
{
    const struct history_bin *sum = &line->sum;
    if (report->header->tick_ns)
        print_seconds(report, line->end, out);
    else
        fprintf(out, "%" PRIu64, line->end);
    fprintf(out,
            ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
            sum->live_bytes, sum->peak_bytes, sum->live, sum->allocated, sum->allocated_bytes,
            sum->freed, sum->freed_bytes);
    if (report->header->tick_ns) {
        print_rate(report, line, sum->allocated, out);
        print_rate(report, line, sum->allocated_bytes, out);
    }
    for (size_t i = 0; i < series->column_count; i++)
        fprintf(out, ",%" PRIu64, line->bytes[i]);
    fputc('\n', out);
}

struct error *report_timeline(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    const struct series_query query = {
        .most_lines = options->interval > 0 ? 0 : MOST_LINES,
        .most_sites = options->limit_given ? options->limit : SITES,
    };
    struct series series;
    struct series_line line;
    struct error *error = series_init(report, &query, &series);
    if (error)
        return error;
    print_header(report, &series, out);
    while (series_next(&series, &line) && !ferror(out))
        print_line(report, &series, &line, out);
    series_deinit(&series);
    return NULL;
}
