/* SPDX-License-Identifier: MIT */
/*
 * sites.h - the sums of a replay by place: function, line, file, module, thread or process.
 */
#ifndef ALLOCPTRACE_ANALYZE_SITES_H
#define ALLOCPTRACE_ANALYZE_SITES_H

#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/log/error.h"

struct site {
    /* What the rows have in common under the grouping; the others are NULL or 0. */
    const char *function, *module, *file;
    uint64_t line;
    uint32_t thread, process; /* ids in the catalog */
    struct replay_sums sums;
    uint32_t heaviest_row; /* the row with the most of what the sites are sorted by */
    uint64_t heaviest_weight;
};

struct sites {
    struct site *sites; /* sorted, filtered and limited as the options say */
    size_t count;
    size_t left_out; /* that passed the filter and fell to the limit */
};

/* weigh chooses what the sites are sorted by. */
typedef uint64_t (*sites_weight)(const struct replay_sums *sums);

struct error *sites_collect(const struct replay *replay, const struct options *options,
                            sites_weight weigh, struct sites *sites);
void sites_deinit(struct sites *sites);

/* The weight that a metric or sort key stands for. */
sites_weight sites_metric_weight(enum metric metric);

/* A site's name as tables show it; malloc'd, NULL when out of memory. with_file adds file:line. */
char *site_name(const struct replay *replay, const struct site *site, bool with_file);

#endif
