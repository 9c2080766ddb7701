/* SPDX-License-Identifier: MIT */
/*
 * glibc_world.h - a made-up process whose heap is laid out as a version of glibc does it.
 */
#ifndef ALLOCPTRACE_TESTS_GLIBC_WORLD_H
#define ALLOCPTRACE_TESTS_GLIBC_WORLD_H

#include "tracer/leaks/glibc_heap.h"

/* What differs between versions. */
struct glibc_version {
    const char *name;
    unsigned before_bins; /* words of malloc_state before its bins: 13, 14, 3 */
    bool counts_threads;  /* it has attached_threads */
    unsigned heap_info;   /* bytes of it */
    bool disguised;       /* links of lists are */
    unsigned lists;       /* of a thread's cache; 0: there are none */
    unsigned count_bytes;
    bool room;            /* its counts tell the room that is left */
    unsigned mapped_tail; /* bytes that a mapped chunk ends before its mapping */
};

#define WORLD_REGIONS 5
#define WORLD_DATA UINT64_C(0x7f1200300000)
#define WORLD_BRK UINT64_C(0x560000203000)
#define WORLD_HEAP UINT64_C(0x7e1204000000) /* an arena's; a multiple of 64 MiB */
#define WORLD_MAPPED UINT64_C(0x7d1200000000)
#define WORLD_TLS UINT64_C(0x7c1200000000)

struct world_region {
    uint64_t start;
    size_t size;
    uint8_t *bytes;
};

/* Blocks, ascending. */
struct world_blocks {
    uint64_t address[64], usable[64];
    size_t count;
};

struct world {
    const struct glibc_version *version;
    struct world_region regions[WORLD_REGIONS];
    struct areas data, mappings, variables;
    struct glibc_process process;
    struct world_blocks used; /* what is to be found */
    uint64_t main_arena, thread_arena;
    uint64_t reads; /* bytes */
};

/* A process with two arenas, used, freed, fastbin and cached chunks, and two mapped blocks. */
void world_init(struct world *world, const struct glibc_version *version);
void world_deinit(struct world *world);

/* The word at address, which is to be in a region. */
uint64_t *world_word(struct world *world, uint64_t address);

#endif
