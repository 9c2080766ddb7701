/* SPDX-License-Identifier: MIT */
#include "output/analyze/bad_frees.h"

#include <stdlib.h>

/* Blocks remembered after their end, of all processes together. */
#define REMEMBERED (1u << 20)

/*
 * The oldest of the remembered blocks is forgotten for each new one. A block that comes to be at a
 * remembered address takes that out of the map, not out of the ring: its turn there finds nothing
 * or, which only forgets it too early, the address's next one.
 */
struct bad_frees_ring {
    struct live_map freed; /* by key_of(): birth is when, thread by whom it was freed */
    uint64_t *keys;
    size_t count, capacity, next;
};

/* User addresses have 57 bits at most: a process's id is told apart in the rest, and where it does
 * not fit only a block's history is mistaken. */
static uint64_t key_of(uint32_t process, uint64_t address)
{
    return address ^ (uint64_t)process << 48;
}

void bad_frees_deinit(struct bad_frees *frees)
{
    if (frees->ring) {
        live_map_deinit(&frees->ring->freed);
        free(frees->ring->keys);
    }
    free(frees->ring);
    free(frees->list);
    *frees = (struct bad_frees){0};
}

/* Where the next key goes; NULL when out of memory. */
static uint64_t *next_key(struct bad_frees_ring *ring)
{
    struct live_block forgotten;
    if (ring->count == REMEMBERED) {
        uint64_t *oldest = &ring->keys[ring->next];
        ring->next = (ring->next + 1) % REMEMBERED;
        live_map_take(&ring->freed, *oldest, &forgotten);
        return oldest;
    }
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity ? ring->capacity * 2 : 1024;
        uint64_t *keys = realloc(ring->keys, capacity * sizeof *keys);
        if (!keys)
            return NULL;
        ring->keys = keys;
        ring->capacity = capacity;
    }
    return &ring->keys[ring->count++];
}

bool bad_frees_note_freed(struct bad_frees *frees, uint32_t process, const struct live_block *block,
                          uint32_t thread, uint64_t time)
{
    struct live_block freed = *block;
    struct live_block forgotten;
    if (!frees->ring && !(frees->ring = calloc(1, sizeof *frees->ring)))
        return false;
    struct bad_frees_ring *ring = frees->ring;
    freed.address = key_of(process, block->address);
    freed.birth = time;
    freed.thread = thread & 0x7fffffff;
    if (!freed.address)
        return true;
    uint64_t *key = next_key(ring);
    if (!key)
        return false;
    live_map_take(&ring->freed, freed.address, &forgotten);
    *key = freed.address;
    return live_map_add(&ring->freed, &freed);
}

void bad_frees_note_allocated(struct bad_frees *frees, uint32_t process, uint64_t address)
{
    struct live_block forgotten;
    if (frees->ring)
        live_map_take(&frees->ring->freed, key_of(process, address), &forgotten);
}

bool bad_frees_add(struct bad_frees *frees, struct bad_free *bad, uint32_t *last)
{
    struct live_block freed;
    if (frees->count == BAD_FREES_MOST)
        return true;
    if (frees->ring &&
        live_map_take(&frees->ring->freed, key_of(bad->process, bad->address), &freed)) {
        bad->row = freed.row;
        bad->freed_by = freed.thread;
        bad->freed_at = freed.birth;
        bad->size = freed.size;
        /* A third free of it is one of it still. */
        if (!live_map_add(&frees->ring->freed, &freed))
            return false;
    }
    if (frees->count == frees->capacity) {
        size_t capacity = frees->capacity ? frees->capacity * 2 : 16;
        struct bad_free *list = realloc(frees->list, capacity * sizeof *list);
        if (!list)
            return false;
        frees->list = list;
        frees->capacity = capacity;
    }
    bad->previous = *last;
    frees->list[frees->count++] = *bad;
    *last = (uint32_t)frees->count;
    return true;
}

void bad_frees_forgive(struct bad_frees *frees, uint32_t last, uint64_t count, bool cleanup)
{
    for (; last && count; count--) {
        frees->list[last - 1].cleanup = cleanup;
        last = frees->list[last - 1].previous;
    }
}
