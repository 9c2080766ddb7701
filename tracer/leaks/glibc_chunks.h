/* SPDX-License-Identifier: MIT */
/*
 * glibc_chunks.h - walks the chunks of an arena, from head to head.
 *
 * Whether a chunk is in use is told by the next one's head (see also tracer/glibc_chunk.h):
 *
 *     | size before, if free | size | arena | mapped | previous in use |
 *
 * An arena's memory ends with the top chunk, or, where it goes on elsewhere, with fenceposts: heads
 * of chunks that are too small to be any (malloc/malloc.c, sysmalloc).
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_CHUNKS_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_CHUNKS_H

#include "tracer/leaks/glibc_reader.h"

#define GLIBC_PREVIOUS_IN_USE UINT64_C(1)
#define GLIBC_MAPPED UINT64_C(2)
#define GLIBC_OTHER_ARENA UINT64_C(4)
#define GLIBC_FLAGS UINT64_C(7)

#define GLIBC_LEAST_CHUNK 32U
#define GLIBC_ALIGNMENT 16U

#define GLIBC_FASTBINS 10

struct glibc_arena {
    uint64_t state, state_end;
    bool main, contiguous;
    uint64_t top; /* 0: it has no memory yet */
    uint64_t system_mem;
    uint64_t fastbins[GLIBC_FASTBINS]; /* first chunks, or 0 */
};

/* Contiguous memory of an arena. */
struct glibc_segment {
    uint64_t start, end;
    uint64_t first; /* chunk */
    uint64_t top;   /* chunk; 0: it ends with fenceposts */
    bool main;
};

enum glibc_end {
    GLIBC_END_TOP,
    GLIBC_END_FENCE,
    GLIBC_END_BAD,     /* at does not look like a chunk */
    GLIBC_END_STOPPED, /* visit said so, or the most chunks were passed */
};

struct glibc_walk {
    struct glibc_reader *reader;
    uint64_t at;    /* a chunk; after the walk, what its result says, or the end of the memory */
    uint64_t limit; /* no chunk reaches beyond this */
    uint64_t top;
    bool main;
    bool anywhere; /* the chunk before at may be free */
    uint64_t most; /* chunks to pass, 0 for all */
    /* NULL, or called for each chunk in use. */
    bool (*visit)(uint64_t chunk, uint64_t size, void *data);
    void *data;
};

enum glibc_end glibc_walk(struct glibc_walk *walk);

/* Looks upwards from walk->at for a chunk from which a walk goes well, and puts it there; false if
 * there is none, or *tries, which is counted down, comes to nothing. */
bool glibc_walk_resume(struct glibc_walk *walk, unsigned *tries);

#endif
