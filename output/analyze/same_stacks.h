/* SPDX-License-Identifier: MIT */
/*
 * same_stacks.h - which stacks are the same for a person: they differ in addresses only, as those
 * of an unrolled loop or of one line's several calls do, and not in anything that is shown.
 */
#ifndef ALLOCPTRACE_ANALYZE_SAME_STACKS_H
#define ALLOCPTRACE_ANALYZE_SAME_STACKS_H

#include <stdint.h>

#include "output/analyze/catalog.h"

enum same_stacks_by {
    SAME_BY_LINES, /* function, module, file and line of each frame's lines */
    SAME_BY_NAMES, /* function and module */
};

/* By frame id: the lowest id of the frames that are the same. malloc'd; NULL when out of memory. */
uint32_t *same_frames(const struct catalog *catalog, enum same_stacks_by by);

/*
 * By stack id: the lowest id of the stacks that are the same, 0 for the empty stack. malloc'd;
 * NULL when out of memory.
 */
uint32_t *same_stacks(const struct catalog *catalog, enum same_stacks_by by);

/*
 * The same for several catalogs that keep their texts in one pool. The ids of a catalog's stacks
 * follow those of the catalogs before it: they begin at the sum of their stack counts, which must
 * not be above UINT32_MAX.
 */
uint32_t *same_stacks_in_all(const struct catalog *const *catalogs, size_t count,
                             enum same_stacks_by by);

#endif
