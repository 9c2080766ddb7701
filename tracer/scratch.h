/* SPDX-License-Identifier: MIT */
/*
 * scratch.h - executable memory of ours in a target, for relocated instructions.
 *
 * It is mapped by a system call that a stopped tracee makes for us (remote.h), near the code it
 * serves: relocated instructions reach their operands with 32-bit displacements.
 */
#ifndef ALLOCPTRACE_TRACER_SCRATCH_H
#define ALLOCPTRACE_TRACER_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct space;
struct tracee;

/* Finds size free bytes within reach of near, mapping new memory if need be. They stay free until
 * scratch_take(). */
struct error *scratch_find(struct space *space, struct tracee *tracee, uint64_t near, size_t size,
                           uint64_t *address);
/* Makes sure that there is such memory near, for a program may later forbid the system call. */
struct error *scratch_reserve(struct space *space, struct tracee *tracee, uint64_t near);
/* Marks the bytes from address on, as scratch_find() gave it, as used. */
void scratch_take(struct space *space, uint64_t address, size_t size);

#endif
