/* SPDX-License-Identifier: MIT */
/*
 * leak_ending.h - tells whether a process is about to end, and not just one of its threads, or its
 * image in an execve(2).
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_ENDING_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_ENDING_H

#include <stdbool.h>

struct session;
struct tracee;

/* The tracee is in the signal-delivery-stop of a signal. */
bool leak_ending_by_signal(const struct tracee *tracee, int signal);

/*
 * The tracee is in PTRACE_EVENT_EXIT; killed: by a signal. If its process ends, all other threads
 * are in that stop as well, or gone, when this returns true: the stops are kept. May have to wait
 * for them.
 */
bool leak_ending_of_process(struct session *session, struct tracee *tracee, bool killed);

#endif
