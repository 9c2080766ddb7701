/* SPDX-License-Identifier: MIT */
#include "output/analyze/live_map.h"

#include <stdlib.h>

#include "output/analyze/hash.h"

#define FIRST_CAPACITY 16

void live_map_init(struct live_map *map)
{
    *map = (struct live_map){0};
}

void live_map_deinit(struct live_map *map)
{
    free(map->slots);
    live_map_init(map);
}

static size_t slot_of(const struct live_map *map, uint64_t address)
{
    return (size_t)hash_word(address) & (map->capacity - 1);
}

static void place(struct live_map *map, const struct live_block *block)
{
    size_t slot = slot_of(map, block->address);
    while (map->slots[slot].address)
        slot = (slot + 1) & (map->capacity - 1);
    map->slots[slot] = *block;
}

static bool resize(struct live_map *map, size_t capacity)
{
    struct live_map other = {.count = map->count, .capacity = capacity};
    other.slots = calloc(capacity, sizeof *other.slots);
    if (!other.slots)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].address)
            place(&other, &map->slots[i]);
    }
    free(map->slots);
    *map = other;
    return true;
}

static bool grow(struct live_map *map)
{
    return resize(map, map->capacity ? map->capacity * 2 : FIRST_CAPACITY);
}

bool live_map_add(struct live_map *map, const struct live_block *block)
{
    if (map->count >= map->capacity / 4 * 3 && !grow(map))
        return false;
    place(map, block);
    map->count++;
    return true;
}

bool live_map_take(struct live_map *map, uint64_t address, struct live_block *block)
{
    if (!map->count || !address)
        return false;
    size_t mask = map->capacity - 1;
    size_t hole = slot_of(map, address);
    while (map->slots[hole].address != address) {
        if (!map->slots[hole].address)
            return false;
        hole = (hole + 1) & mask;
    }
    *block = map->slots[hole];
    /* Close the gap: a later block moves into it unless its own place lies behind the gap. */
    for (size_t next = (hole + 1) & mask; map->slots[next].address; next = (next + 1) & mask) {
        size_t home = slot_of(map, map->slots[next].address);
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        map->slots[hole] = map->slots[next];
        hole = next;
    }
    map->slots[hole].address = 0;
    map->count--;
    /* Without memory for a smaller table the large one goes on. */
    if (map->count < map->capacity / 8 && map->capacity > FIRST_CAPACITY)
        resize(map, map->capacity / 2);
    return true;
}

bool live_map_copy(struct live_map *map, const struct live_map *from)
{
    size_t capacity = FIRST_CAPACITY;
    while (from->count > capacity / 4 * 3)
        capacity *= 2;
    if (!from->count)
        return true;
    if (!resize(map, capacity))
        return false;
    for (size_t i = 0; i < from->capacity; i++) {
        if (from->slots[i].address)
            place(map, &from->slots[i]);
    }
    map->count = from->count;
    return true;
}

struct live_block *live_map_next(const struct live_map *map, size_t *index)
{
    while (*index < map->capacity) {
        struct live_block *block = &map->slots[(*index)++];
        if (block->address)
            return block;
    }
    return NULL;
}
