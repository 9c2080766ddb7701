/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_point.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

/* Multiplicative hashing by 2^64 divided by the golden ratio; the high bits are the good ones. */
static size_t hash(uint64_t value, size_t capacity)
{
    return (size_t)(value * 0x9e3779b97f4a7c15u >> 32) & (capacity - 1);
}

/* ---- Points ---- */

void unwind_points_deinit(struct unwind_points *points)
{
    for (size_t i = 0; i < points->capacity; i++)
        free(points->slots[i]);
    free(points->slots);
    *points = (struct unwind_points){0};
}

static struct unwind_point **slot_of(const struct unwind_points *points, uint32_t module,
                                     uint64_t address, bool exact)
{
    size_t index = hash(address * 2 + exact + ((uint64_t)module << 44), points->capacity);
    for (;; index = (index + 1) & (points->capacity - 1)) {
        struct unwind_point *point = points->slots[index];
        if (!point || (point->site.address == address && point->site.module == module &&
                       point->site.exact == exact))
            return &points->slots[index];
    }
}

static bool grow_points(struct unwind_points *points)
{
    struct unwind_points larger = {
        .capacity = points->capacity ? points->capacity * 2 : FIRST_CAPACITY,
        .count = points->count,
    };
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < points->capacity; i++) {
        struct unwind_point *point = points->slots[i];
        if (point)
            *slot_of(&larger, point->site.module, point->site.address, point->site.exact) = point;
    }
    free(points->slots);
    *points = larger;
    return true;
}

struct unwind_point *unwind_points_get(struct unwind_points *points, uint32_t module,
                                       uint64_t address, bool exact)
{
    if (points->count * 2 >= points->capacity && !grow_points(points))
        return NULL;
    struct unwind_point **slot = slot_of(points, module, address, exact);
    if (!*slot) {
        struct unwind_point *point = calloc(1, sizeof *point);
        if (!point)
            return NULL;
        point->site = (struct unwind_site){.module = module, .exact = exact, .address = address};
        point->shown = &point->site;
        points->count++;
        *slot = point;
    }
    return *slot;
}

/* ---- A space's cache ---- */

void unwind_cache_deinit(struct unwind_cache *cache)
{
    free(cache->entries);
    *cache = (struct unwind_cache){0};
}

void unwind_cache_clear(struct unwind_cache *cache)
{
    if (cache->count)
        memset(cache->entries, 0, cache->capacity * sizeof *cache->entries);
    cache->count = 0;
}

static bool is_free(const struct unwind_cache_entry *entry)
{
    return !entry->point[0] && !entry->point[1];
}

/* The entry of pc, or the free one where it belongs. */
static struct unwind_cache_entry *entry_of(const struct unwind_cache *cache, uint64_t pc)
{
    size_t index = hash(pc, cache->capacity);
    for (;; index = (index + 1) & (cache->capacity - 1)) {
        struct unwind_cache_entry *entry = &cache->entries[index];
        if (entry->pc == pc || is_free(entry))
            return entry;
    }
}

struct unwind_point *unwind_cache_find(const struct unwind_cache *cache, uint64_t pc, bool exact)
{
    return cache->capacity ? entry_of(cache, pc)->point[exact] : NULL;
}

static bool grow_cache(struct unwind_cache *cache)
{
    struct unwind_cache larger = {
        .capacity = cache->capacity ? cache->capacity * 2 : FIRST_CAPACITY,
        .count = cache->count,
    };
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < cache->capacity; i++) {
        if (!is_free(&cache->entries[i]))
            *entry_of(&larger, cache->entries[i].pc) = cache->entries[i];
    }
    free(cache->entries);
    *cache = larger;
    return true;
}

void unwind_cache_add(struct unwind_cache *cache, uint64_t pc, struct unwind_point *point)
{
    if (cache->count * 2 >= cache->capacity && !grow_cache(cache))
        return;
    struct unwind_cache_entry *entry = entry_of(cache, pc);
    cache->count += is_free(entry);
    entry->pc = pc;
    entry->point[point->site.exact] = point;
}
