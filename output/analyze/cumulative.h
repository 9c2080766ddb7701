/* SPDX-License-Identifier: MIT */
/*
 * cumulative.h - the sums of a place and of everything that it called: a place's self sums are of
 * the stacks that ask for memory there, its cumulative ones of all stacks that it is in. A stack
 * counts once, however often a recursion has the place in it.
 */
#ifndef ALLOCPTRACE_ANALYZE_CUMULATIVE_H
#define ALLOCPTRACE_ANALYZE_CUMULATIVE_H

#include "output/analyze/options.h"
#include "output/analyze/sites.h"

/*
 * Sets each site's cumulative weight. With all set, places that ask for no memory themselves are
 * added as sites of no sums, if they pass --filter. Grouped by thread or process there is nothing
 * to add: a site's own weight is set. Of a frame's inlined lines the innermost 64 count.
 */
struct error *cumulative_collect(const struct replay *replay, const struct options *options,
                                 sites_weight weigh, bool all, struct sites *sites);

#endif
