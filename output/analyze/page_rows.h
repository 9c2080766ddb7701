/* SPDX-License-Identifier: MIT */
/*
 * page_rows.h - the sums of a replay by node and thread, and how they came to be by time, for the
 * page of --html.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_ROWS_H
#define ALLOCPTRACE_ANALYZE_PAGE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "output/analyze/report.h"
#include "output/log/error.h"

struct page_row {
    uint32_t node, site;
    uint32_t thread; /* its id */
    struct replay_sums sums;
};

/* A row that changed since its last point: what was allocated since then, and what was alive at the
 * end of the bin. Where there would be too many points the rows with the fewest bytes have one only
 * for a group of bins, at the group's end. Those of a bin are in the order of their rows. */
struct page_point {
    uint32_t row; /* place in the rows */
    uint64_t allocated, allocated_bytes;
    uint64_t live_bytes, live;
};

struct page_rows {
    struct page_row *rows;
    size_t row_count;
    struct page_point *points;
    size_t point_count;
    size_t *first_points; /* by bin, and one behind the last */
    size_t bin_count;
};

/*
 * nodes and sites are those of stacks, by their id (page_nodes.h). --filter, --min-count and
 * --threshold-bytes choose among the stacks. The replay is split by threads and has a history with
 * rows.
 */
struct error *page_rows_collect(const struct report *report, const uint32_t *nodes,
                                const uint32_t *sites, struct page_rows *rows);
void page_rows_deinit(struct page_rows *rows);

#endif
