/* SPDX-License-Identifier: MIT */
#include "tracer/glibc_chunk.h"

#define PREVIOUS_IN_USE 1U
#define MAPPED 2U
#define OTHER_ARENA 4U
#define FLAGS (PREVIOUS_IN_USE | MAPPED | OTHER_ARENA)

#define ALIGNMENT 16U
#define LEAST_CHUNK 32U
#define PAGE 4096U
#define WORD 8U
/* User addresses end below this (five-level page tables). */
#define ADDRESS_END (UINT64_C(1) << 56)

/* What a mapped chunk keeps of its size, or 0 if it does not end with a page. */
static uint64_t mapped_overhead(uint64_t address, uint64_t size)
{
    switch ((address + size) % PAGE) {
    case 2 * WORD:
        return 2 * WORD;
    case 0:
        return WORD;
    default:
        return 0;
    }
}

bool glibc_chunk_usable(uint64_t address, uint64_t head, uint64_t asked, uint64_t *usable)
{
    uint64_t size = head & ~(uint64_t)FLAGS;
    if (address % ALIGNMENT || size % ALIGNMENT || size < LEAST_CHUNK || address >= ADDRESS_END ||
        size >= ADDRESS_END)
        return false;
    uint64_t overhead = WORD;
    if (head & MAPPED) {
        overhead = mapped_overhead(address, size);
        if (!overhead || (head & FLAGS) != MAPPED)
            return false;
    }
    *usable = size - overhead;
    return *usable >= asked;
}
