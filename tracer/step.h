/* SPDX-License-Identifier: MIT */
/*
 * step.h - the slow way past a breakpoint, and holding a process still.
 */
#ifndef ALLOCPTRACE_TRACER_STEP_H
#define ALLOCPTRACE_TRACER_STEP_H

#include "tracer/breakpoint.h"
#include "tracer/tracee.h"

struct session;

/*
 * Executes the covered instruction in its own place: the breakpoint's byte is out of the way for
 * that long, so all other threads of the address space are stopped meanwhile and none can run past
 * unseen. The tracee is left stopped behind the instruction.
 */
void step_in_place(struct session *session, struct tracee *tracee,
                   const struct breakpoint *breakpoint);

/* Stops all other threads of the tracee's address space, as step_stop() does, but for those that
 * wait for a vfork child; and lets them go on. */
void step_hold_others(struct session *session, const struct tracee *tracee);
void step_release_others(struct session *session, const struct tracee *tracee);

/*
 * Stops a tracee that runs and waits for it. The stop that it gets into is kept in its
 * pending_status if it is another than the one asked for. False if the tracee is gone.
 */
bool step_stop(struct tracee *tracee);

#endif
