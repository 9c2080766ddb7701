/* SPDX-License-Identifier: MIT */
/*
 * own_memory.h - what a program has mapped by itself, beside what its allocator maps for blocks.
 *
 * The kernel makes one mapping of neighbours, so that a look at the mappings does not tell them
 * apart. Who called mmap(2), mremap(2), brk(2) or sbrk(2) does: calls from within a heap function,
 * or from a library that has heap functions, are the allocator's. (A program that has an allocator
 * linked in may map for it outside its functions; then blocks show up there.)
 *
 * Tracing thread.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_OWN_MEMORY_H
#define ALLOCPTRACE_TRACER_LEAKS_OWN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "tracer/leaks/areas.h"

struct space;

/* Of one address space. */
struct own_memory {
    bool complete; /* it was traced from its start on, so that no call was missed */
    struct areas areas;
};

/* Whether a mapping function that is called outside all heap functions, and will return to
 * return_address, is called for the program's own purposes. */
bool own_memory_asks(const struct space *space, uint64_t return_address);

#endif
