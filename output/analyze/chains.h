/* SPDX-License-Identifier: MIT */
/*
 * chains.h - reallocation chains: a buffer that is resized again and again, such as a vector that
 * grows, is one chain from its first allocation to its end. Live blocks name theirs by an id.
 */
#ifndef ALLOCPTRACE_ANALYZE_CHAINS_H
#define ALLOCPTRACE_ANALYZE_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chain {
    uint64_t first_size; /* bytes, before the first reallocation */
    uint64_t copied;     /* bytes that the reallocations moved to another address */
    uint32_t length;     /* reallocations; stays at UINT32_MAX */
    uint32_t next_free;  /* private */
};

/* One of zeros is empty. Memory grows with the buffers that are alive and have been resized. */
struct chains {
    struct chain *chains; /* element 0 is unused */
    size_t count, capacity;
    uint32_t first_free;
};

void chains_deinit(struct chains *chains);
/* A new chain's id; 0 when out of memory. */
uint32_t chains_begin(struct chains *chains, uint64_t first_size);
struct chain *chains_at(struct chains *chains, uint32_t id);
/* Gives the id back. */
void chains_end(struct chains *chains, uint32_t id);

#endif
