/* SPDX-License-Identifier: MIT */
/*
 * slot.h - threads that are found inside a slot, the relocated copy of a breakpoint's instruction.
 */
#ifndef ALLOCPTRACE_TRACER_SLOT_H
#define ALLOCPTRACE_TRACER_SLOT_H

#include "tracer/tracee.h"

struct session;

/*
 * Moves a stopped thread that is inside a slot to the equivalent place in the program's own code;
 * nothing is executed for it. That may be the breakpoint's own place: if that is still set, the
 * thread will come to it a second time for the same call, see probe_again(). Where the siginfo of a
 * signal that it is about to get names the instruction (si_addr of SIGILL and SIGFPE), it names the
 * program's own afterwards.
 */
void slot_leave(struct session *session, struct tracee *tracee);

/*
 * Before a signal is delivered, if the program can tell where it was interrupted: a handler is to
 * run, whose frame shows the place, or a core file is to be written. A fault is shown at its
 * instruction. Any other signal waits until the rest of the slot has been executed: if it was
 * delivered at the breakpoint instead, a program that gets signals faster than it passes the
 * breakpoint would never get on. Returns the signal that the tracee is to be resumed with.
 */
int slot_leave_for_signal(struct session *session, struct tracee *tracee, int signal);

#endif
