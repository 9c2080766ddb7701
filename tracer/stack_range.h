/* SPDX-License-Identifier: MIT */
/*
 * stack_range.h - which stack a stack pointer is in, and where it ends.
 */
#ifndef ALLOCPTRACE_TRACER_STACK_RANGE_H
#define ALLOCPTRACE_TRACER_STACK_RANGE_H

#include "tracer/tracee.h"

/*
 * The range that the stopped tracee's RSP lies in, from its cache or from /proc/PID/maps; NULL if
 * RSP points nowhere. Where the end is known better than by the mapping (the program's first stack
 * pointer, the C library's thread descriptor above a thread's stack) it is drawn in, so that a
 * snapshot copies nothing in vain. The tracee's to keep until the next call.
 */
const struct stack_range *stack_range_of(struct tracee *tracee,
                                         const struct arch_registers *registers);

/* Forgets the cache, when mappings have changed (exec). */
void stack_range_forget(struct tracee *tracee);

#endif
