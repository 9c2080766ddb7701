/* SPDX-License-Identifier: MIT */
/*
 * live_map.h - the live blocks of one process, found by address.
 *
 * Open addressing with linear probing and backward-shift deletion: 40 bytes a slot. Between an
 * eighth and three quarters of the slots are in use, so that walking the blocks and copying them
 * take time by their number, whatever it once was. Where a block stands depends on a key (hash.h),
 * and so does the order of the walk.
 */
#ifndef ALLOCPTRACE_ANALYZE_LIVE_MAP_H
#define ALLOCPTRACE_ANALYZE_LIVE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_block {
    uint64_t address; /* never 0 */
    uint64_t size;    /* bytes asked for */
    uint64_t birth;   /* when it was allocated or last resized: ticks, or events */
    uint32_t row;     /* the sums that it counts in, see replay.h */
    uint32_t thread : 31;
    uint32_t inherited : 1; /* the parent's, copied by fork */
    uint32_t chain;         /* of reallocations, see chains.h; 0: never resized */
    uint32_t slack;         /* usable bytes beyond size; LIVE_SLACK_UNKNOWN */
};

#define LIVE_SLACK_UNKNOWN UINT32_MAX

struct live_map {
    struct live_block *slots; /* address 0: free */
    size_t capacity, count;   /* capacity is 0 or a power of two */
};

void live_map_init(struct live_map *map);
void live_map_deinit(struct live_map *map);
/* Adds a block that is not there yet; false when out of memory. */
bool live_map_add(struct live_map *map, const struct live_block *block);
/* Takes the block at address out; false if there is none. */
bool live_map_take(struct live_map *map, uint64_t address, struct live_block *block);
/* Makes *map, which is empty, hold the blocks of another; false when out of memory. */
bool live_map_copy(struct live_map *map, const struct live_map *from);
/* Walks the blocks: start with *index 0; NULL after the last. */
struct live_block *live_map_next(const struct live_map *map, size_t *index);

#endif
