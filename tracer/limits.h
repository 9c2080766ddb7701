/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the tracer's own resource limits (setrlimit(2)): said clearly beforehand, and kept to.
 *
 * Descriptors that stay open, for files that are mapped and for processes, come from a budget that
 * leaves some free: what is opened for a moment only, /proc/PID/maps say, must never fail while a
 * tracee waits. All of it belongs to the tracing thread.
 */
#ifndef ALLOCPTRACE_TRACER_LIMITS_H
#define ALLOCPTRACE_TRACER_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

#include "output/log/error.h"

/* Descriptors that a module keeps: its own, the unwinder's, the symbolizer's and its debug files'.
 */
#define LIMITS_MODULE 5
/* And a process. */
#define LIMITS_PROCESS 1

/* Before anything begins: an error if the limits leave too little to work with. */
struct error *limits_check(void);

/* Raises what may be raised. After the fork of the program, which is to inherit none of it. */
void limits_raise(void);

/* Takes count descriptors out of the budget; if they are not left, an error that names the limit,
 * with the errno value EMFILE. */
struct error *limits_take(size_t count);
void limits_give_back(size_t count);

#endif
