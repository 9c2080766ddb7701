/* SPDX-License-Identifier: MIT */
/*
 * roots_ended.h - stacks whose threads have ended.
 *
 * glibc keeps such a stack for the next thread, with the old one's descriptor at its upper end. The
 * frames and variables below that are nobody's any more; the descriptor still holds what
 * pthread_join(3) gives, and what leads to the vector for thread-local storage, which is used
 * again.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_ROOTS_ENDED_H
#define ALLOCPTRACE_TRACER_LEAKS_ROOTS_ENDED_H

#include "tracer/leaks/roots_threads.h"

/*
 * Looks in a mapping, whose index in notes->maps it is, for the stack that it begins with: one with
 * a guard below it. Returns the address of the descriptor and fills place, or returns 0 if it is no
 * stack, or that of a thread that was noted.
 */
uint64_t roots_ended_find(const struct roots_notes *notes, pid_t pid, int pagemap, size_t mapping,
                          struct roots_place *place);

#endif
