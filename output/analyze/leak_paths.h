/* SPDX-License-Identifier: MIT */
/*
 * leak_paths.h - through which blocks a check reached a block, and from which root.
 *
 * A path may have a million blocks, as that to a list's end has: what is shown of it is found
 * without a walk along all of it.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_PATHS_H
#define ALLOCPTRACE_ANALYZE_LEAK_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "output/analyze/leak_checks.h"

/* Where a block is in its path: places in the check's blocks, or LEAK_NO_BLOCK. */
struct leak_way {
    uint32_t top;    /* the first block, which no block holds; none in a circle of blocks */
    uint32_t depth;  /* number of blocks before this one */
    uint32_t middle; /* the first one that was reached only by its middle */
};

/* By place in linked blocks. malloc'd; NULL when out of memory. */
struct leak_way *leak_ways_find(const struct leak_blocks *blocks);

/* What is shown of a path: its first block, the first one that was reached only by its middle, and
 * so many at its end. */
#define LEAK_PATH_LAST 6
#define LEAK_PATH_MOST (LEAK_PATH_LAST + 2)

struct leak_step {
    uint32_t block;
    uint32_t left_out; /* blocks between the step before and this one */
};

struct leak_path {
    const struct leak_root *root; /* NULL if the path begins with a lost block */
    struct leak_step steps[LEAK_PATH_MOST];
    size_t count; /* 0: the block is held by a circle of blocks only */
};

/* The path to a block, which is its last step. */
struct leak_path leak_path_to(const struct leak_paths *paths, const struct leak_way *ways,
                              uint32_t block);

#endif
