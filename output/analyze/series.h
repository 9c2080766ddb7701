/* SPDX-License-Identifier: MIT */
/*
 * series.h - the history of a replay as lines, each a span of time, and of columns, each one of the
 * sites that hold most and the last one all others.
 */
#ifndef ALLOCPTRACE_ANALYZE_SERIES_H
#define ALLOCPTRACE_ANALYZE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/history.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"
#include "output/log/error.h"

struct series_column {
    char *name;       /* of its site as format_site() has it; of the last one "other" */
    uint64_t highest; /* most live bytes at the end of a line */
};

struct series_line {
    uint64_t begin, end;    /* ticks or, in a log without times, events before */
    struct history_bin sum; /* of all sites */
    const uint64_t *bytes;  /* live at its end, by column; they add up to sum.live_bytes */
};

struct series {
    size_t line_count;
    struct series_column *columns;
    size_t column_count; /* at least 1 */
    /* private: */
    const struct report *report;
    size_t bins_a_line, next_bin;
    uint32_t *column_of_row;
    uint64_t *row_bytes;
    uint64_t *bytes;
};

struct series_query {
    size_t most_lines; /* neighbours become one where there are more; 0: each bin is a line */
    size_t most_sites;
};

/*
 * For a report that has a history. Sites are grouped and chosen as for tables (sites.h), but if
 * neither --metric nor --sort-by is given those come first that once held most. Sites that --filter
 * and the like leave out count as others.
 */
struct error *series_init(const struct report *report, const struct series_query *query,
                          struct series *series);
void series_deinit(struct series *series);

/* The next line, the first one after series_init() or series_rewind(); false after the last.
 * line->bytes stays valid until the next call. */
bool series_next(struct series *series, struct series_line *line);
void series_rewind(struct series *series);

#endif
