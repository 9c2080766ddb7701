/* SPDX-License-Identifier: MIT */
/*
 * sigtrap.h - keeps the target's own use of SIGTRAP as it is.
 *
 * A breakpoint forces a SIGTRAP on the thread. Where the thread blocks the signal, or the process
 * ignores it, the kernel unblocks it and resets its action for good (kernel/signal.c,
 * force_sig_info_to_task): both are put back. In a process that was attached to our own handler
 * (resident.h) is the action, so that the process survives the tracer's death; the program's
 * own action is in force whenever the program could tell the difference: for a SIGTRAP of its own,
 * while it calls sigaction(2), and after detaching.
 */
#ifndef ALLOCPTRACE_TRACER_SIGTRAP_H
#define ALLOCPTRACE_TRACER_SIGTRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/arch.h"
#include "tracer/resident.h"

struct breakpoint;
struct session;
struct space;
struct tracee;

struct sigtrap {
    struct resident_action own; /* the program's action; handler 0 is SIG_DFL, 1 SIG_IGN */
    bool armed;                 /* ours is in force */
};

/*
 * Finds out the program's action and, where that is called for, puts ours in force; before any
 * breakpoint is set. tracee is a stopped thread. ignored: the program was executed by one that
 * ignored SIGTRAP, hidden by our handler, which execve(2) does not hand on. What cannot be done is
 * warned of.
 */
void sigtrap_begin(struct session *session, struct space *space, struct tracee *tracee,
                   bool ignored);
/* Finds out the program's action behind that of a tracer that has died; for the guardian. */
void sigtrap_adopt(struct space *space, struct tracee *tracee);
/* Whether the program ignores SIGTRAP, as a program that it executes is to do. */
bool sigtrap_ignored(const struct space *space);
/* Puts the program's action back in force, before detaching from its process. */
void sigtrap_end(struct space *space, struct tracee *tracee);

/* The thread stopped at a breakpoint of ours: puts its mask and the action back if the trap has
 * changed them, and ends what sigtrap_calling() began. */
void sigtrap_stopped(struct session *session, struct tracee *tracee,
                     const struct breakpoint *breakpoint);
/* The thread is about to call a function that reads or changes signal actions or its mask. */
void sigtrap_calling(struct session *session, struct tracee *tracee,
                     const struct breakpoint *breakpoint, const struct arch_registers *registers);
/* The thread got a SIGTRAP that is not ours. Returns the signal that it is to be resumed with. */
int sigtrap_own(struct tracee *tracee);

#endif
