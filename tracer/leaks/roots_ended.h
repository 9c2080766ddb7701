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

#include "tracer/leaks/areas.h"
#include "tracer/leaks/roots_threads.h"

/* Such a descriptor. */
struct roots_ended {
    uint64_t descriptor;
    struct roots_place place;
};

struct roots_ended_list {
    struct roots_ended *list; /* freed by the caller */
    size_t count;
    bool failed; /* out of memory */
};

/*
 * Adds those in a mapping, whose index in notes->maps it is, that are in none of the areas. A guard
 * below a stack is a mapping of its own up to glibc 2.41; since then it does not show, and stacks
 * next to each other are one mapping.
 */
void roots_ended_find(const struct roots_notes *notes, pid_t pid, int pagemap,
                      const struct areas *taken, size_t mapping, struct roots_ended_list *found);

#endif
