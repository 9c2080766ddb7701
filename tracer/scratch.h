/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - executable memory of ours in a target: regions as resident.h lays them out, for
 * relocated instructions and the code that keeps the target alive when the tracer dies.
 *
 * A region is mapped by a system call that a stopped tracee makes for us (remote.h), near the code
 * it serves: relocated instructions reach their operands with 32-bit displacements. It stays mapped
 * for good, for a signal frame may lead into it, and is found and used again by the next tracer.
 */
#ifndef ALLOCPTRACE_TRACER_SCRATCH_H
#define ALLOCPTRACE_TRACER_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"

struct breakpoint;
struct space;
struct tracee;

/* A region. */
struct scratch {
    uint64_t start;
    uint32_t used;   /* bytes from start that are taken */
    uint32_t listed; /* breakpoints in its list */
    bool usable;     /* its code is this tracer's: nothing is added to another's */
};

/* Finds size free bytes within reach of near, mapping new memory if need be. They stay free until
 * scratch_take(). */
struct error *scratch_find(struct space *space, struct tracee *tracee, uint64_t near, size_t size,
                           uint64_t *address);
/* Makes sure that there is such memory near, for a program may later forbid the system call. */
struct error *scratch_reserve(struct space *space, struct tracee *tracee, uint64_t near);
/* Lists the breakpoint, about to be set, in the target, and marks its slot as used if it is where
 * scratch_find() said; a breakpoint without a slot is listed in any region. An errno value. */
int scratch_take(struct space *space, const struct breakpoint *breakpoint);

/*
 * Finds the regions that an earlier tracer left in process pid and puts what they list into the
 * space's breakpoints, with no role yet. The text is not changed. Regions are the target's memory:
 * what is not plausible is passed over.
 */
struct error *scratch_adopt(struct space *space, pid_t pid);

/* The region that holds the process's SIGTRAP handler and the place for system calls: the first
 * usable one, or NULL. */
const struct scratch *scratch_main(const struct space *space);
/* Address of a place in the resident code's copy in a region. */
uint64_t scratch_code(const struct scratch *scratch, const void *place);

#endif
