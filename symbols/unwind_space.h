/* SPDX-License-Identifier: MIT */
/*
 * unwind_space.h - which modules are mapped where in one address space.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_SPACE_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "symbols/unwind_point.h"
#include "symbols/unwind_walk.h"

struct unwind_space {
    uint32_t id;
    struct unwind_mapping *mappings; /* ascending, not overlapping */
    size_t count;
    struct unwind_cache cache;
    struct unwind_walk *walk; /* NULL until a frame needs it */
    bool walk_is_current;     /* walk knows the mappings as they are */
};

void unwind_space_deinit(struct unwind_space *space);

/* What mapping overlaps is taken out first. */
struct error *unwind_space_map(struct unwind_space *space, const struct unwind_mapping *mapping);
void unwind_space_unmap(struct unwind_space *space, uint64_t start, uint64_t end);
struct error *unwind_space_copy(const struct unwind_space *from, struct unwind_space *to);

/* The mapping that holds address, or NULL. */
const struct unwind_mapping *unwind_space_find(const struct unwind_space *space, uint64_t address);

/* The walk over the present mappings; it stays the space's. */
struct error *unwind_space_walk(struct unwind_space *space, struct unwind_walk **walk);

#endif
