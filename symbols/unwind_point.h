/* SPDX-License-Identifier: MIT */
/*
 * unwind_point.h - code addresses, each with its site and its row, interned over all address
 * spaces; and for each space the way from a program counter to them.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_POINT_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/unwind.h"
#include "symbols/unwind_row.h"

struct unwind_point {
    struct unwind_site site;   /* site.exact: was interrupted here, rather than returns to here */
    struct unwind_site *shown; /* its own site, or the exact one for what a function returns to but
                                  does not follow a call: a signal trampoline, a function that
                                  begins there */
    struct unwind_row row;
};

/* All points of an unwinder. */
struct unwind_points {
    struct unwind_point **slots; /* open addressing, capacity a power of two */
    size_t capacity, count;
};

void unwind_points_deinit(struct unwind_points *points);
/* The point, new ones with an unknown row and themselves shown; NULL if memory runs out. */
struct unwind_point *unwind_points_get(struct unwind_points *points, uint32_t module,
                                       uint64_t address, bool exact);

/* Program counters seen in one space. */
struct unwind_cache {
    struct unwind_cache_entry {
        uint64_t pc;
        struct unwind_point *point[2]; /* by exact; both NULL: a free entry */
    } * entries;
    size_t capacity, count;
};

void unwind_cache_deinit(struct unwind_cache *cache);
/* Forgets all, because the space's mappings changed. */
void unwind_cache_clear(struct unwind_cache *cache);
struct unwind_point *unwind_cache_find(const struct unwind_cache *cache, uint64_t pc, bool exact);
/* Without memory to keep it the point is not kept. */
void unwind_cache_add(struct unwind_cache *cache, uint64_t pc, struct unwind_point *point);

#endif
