/* SPDX-License-Identifier: MIT */
/*
 * internal_frames.h - which functions are part of an allocator or of a language's allocation
 * library, so that a site is the user's function and not operator new.
 */
#ifndef ALLOCPTRACE_ANALYZE_INTERNAL_FRAMES_H
#define ALLOCPTRACE_ANALYZE_INTERNAL_FRAMES_H

#include <stdbool.h>

#include "output/analyze/catalog.h"
#include "output/analyze/options.h"

bool internal_frame(const struct catalog_line *line);

/* Where a stack's blocks were asked for: a frame and the number of its line. */
struct internal_site {
    uint32_t frame; /* 0 for the empty stack */
    uint32_t line;
};

/*
 * The sites of all stacks by their ids, malloc'd: of each stack the first line from the innermost
 * outwards that is neither internal nor passed over by --skip, or its outermost line if all are.
 * NULL when out of memory.
 */
struct internal_site *internal_sites(const struct catalog *catalog, const struct options *options);

/* The line itself; "[no stack]" for the empty stack. */
struct catalog_line internal_site_line(const struct catalog *catalog, struct internal_site site);

#endif
