/* SPDX-License-Identifier: MIT */
/*
 * glibc_heap.h - finds glibc's heaps in a process's memory and walks their chunks.
 *
 * Needs no symbols: main_arena is told by its bins, of which the empty ones point to themselves
 * (malloc/malloc.c, malloc_init_state); the other arenas hang on it. Pure: memory comes through a
 * callback. What is read is the target's and may be corrupt, or another allocator's: each number is
 * checked before it is used, and a walk goes on at the next place that makes sense.
 *
 * Of all versions from 2.17 on, 64 bit. They differ in what is before the bins, in whether lists of
 * free chunks are disguised (2.32), and in the threads' caches: none before 2.26, then 64 lists
 * with their lengths, since 2.42 76 lists with the room that is left in them.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_HEAP_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "tracer/leaks/areas.h"

struct glibc_memory {
    /* Bytes read at address, up to what cannot be read. */
    size_t (*read)(uint64_t address, void *out, size_t size, void *data);
    /* Two words at each of count addresses, zeros for what cannot be read. */
    void (*read_pairs)(const uint64_t *addresses, size_t count, uint64_t (*pairs)[2], void *data);
    void *data;
};

/* What is known of a process. All ascending. */
struct glibc_process {
    struct glibc_memory memory;
    /* The writable data of the modules, where a main_arena may lie. */
    const struct areas *data;
    /* Readable and writable private mappings. */
    const struct areas *mappings;
    /* The threads' thread-local variables, where pointers to their caches are. */
    const struct areas *variables;
    /* Calls visit for each part of memory that the process has touched; NULL: all of it. */
    void (*touched)(uint64_t start, uint64_t end,
                    void (*visit)(uint64_t start, uint64_t end, void *data), void *visit_data,
                    void *data);
    void *touched_data;
};

struct glibc_arena;
struct glibc_segment;

struct glibc_heaps {
    /* The arenas' memory: parts of the brk heap and of mmapped ones, with what glibc keeps of them
     * at their beginnings. After a walk, without what others took by sbrk(2) in between. */
    struct areas areas;
    struct areas states; /* each malloc_state outside of them (main_arena): no roots */
    struct areas mapped; /* after a walk: mappings that each are one block */
    char problem[160];   /* where a walk ended early and why; empty: nowhere */

    /* The implementation's. */
    bool mapped_known; /* mapped_count tells how many blocks have a mapping of their own */
    uint32_t mapped_count;
    struct glibc_arena *arenas;
    size_t arena_count;
    struct glibc_segment *segments; /* ascending */
    size_t segment_count;
};

/* A process without glibc's allocator, or that has not allocated yet, has no areas. */
struct error *glibc_heaps_find(const struct glibc_process *process, struct glibc_heaps *heaps);
void glibc_heaps_deinit(struct glibc_heaps *heaps);

/*
 * Calls visit for each block in use (not in a bin, a fastbin or a thread's cache, nor such a cache
 * itself), those of arenas ascending, then those with a mapping of their own, with its usable size;
 * ends when visit returns false. NULL: just to learn more of the areas. Not all blocks are visited
 * where heaps->problem, which it may set, says so.
 */
struct error *glibc_heaps_walk(const struct glibc_process *process, struct glibc_heaps *heaps,
                               bool (*visit)(uint64_t block, uint64_t usable, void *data),
                               void *data);

#endif
