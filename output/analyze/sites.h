/* SPDX-License-Identifier: MIT */
/*
 * sites.h - the sums of a replay by place: function, line, file, module, thread or process.
 *
 * --filter chooses among the places where memory was asked for, before they are grouped;
 * --min-count and --threshold-bytes among the groups.
 */
#ifndef ALLOCPTRACE_ANALYZE_SITES_H
#define ALLOCPTRACE_ANALYZE_SITES_H

#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/log/error.h"

/* What makes rows one site. Texts are interned: equal keys have equal bytes, padding included. */
struct site_key {
    const char *function, *module, *file;
    uint64_t line;
    uint32_t thread, process;
};

struct site {
    /* What the rows have in common under the grouping; the others are NULL or 0. */
    const char *function, *module, *file;
    uint64_t line;
    bool named;               /* function is a name, not an address */
    uint32_t thread, process; /* ids in the catalog */
    struct replay_sums sums;
    uint64_t cumulative; /* see cumulative.h; 0 unless collected */
    uint32_t first_row;  /* 0: none; then along sites.next_row */
};

struct sites {
    struct site *sites;
    size_t count;
    uint32_t *next_row; /* by row: the next one of the same site, 0 for none */
};

/* The key of a row (NULL if only the line matters) whose site is at line. */
struct site_key sites_key(const struct replay_row *row, const struct catalog_line *line,
                          enum group_key group);
struct site_key sites_key_of(const struct site *site);
/* A site without sums. */
struct site sites_of_key(const struct site_key *key);

struct error *sites_collect(const struct replay *replay, const struct options *options,
                            struct sites *sites);
void sites_deinit(struct sites *sites);

/* Whether a row has nothing to tell: nothing was allocated there, nor is it in the peak. */
bool sites_are_empty(const struct replay_sums *sums);

/* What sites can be sorted by, heaviest first. */
typedef uint64_t (*sites_weight)(const struct replay_sums *sums);
sites_weight sites_metric_weight(enum metric metric);
/* Of the same blocks: their number where the metric is bytes, their bytes where it is a number. */
sites_weight sites_weight_beside(enum metric metric);

/* The metric that --sort-by, or else --metric, stands for; --sort-by=name: that of --metric. */
enum metric sites_metric(const struct options *options);

/* Heaviest first, or with --sort-by=name by name; equal ones by name. */
void sites_sort(struct sites *sites, const struct options *options, sites_weight weigh);

/* The row of a site with the most weight. */
uint32_t sites_heaviest_row(const struct sites *sites, const struct replay *replay,
                            const struct site *site, sites_weight weigh);

#endif
