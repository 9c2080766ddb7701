/* SPDX-License-Identifier: MIT */
#include "output/log/stack_trie.h"

#include <stdlib.h>

#define INITIAL_BITS 10

/*
 * One hash table with linear probing, at most half full. The key stands in the slot, so that a
 * lookup touches one cache line: an event makes one lookup for each of its frames.
 */
struct slot {
    uint32_t parent;
    uint32_t frame;
    uint32_t id; /* 0: empty */
};

struct stack_trie {
    struct slot *slots;
    unsigned bits; /* log2 of the number of slots */
    uint32_t count;
};

struct stack_trie *stack_trie_create(void)
{
    struct stack_trie *trie = malloc(sizeof *trie);
    struct slot *slots = calloc((size_t)1 << INITIAL_BITS, sizeof *slots);
    if (!trie || !slots) {
        free(trie);
        free(slots);
        return NULL;
    }
    *trie = (struct stack_trie){.slots = slots, .bits = INITIAL_BITS};
    return trie;
}

void stack_trie_destroy(struct stack_trie *trie)
{
    if (!trie)
        return;
    free(trie->slots);
    free(trie);
}

/* Multiplicative hashing: the high bits of the product depend on every bit of the key. */
static size_t slot_of(uint32_t parent, uint32_t frame, unsigned bits)
{
    uint64_t key = (uint64_t)parent << 32 | frame;
    key ^= key >> 29;
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(key >> (64 - bits));
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct slot *find(struct slot *slots, unsigned bits, uint32_t parent, uint32_t frame)
{
    size_t mask = ((size_t)1 << bits) - 1;
    size_t at = slot_of(parent, frame, bits);
    while (slots[at].id && (slots[at].parent != parent || slots[at].frame != frame))
        at = (at + 1) & mask;
    return &slots[at];
}

static bool grow(struct stack_trie *trie)
{
    unsigned bits = trie->bits + 1;
    struct slot *slots = calloc((size_t)1 << bits, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < (size_t)1 << trie->bits; i++) {
        const struct slot *old = &trie->slots[i];
        if (old->id)
            *find(slots, bits, old->parent, old->frame) = *old;
    }
    free(trie->slots);
    trie->slots = slots;
    trie->bits = bits;
    return true;
}

uint32_t stack_trie_child(struct stack_trie *trie, uint32_t parent, uint32_t frame, bool *is_new)
{
    *is_new = false;
    struct slot *slot = find(trie->slots, trie->bits, parent, frame);
    if (slot->id)
        return slot->id;
    if (trie->count == UINT32_MAX)
        return 0;
    if ((uint64_t)trie->count + 1 > (uint64_t)1 << (trie->bits - 1)) {
        if (!grow(trie))
            return 0;
        slot = find(trie->slots, trie->bits, parent, frame);
    }
    *slot = (struct slot){.parent = parent, .frame = frame, .id = ++trie->count};
    *is_new = true;
    return slot->id;
}

uint32_t stack_trie_count(const struct stack_trie *trie)
{
    return trie->count;
}
