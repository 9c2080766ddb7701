/* SPDX-License-Identifier: MIT */
/*
 * planted.h - what stands in memory now where a breakpoint was set.
 *
 * A program may unmap code, map other code in its place, or write over it. Then the byte that is
 * there is the program's, even if it is a breakpoint instruction: a stop at it is the program's own
 * trap, and putting back what we once replaced would damage the new code.
 */
#ifndef ALLOCPTRACE_TRACER_PLANTED_H
#define ALLOCPTRACE_TRACER_PLANTED_H

#include <stdint.h>

#include "tracer/breakpoint.h"

struct space;

enum planted {
    PLANTED_OURS,    /* our byte, in front of the code that we put it into */
    PLANTED_GONE,    /* another byte, or no memory */
    PLANTED_FOREIGN, /* a breakpoint instruction in other code: the program's own */
};

/* Reads the place, with one system call. */
enum planted planted_look(const struct space *space, const struct breakpoint *breakpoint);

/*
 * Marks those as not set (no roles) whose byte is no longer ours: of the ones in [start, end) and
 * of all that are not settled. No byte is written.
 */
void planted_sweep(struct space *space, uint64_t start, uint64_t end);

#endif
