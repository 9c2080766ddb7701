/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_blocks.h"

#include <stdlib.h>

#include "output/log/record.h"

/* Owners that are not known yet. */
#define NOT_YET (LEAK_NO_BLOCK - 1)
#define ON_THE_WAY (LEAK_NO_BLOCK - 2)

void leak_blocks_deinit(struct leak_blocks *blocks)
{
    free(blocks->list);
    *blocks = (struct leak_blocks){0};
}

bool leak_blocks_add(struct leak_blocks *blocks, const struct leak_block *block)
{
    if (blocks->count == blocks->capacity) {
        size_t capacity = blocks->capacity ? blocks->capacity * 2 : 4;
        struct leak_block *list = realloc(blocks->list, capacity * sizeof *list);
        if (!list)
            return false;
        blocks->list = list;
        blocks->capacity = capacity;
    }
    blocks->list[blocks->count++] = *block;
    return true;
}

static int by_address(const void *one, const void *other)
{
    const struct leak_block *a = one;
    const struct leak_block *b = other;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->size < b->size) - (a->size > b->size);
}

static int by_holder(const void *one, const void *other, void *data)
{
    const struct leak_block *list = data;
    uint64_t a = list[*(const uint32_t *)one].holder;
    uint64_t b = list[*(const uint32_t *)other].holder;
    return (a > b) - (a < b);
}

/* As the tracer writes them. */
static bool is_sorted(const struct leak_blocks *blocks)
{
    for (size_t i = 1; i < blocks->count; i++) {
        if (by_address(&blocks->list[i - 1], &blocks->list[i]) > 0)
            return false;
    }
    return true;
}

static bool is_held_by_block(const struct leak_block *block)
{
    return !block->root && block->holder != block->address;
}

/* Goes through holders and blocks upwards together. open has the blocks that have begun and may
 * reach the place, the last one on top: what ends before it holds nothing that comes later. */
static void find_parents(struct leak_blocks *blocks, const uint32_t *held, size_t held_count,
                         uint32_t *open)
{
    struct leak_block *list = blocks->list;
    size_t next = 0;
    size_t depth = 0;
    for (size_t i = 0; i < held_count; i++) {
        uint64_t holder = list[held[i]].holder;
        for (; next < blocks->count && list[next].address <= holder; next++)
            open[depth++] = (uint32_t)next;
        while (depth && holder - list[open[depth - 1]].address >= list[open[depth - 1]].size)
            depth--;
        list[held[i]].parent = depth ? open[depth - 1] : LEAK_NO_BLOCK;
    }
}

bool leak_blocks_link(struct leak_blocks *blocks)
{
    size_t held_count = 0;
    if (!blocks->count)
        return true;
    if (blocks->count >= ON_THE_WAY)
        return false;
    uint32_t *held = malloc(blocks->count * sizeof *held);
    uint32_t *open = malloc(blocks->count * sizeof *open);
    if (held && open) {
        if (!is_sorted(blocks))
            qsort(blocks->list, blocks->count, sizeof *blocks->list, by_address);
        for (size_t i = 0; i < blocks->count; i++) {
            blocks->list[i].parent = LEAK_NO_BLOCK;
            if (is_held_by_block(&blocks->list[i]))
                held[held_count++] = (uint32_t)i;
        }
        qsort_r(held, held_count, sizeof *held, by_holder, blocks->list);
        find_parents(blocks, held, held_count, open);
    }
    bool done = held && open;
    free(held);
    free(open);
    return done;
}

/* Follows a block's parents to one whose owner is known, and notes that one's for all of them. A
 * log may have them in a circle, which has no owner. */
static void find_owner(const struct leak_blocks *blocks, uint32_t *owners, uint32_t first)
{
    uint32_t at = first;
    while (at != LEAK_NO_BLOCK && owners[at] == NOT_YET) {
        bool is_owner = blocks->list[at].reach == LOG_DEFINITELY_LOST;
        owners[at] = is_owner ? at : ON_THE_WAY;
        if (!is_owner)
            at = blocks->list[at].parent;
    }
    uint32_t owner = at == LEAK_NO_BLOCK || owners[at] == ON_THE_WAY ? LEAK_NO_BLOCK : owners[at];
    for (at = first; at != LEAK_NO_BLOCK && owners[at] == ON_THE_WAY; at = blocks->list[at].parent)
        owners[at] = owner;
}

uint32_t *leak_blocks_owners(const struct leak_blocks *blocks)
{
    uint32_t *owners = malloc((blocks->count + 1) * sizeof *owners);
    if (!owners)
        return NULL;
    for (size_t i = 0; i < blocks->count; i++)
        owners[i] = NOT_YET;
    for (size_t i = 0; i < blocks->count; i++)
        find_owner(blocks, owners, (uint32_t)i);
    return owners;
}
