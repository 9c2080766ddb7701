/* SPDX-License-Identifier: MIT */
/*
 * leak_blocks.h - the blocks of one leak check, and which of them points to which.
 *
 * A verdict tells the word that its block was first reached from. Here that becomes the block that
 * has the word: so the blocks of a check are trees, whose roots are held from outside the heap or
 * not at all.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_BLOCKS_H
#define ALLOCPTRACE_ANALYZE_LEAK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leak_block {
    uint64_t address, size;
    uint64_t holder; /* address of the word that it was first reached from; its own for none */
    uint32_t stack;
    uint32_t root;   /* id, 0 if it was not reached from one */
    uint32_t parent; /* the place of the block that has the holder, or LEAK_NO_BLOCK */
    uint8_t reach;   /* enum log_reach */
    bool found;      /* it was there before tracing began; its stack is named at the end */
};

#define LEAK_NO_BLOCK UINT32_MAX

/* One of zeros is empty. */
struct leak_blocks {
    struct leak_block *list; /* once linked by address */
    size_t count, capacity;
};

void leak_blocks_deinit(struct leak_blocks *blocks);
/* False when out of memory. */
bool leak_blocks_add(struct leak_blocks *blocks, const struct leak_block *block);

/* After the last one: sorts them and finds their parents. Of blocks within each other the one that
 * begins last has a word. False when out of memory. */
bool leak_blocks_link(struct leak_blocks *blocks);

/* By place in the linked list: the place of the definitely lost block that a block's parents lead
 * to, its own if it is one; LEAK_NO_BLOCK if there is none. malloc'd; NULL when out of memory. */
uint32_t *leak_blocks_owners(const struct leak_blocks *blocks);

#endif
