/* SPDX-License-Identifier: MIT */
/*
 * live_blocks.h - the blocks of one process that are alive, by address.
 *
 * The recording thread keeps one for each process while leaks are looked for, in the order of
 * events: what it holds when a check comes is what the check is about.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LIVE_BLOCKS_H
#define ALLOCPTRACE_TRACER_LEAKS_LIVE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct live_block {
    uint64_t address;
    uint64_t size;  /* bytes asked for; usable ones of a block from before */
    uint32_t stack; /* ids in the log; both 0 of a block from before tracing */
    uint32_t thread;
};

struct live_blocks;

struct live_blocks *live_blocks_create(void); /* NULL when out of memory */
void live_blocks_destroy(struct live_blocks *blocks);
/* For a fork's child. NULL when out of memory. */
struct live_blocks *live_blocks_copy(const struct live_blocks *blocks);

/* One that is there already at the address is replaced; none is at 0. False when out of memory. */
bool live_blocks_add(struct live_blocks *blocks, const struct live_block *block);
/* Nothing happens if there is none. */
void live_blocks_remove(struct live_blocks *blocks, uint64_t address);
/* The block that begins at address, or NULL; valid until the next change. */
const struct live_block *live_blocks_find(const struct live_blocks *blocks, uint64_t address);
size_t live_blocks_count(const struct live_blocks *blocks);

/* Copies all blocks, ascending by address, into a new array, which the caller frees. */
struct error *live_blocks_sorted(const struct live_blocks *blocks, struct live_block **sorted,
                                 size_t *count);

#endif
