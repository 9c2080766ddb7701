/* SPDX-License-Identifier: MIT */
/*
 * affinity.h - lets a busy tracee share the tracer's core.
 *
 * A stop costs two context switches. On one core they are direct; over two cores each is an
 * interrupt to a core that may sleep, several times slower (sched(7)). So a thread that stops
 * often is bound to the tracer's core while it does, and gets its own affinity back (it is
 * visible to the program through sched_getaffinity(2)) when it stops rarely, and at detach.
 */
#ifndef ALLOCPTRACE_TRACER_AFFINITY_H
#define ALLOCPTRACE_TRACER_AFFINITY_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct tracee;

enum affinity_mode {
    AFFINITY_AUTO,  /* busy threads share the tracer's core */
    AFFINITY_SHARE, /* all threads do, from their first stop */
    AFFINITY_FREE,  /* never touched */
};

struct affinity {
    enum affinity_mode mode;
    bool enabled;
    int core;          /* the tracer's */
    cpu_set_t allowed; /* where the tracer was allowed to run before */
    cpu_set_t others;  /* where the recorder's threads run; all if there is one core only */
};

/* Chooses a core and binds the calling thread to it. Call before threads are started. */
void affinity_init(struct affinity *affinity, enum affinity_mode mode);

/* Every so many stops affinity_consider() is worth calling. */
#define AFFINITY_STOPS 256

/* Called after AFFINITY_STOPS stops of the tracee, at time now_ns. */
void affinity_consider(const struct affinity *affinity, struct tracee *tracee, uint64_t now_ns);

/* A new thread inherits the affinity of its parent (sched_setaffinity(2)): gives it the parent's
 * own. */
void affinity_inherited(struct tracee *child, const struct tracee *parent);
/* The thread that was former goes on as tracee (execve(2)). */
void affinity_take_over(struct tracee *tracee, const struct tracee *former);
/* Gives a tracee its own affinity back. */
void affinity_release(struct tracee *tracee);

#endif
