/* SPDX-License-Identifier: MIT */
/*
 * comparison_sites.h - a comparison by place: what sites.h is for one log.
 *
 * Without --group-by a site is a function, for lines move; --group-by=line tells lines apart.
 * --filter chooses among the places. --min-count and --threshold-bytes are about the change.
 */
#ifndef ALLOCPTRACE_ANALYZE_COMPARISON_SITES_H
#define ALLOCPTRACE_ANALYZE_COMPARISON_SITES_H

#include "output/analyze/comparison.h"
#include "output/analyze/options.h"
#include "output/analyze/sites.h"

struct comparison_site {
    struct catalog_line line; /* function NULL if not what is grouped by; file is of one of them */
    const char *task;         /* program or thread, NULL if not what is grouped by */
    struct replay_sums before, now;
    uint32_t first_stack; /* place in the comparison, from 1; then along next_stack */
};

struct comparison_sites {
    struct comparison_site *sites;
    size_t count;
    uint32_t *next_stack; /* by place from 1: the next of the same site, 0 for none */
};

/* A number before and now. */
struct change {
    uint64_t before, now;
};

static inline uint64_t change_size(struct change change)
{
    return change.now > change.before ? change.now - change.before : change.before - change.now;
}

struct error *comparison_sites_collect(const struct comparison *comparison,
                                       const struct options *options,
                                       struct comparison_sites *sites);
void comparison_sites_deinit(struct comparison_sites *sites);

/* What changed of the sums of a site or of a stack. */
struct change comparison_change(const struct replay_sums *before, const struct replay_sums *now,
                                sites_weight weigh);

/* Whether a change is large enough for --min-count and --threshold-bytes; bytes are those of the
 * metric. */
bool comparison_is_shown(const struct options *options, enum metric metric,
                         const struct replay_sums *before, const struct replay_sums *now);

/* What grew first, by how much it did, then what shrank; with --sort-by=name by name. */
void comparison_sites_sort(struct comparison_sites *sites, const struct options *options,
                           sites_weight weigh);

/* The stack of a site that changed most; those that changed as the site did go before others. */
const struct comparison_stack *comparison_sites_stack(const struct comparison *comparison,
                                                      const struct comparison_sites *sites,
                                                      const struct comparison_site *site,
                                                      sites_weight weigh);

#endif
