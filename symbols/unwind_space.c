/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_space.h"

#include <stdlib.h>
#include <string.h>

void unwind_space_deinit(struct unwind_space *space)
{
    unwind_walk_destroy(space->walk);
    unwind_cache_deinit(&space->cache);
    free(space->mappings);
    *space = (struct unwind_space){0};
}

static void changed(struct unwind_space *space)
{
    unwind_cache_clear(&space->cache);
    space->walk_is_current = false;
}

void unwind_space_unmap(struct unwind_space *space, uint64_t start, uint64_t end)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->count; i++) {
        if (space->mappings[i].end <= start || space->mappings[i].start >= end)
            space->mappings[kept++] = space->mappings[i];
    }
    if (kept == space->count)
        return;
    space->count = kept;
    changed(space);
}

struct error *unwind_space_map(struct unwind_space *space, const struct unwind_mapping *mapping)
{
    struct unwind_mapping *mappings =
        realloc(space->mappings, (space->count + 1) * sizeof *mappings);
    if (!mappings)
        return error_no_memory();
    space->mappings = mappings;
    unwind_space_unmap(space, mapping->start, mapping->end);
    size_t at = space->count++;
    for (; at > 0 && mappings[at - 1].start > mapping->start; at--)
        mappings[at] = mappings[at - 1];
    mappings[at] = *mapping;
    changed(space);
    return NULL;
}

struct error *unwind_space_copy(const struct unwind_space *from, struct unwind_space *to)
{
    struct unwind_mapping *mappings = malloc((from->count + 1) * sizeof *mappings);
    if (!mappings)
        return error_no_memory();
    if (from->count)
        memcpy(mappings, from->mappings, from->count * sizeof *mappings);
    free(to->mappings);
    to->mappings = mappings;
    to->count = from->count;
    changed(to);
    return NULL;
}

const struct unwind_mapping *unwind_space_find(const struct unwind_space *space, uint64_t address)
{
    size_t low = 0, high = space->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct unwind_mapping *mapping = &space->mappings[middle];
        if (address < mapping->start)
            high = middle;
        else if (address >= mapping->end)
            low = middle + 1;
        else
            return mapping;
    }
    return NULL;
}

struct error *unwind_space_walk(struct unwind_space *space, struct unwind_walk **walk)
{
    struct error *error = space->walk ? NULL : unwind_walk_create(&space->walk);
    if (!error && !space->walk_is_current) {
        error = unwind_walk_report(space->walk, space->mappings, space->count);
        space->walk_is_current = !error;
    }
    *walk = space->walk;
    return error;
}
