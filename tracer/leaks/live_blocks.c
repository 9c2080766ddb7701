/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing and backward-shift deletion: 24 bytes a slot, of which
 * between an eighth and three quarters are in use. A slot is told by the upper bits of a keyed hash
 * (a target knows no key to make its blocks collide with), so that a larger table has the blocks in
 * the same order, and growing is one walk through both. */
#include "tracer/leaks/live_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tracer/leaks/large_array.h"

#define FIRST_BITS 6
#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)

struct live_blocks {
    struct live_block *slots; /* address 0: free */
    size_t count;
    unsigned bits; /* there are 1 << bits slots */
    uint64_t key[2];
};

static size_t capacity_of(const struct live_blocks *blocks)
{
    return (size_t)1 << blocks->bits;
}

static size_t home_of(const struct live_blocks *blocks, uint64_t address)
{
    unsigned __int128 product = (unsigned __int128)(address ^ blocks->key[0]) * blocks->key[1];
    return (size_t)(((uint64_t)(product >> 64) ^ (uint64_t)product) >> (64 - blocks->bits));
}

/* The slot of the block at address, or the free one where it would be. */
static struct live_block *slot_of(const struct live_blocks *blocks, uint64_t address)
{
    size_t mask = capacity_of(blocks) - 1;
    size_t slot = home_of(blocks, address);
    while (blocks->slots[slot].address && blocks->slots[slot].address != address)
        slot = (slot + 1) & mask;
    return &blocks->slots[slot];
}

static bool resize(struct live_blocks *blocks, unsigned bits)
{
    struct live_blocks other = *blocks;
    other.bits = bits;
    other.slots = large_array_zeroed(capacity_of(&other), sizeof *other.slots);
    if (!other.slots)
        return false;
    for (size_t i = 0; i < capacity_of(blocks); i++) {
        if (blocks->slots[i].address)
            *slot_of(&other, blocks->slots[i].address) = blocks->slots[i];
    }
    free(blocks->slots);
    *blocks = other;
    return true;
}

struct live_blocks *live_blocks_create(void)
{
    struct live_blocks *blocks = calloc(1, sizeof *blocks);
    if (!blocks)
        return NULL;
    blocks->bits = FIRST_BITS;
    blocks->slots = large_array_zeroed(capacity_of(blocks), sizeof *blocks->slots);
    /* Early at boot there is no randomness to be had: then any key must do. */
    if (getrandom(blocks->key, sizeof blocks->key, GRND_NONBLOCK) < 0)
        blocks->key[1] = UINT64_C(0x9e3779b97f4a7c15);
    blocks->key[1] |= 1;
    if (!blocks->slots) {
        free(blocks);
        return NULL;
    }
    return blocks;
}

void live_blocks_destroy(struct live_blocks *blocks)
{
    if (!blocks)
        return;
    free(blocks->slots);
    free(blocks);
}

struct live_blocks *live_blocks_copy(const struct live_blocks *blocks)
{
    struct live_blocks *copy = malloc(sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *blocks;
    copy->slots = large_array(capacity_of(blocks), sizeof *copy->slots);
    if (!copy->slots) {
        free(copy);
        return NULL;
    }
    memcpy(copy->slots, blocks->slots, capacity_of(blocks) * sizeof *copy->slots);
    return copy;
}

bool live_blocks_add(struct live_blocks *blocks, const struct live_block *block)
{
    if (!block->address)
        return true;
    struct live_block *slot = slot_of(blocks, block->address);
    if (!slot->address) {
        if (blocks->count >= capacity_of(blocks) / 4 * 3) {
            if (!resize(blocks, blocks->bits + 1))
                return false;
            slot = slot_of(blocks, block->address);
        }
        blocks->count++;
    }
    *slot = *block;
    return true;
}

void live_blocks_remove(struct live_blocks *blocks, uint64_t address)
{
    size_t mask = capacity_of(blocks) - 1;
    size_t hole = (size_t)(slot_of(blocks, address) - blocks->slots);
    if (!blocks->slots[hole].address)
        return;
    /* A later block moves into the hole unless its own place lies behind it. */
    for (size_t next = (hole + 1) & mask; blocks->slots[next].address; next = (next + 1) & mask) {
        size_t home = home_of(blocks, blocks->slots[next].address);
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        blocks->slots[hole] = blocks->slots[next];
        hole = next;
    }
    blocks->slots[hole].address = 0;
    blocks->count--;
    /* Without memory for a smaller table the large one goes on. */
    if (blocks->count < capacity_of(blocks) / 8 && blocks->bits > FIRST_BITS)
        resize(blocks, blocks->bits - 1);
}

const struct live_block *live_blocks_find(const struct live_blocks *blocks, uint64_t address)
{
    const struct live_block *slot = slot_of(blocks, address);
    return slot->address ? slot : NULL;
}

size_t live_blocks_count(const struct live_blocks *blocks)
{
    return blocks->count;
}

/* ---- Sorting ---- */

/* One pass of a radix sort: from one array into another by the digit at shift. */
static void pass(const struct live_block *from, struct live_block *to, size_t count, unsigned shift)
{
    size_t places[DIGITS] = {0};
    for (size_t i = 0; i < count; i++)
        places[from[i].address >> shift & (DIGITS - 1)]++;
    size_t sum = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        size_t here = places[i];
        places[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[from[i].address >> shift & (DIGITS - 1)]++] = from[i];
}

struct error *live_blocks_sorted(const struct live_blocks *blocks, struct live_block **sorted,
                                 size_t *count)
{
    size_t room = blocks->count ? blocks->count : 1;
    struct live_block *from = large_array(room, sizeof *from);
    struct live_block *to = large_array(room, sizeof *to);
    if (!from || !to) {
        free(from);
        free(to);
        return error_no_memory();
    }
    size_t taken = 0;
    uint64_t differing = 0; /* bits in which addresses differ */
    for (size_t i = 0; i < capacity_of(blocks); i++) {
        const struct live_block *slot = &blocks->slots[i];
        if (!slot->address)
            continue;
        differing |= slot->address ^ (taken ? from[0].address : slot->address);
        from[taken++] = *slot;
    }
    while (differing) {
        unsigned shift = (unsigned)__builtin_ctzll(differing);
        pass(from, to, taken, shift);
        struct live_block *swap = from;
        from = to;
        to = swap;
        differing &= ~((uint64_t)(DIGITS - 1) << shift);
    }
    free(to);
    *sorted = from;
    *count = taken;
    return NULL;
}
