/* SPDX-License-Identifier: MIT */
/*
 * leak_moments.h - when a process is checked for leaks: at its end, at a request, at intervals,
 * when tracing ends.
 *
 * A process's end is seen in three places: at exit(3) and quick_exit(3) by a breakpoint, before the
 * exit handlers; at a signal that is about to end it; and, behind all of these, at
 * PTRACE_EVENT_EXIT, where its memory is still there. What becomes of a process that goes on is
 * noted as wanted, and served as soon as a thread of it is in a stop in which it can make a system
 * call for us.
 *
 * All functions are the tracing thread's and do nothing without --leak-check=reachable.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_MOMENTS_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_MOMENTS_H

#include <stdbool.h>

#include "output/log/record.h"

struct session;
struct tracee;

/* What a space knows of its checks. */
struct leak_moments {
    unsigned wanted; /* 1 << enum log_moment: to be made while the process goes on */
    unsigned made;   /* at its end */
    bool running;    /* a copy of the process is being read */
    bool copy_ended; /* one is to be waited for, see snapshot.h */
    bool asked;      /* see leak_moments_poll() */
};

/* Whether something is to be done that can be done now. */
static inline bool leak_moments_due(const struct leak_moments *leaks)
{
    return leaks->copy_ended || (leaks->wanted && !leaks->running);
}

/* Whether checks are made at a moment of a process's end. */
bool leak_moments_wanted(const struct session *session, enum log_moment moment);

/* The tracee stands at the beginning of a function that ends the program. */
void leak_moments_exit(struct session *session, struct tracee *tracee);
/* It is about to get this signal. */
void leak_moments_fatal(struct session *session, struct tracee *tracee, int signal);
/* It is about to end, alone or with its process. */
void leak_moments_end(struct session *session, struct tracee *tracee);

/* The tracee is in a stop that has been handled, or in a group-stop that is kept: what its process
 * is wanted for is done. It stays stopped. */
void leak_moments_serve(struct session *session, struct tracee *tracee);
/* Between stops: takes in requests and intervals, and stops threads for what is wanted. */
void leak_moments_poll(struct session *session);
/* The user has asked for the end: between stops. Whether nothing is left to be done before all is
 * detached from. */
bool leak_moments_detach(struct session *session);

#endif
