/* SPDX-License-Identifier: MIT */
/*
 * glibc_heap.h - finds glibc's heaps in a process's memory and walks their chunks.
 *
 * Needs no symbols: main_arena is told by its bins, of which the empty ones point to themselves
 * (malloc/malloc.c, malloc_init_state); the other arenas hang on it. Pure: memory comes through a
 * callback. What is read is the target's and may be corrupt, or another allocator's: each number is
 * checked before it is used, and the walk of an arena ends where it makes no sense.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_HEAP_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

/* Bytes read at address: as many as size, or 0. */
struct glibc_memory {
    size_t (*read)(uint64_t address, void *out, size_t size, void *data);
    void *data;
};

struct glibc_area {
    uint64_t start, end;
};

/* An arena's memory: a part of the brk heap, or of an mmapped one. */
struct glibc_heaps {
    struct glibc_area *areas; /* ascending */
    size_t area_count;
    struct glibc_area *states; /* each malloc_state outside of them (main_arena): no roots */
    size_t state_count;
    char problem[160]; /* where a walk ended early and why; empty: nowhere */
};

/*
 * data: the writable data of the modules (each PT_LOAD's part in memory), where a main_arena may
 * lie. mappings: all readable and writable private mappings. A process without glibc's allocator,
 * or that has not allocated yet, has no areas.
 */
struct error *glibc_heaps_find(const struct glibc_memory *memory, const struct glibc_area *data,
                               size_t data_count, const struct glibc_area *mappings,
                               size_t mapping_count, struct glibc_heaps *heaps);
void glibc_heaps_deinit(struct glibc_heaps *heaps);

/* Calls visit for each block in use (not in a bin, a fastbin or a thread's cache, nor one of
 * glibc's own), also those with a mapping of their own, with its usable size; ends when visit
 * returns false. Not all blocks are visited where heaps->problem, which it may set, says so. */
struct error *glibc_heaps_walk(const struct glibc_memory *memory, struct glibc_heaps *heaps,
                               const struct glibc_area *mappings, size_t mapping_count,
                               bool (*visit)(uint64_t block, uint64_t usable, void *data),
                               void *data);

#endif
