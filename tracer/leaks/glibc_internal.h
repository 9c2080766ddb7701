/* SPDX-License-Identifier: MIT */
/*
 * glibc_internal.h - shared by the parts of glibc_heap.h: glibc_find.c (arenas and their memory),
 * glibc_pieces.c (a main arena without brk), glibc_cache.c (what the threads and fastbins keep),
 * glibc_mapped.c (blocks with a mapping of their own) and glibc_heap.c (the walk).
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_INTERNAL_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_INTERNAL_H

#include "tracer/leaks/glibc_chunks.h"
#include "tracer/leaks/glibc_heap.h"

/* Notes the first of the problems. */
void glibc_problem(struct glibc_heaps *heaps, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct error *glibc_add_segment(struct glibc_heaps *heaps, const struct glibc_segment *segment);
/* Calls visit for each part from start to end that the process has touched and that is not a
 * module's data. */
void glibc_touched(const struct glibc_process *process, uint64_t start, uint64_t end,
                   void (*visit)(uint64_t start, uint64_t end, void *data), void *data);
bool glibc_is_mapped(const struct glibc_process *process, uint64_t start, uint64_t end);

/* What mp_ says. */
struct glibc_parameters {
    bool found;
    uint64_t first;        /* address that the main arena's memory first came from */
    uint32_t mapped_count; /* blocks with a mapping of their own */
};

/* Finds mp_, near the main arena; first is what is thought to be the first address of its memory.
 */
void glibc_find_parameters(const struct glibc_process *process, const struct glibc_arena *arena,
                           uint64_t first, struct glibc_parameters *parameters);
/* Adds the memory of a main arena that is not all in one piece: one may begin at first, or that is
 * 0; top_end is where its top ends. */
struct error *glibc_add_pieces(const struct glibc_process *process, struct glibc_heaps *heaps,
                               const struct glibc_arena *arena, uint64_t first, uint64_t top_end);

/* Chunks that look as if they were in use and are not the program's. */
struct glibc_kept {
    uint64_t *chunks; /* ascending */
    size_t count, capacity;
};

struct error *glibc_find_kept(const struct glibc_process *process, struct glibc_heaps *heaps,
                              struct glibc_reader *reader, struct glibc_kept *kept);
bool glibc_is_kept(const struct glibc_kept *kept, uint64_t chunk);

/* Finds mapped chunks and visits their blocks; false when visit returned false. */
bool glibc_walk_mapped(const struct glibc_process *process, struct glibc_heaps *heaps,
                       struct glibc_reader *reader, const struct glibc_kept *kept,
                       bool (*visit)(uint64_t block, uint64_t usable, void *data), void *data);

/* A mapped chunk: its block, its head, and where its mapping ends. */
struct glibc_mapped {
    uint64_t block, head, end;
};
/* The one in the mapping that begins at base and ends at limit or before; false if there is none.
 */
bool glibc_mapped_at(struct glibc_reader *reader, uint64_t base, uint64_t limit,
                     struct glibc_mapped *mapped);

#endif
