/* SPDX-License-Identifier: MIT */
/*
 * roots_threads.h - where a thread has its stack and its thread-local variables, as glibc and musl
 * lay them out.
 *
 * Below the thread pointer are the variables of the modules that were loaded at the program's
 * start, at it the thread's descriptor. Its first three words are the same in both libraries,
 * 64 bit:
 *
 *     | itself | vector | glibc: itself again; musl: the previous thread's |
 *
 * The vector (DTV) leads to each module's variables. Of the rest of the descriptor, which differs
 * between versions, only what tells itself is used: the words that give the stack's bounds.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_ROOTS_THREADS_H
#define ALLOCPTRACE_TRACER_LEAKS_ROOTS_THREADS_H

#include "tracer/leaks/areas.h"
#include "tracer/leaks/roots.h"

struct roots_place {
    bool described;     /* there is a descriptor of a known kind */
    struct area stack;  /* that the thread was started on, perhaps with tls at its upper end; empty:
                           it is not the library's, or not known */
    struct area tls;    /* variables and descriptor; may reach a page too far */
    struct area vector; /* empty: not known */
};

void roots_place(const struct roots_notes *notes, pid_t pid, uint64_t thread_pointer,
                 struct roots_place *place);

#endif
