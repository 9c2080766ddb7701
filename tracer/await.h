/* SPDX-License-Identifier: MIT */
/*
 * await.h - waits for one tracee's next stop, past all others.
 */
#ifndef ALLOCPTRACE_TRACER_AWAIT_H
#define ALLOCPTRACE_TRACER_AWAIT_H

#include <stdbool.h>

#include "tracer/tracee.h"

/*
 * The status of the tracee's next stop or end, as wait4(2) gives it. False if none will be
 * reported: the tracee is gone, or it is a leading thread that has ended while others go on, which
 * wait4(2) reports only when they have ended, too.
 */
bool await_stop(const struct tracee *tracee, int *status);
/* The same with pt_peek(): a signal is not lost if we die while the tracee is stopped. */
bool await_peek(const struct tracee *tracee, int *status);

#endif
