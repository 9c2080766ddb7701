/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_paths.h"

#include <stdlib.h>

/* Tops that are not known yet. */
#define NOT_YET (LEAK_NO_BLOCK - 1)
#define ON_THE_WAY (LEAK_NO_BLOCK - 2)

/* Goes up from a block to one whose way is known or that nothing holds, then the same way again to
 * note what that says of all of them. */
static void find_way(const struct leak_blocks *blocks, struct leak_way *ways, uint32_t first)
{
    const struct leak_block *list = blocks->list;
    uint32_t length = 0;
    uint32_t highest = LEAK_NO_BLOCK;
    uint32_t middle = LEAK_NO_BLOCK;
    uint32_t at = first;
    for (; at != LEAK_NO_BLOCK && ways[at].top == NOT_YET; at = list[at].parent) {
        ways[at].top = ON_THE_WAY;
        highest = at;
        if (list[at].reach == LOG_POSSIBLY_LOST)
            middle = at;
        length++;
    }
    /* The depth before the first one is one less than none. */
    struct leak_way before = {.top = highest, .depth = UINT32_MAX, .middle = LEAK_NO_BLOCK};
    if (at != LEAK_NO_BLOCK && ways[at].top == ON_THE_WAY)
        before.top = LEAK_NO_BLOCK; /* a circle */
    else if (at != LEAK_NO_BLOCK)
        before = ways[at];
    for (at = first; length; at = list[at].parent, length--) {
        ways[at] = (struct leak_way){
            .top = before.top,
            .depth = before.depth + length,
            .middle = before.middle != LEAK_NO_BLOCK ? before.middle : middle,
        };
        if (at == middle)
            middle = LEAK_NO_BLOCK; /* of those that come before it in the path */
    }
}

struct leak_way *leak_ways_find(const struct leak_blocks *blocks)
{
    struct leak_way *ways = malloc((blocks->count + 1) * sizeof *ways);
    if (!ways)
        return NULL;
    for (size_t i = 0; i < blocks->count; i++)
        ways[i].top = NOT_YET;
    for (size_t i = 0; i < blocks->count; i++)
        find_way(blocks, ways, (uint32_t)i);
    return ways;
}

static const struct leak_root *find_root(const struct leak_paths *paths, uint32_t id)
{
    size_t low = 0;
    size_t high = paths->root_count;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (paths->roots[at].id == id)
            return &paths->roots[at];
        if (paths->roots[at].id < id)
            low = at + 1;
        else
            high = at;
    }
    return NULL;
}

static void add_step(struct leak_path *path, const struct leak_way *ways, uint32_t block)
{
    uint32_t before = 0;
    if (path->count)
        before = ways[path->steps[path->count - 1].block].depth + 1;
    path->steps[path->count++] =
        (struct leak_step){.block = block, .left_out = ways[block].depth - before};
}

struct leak_path leak_path_to(const struct leak_paths *paths, const struct leak_way *ways,
                              uint32_t block)
{
    const struct leak_block *list = paths->blocks.list;
    const struct leak_way *way = &ways[block];
    struct leak_path path = {.root = NULL};
    uint32_t last[LEAK_PATH_LAST];
    size_t count = 0;
    if (way->top == LEAK_NO_BLOCK)
        return path;
    for (uint32_t at = block; at != LEAK_NO_BLOCK && count < LEAK_PATH_LAST; at = list[at].parent)
        last[count++] = at;
    uint32_t first_depth = ways[last[count - 1]].depth;
    path.root = find_root(paths, list[way->top].root);
    if (first_depth > 0)
        add_step(&path, ways, way->top);
    if (way->middle != LEAK_NO_BLOCK && way->middle != way->top &&
        ways[way->middle].depth < first_depth)
        add_step(&path, ways, way->middle);
    while (count)
        add_step(&path, ways, last[--count]);
    return path;
}
