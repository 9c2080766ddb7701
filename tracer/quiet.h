/* SPDX-License-Identifier: MIT */
/*
 * quiet.h - lets a stopped tracee run a little for us, with no signal of the program's in between.
 *
 * All signals that can wait are blocked meanwhile (PTRACE_SETSIGMASK, ptrace(2), since Linux 3.11),
 * so that they stay queued in the kernel with their siginfo and in their order. What cannot wait:
 *  - SIGSTOP takes effect at once; the tracee runs on for us all the same and is taken back into
 *    the group-stop in the end;
 *  - SIGKILL ends the tracee;
 *  - a fault of the single-stepped instruction is left to be handled, see quiet_run();
 *  - a synchronous signal that somebody sent is put back into the queue: the kernel does that with
 *    a signal that is blocked at its injection (kernel/signal.c, ptrace_signal).
 * The guardian knows the thread's mask during single-steps; for calls that is parking.h's.
 *
 * All functions return 0 or an errno value: ESRCH if the tracee is gone (its last status is kept,
 * see tracee_keep_stop()), EINTR if it got a fault.
 */
#ifndef ALLOCPTRACE_TRACER_QUIET_H
#define ALLOCPTRACE_TRACER_QUIET_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "tracer/stop.h"
#include "tracer/tracee.h"

enum quiet_purpose { QUIET_CALL, QUIET_STEP };

struct quiet {
    struct tracee *tracee;
    uint64_t mask;    /* the thread's own blocked signals */
    uint64_t blocked; /* those that are blocked meanwhile */
    bool stepping;
    pid_t child;     /* of a clone(2) that it has made, 0 for none */
    bool group_stop; /* the thread belongs in a group-stop */
    bool faulted;    /* it stands at a fault that is still to be handled */
    bool holding;    /* a signal that has been taken out of the queue: held */
    bool in_hand;    /* it is the one that the thread was to get at the beginning */
    siginfo_t held;
};

/* The tracee is in a stop that is resumed without a signal, or in a group-stop. */
int quiet_begin(struct quiet *quiet, struct tracee *tracee, enum quiet_purpose purpose);
/* The same in a signal-delivery-stop, for single-steps before the signal is delivered. */
int quiet_begin_signalled(struct quiet *quiet, struct tracee *tracee);

/*
 * Resumes the tracee, with one of ptrace_io.h's functions, until it stops in the way that is
 * wanted. EINTR: a step ended in a fault. That stop is kept, and the signal is delivered with its
 * siginfo when it is handled, unless another signal is to come first: then the step will fault
 * again after that.
 */
int quiet_run(struct quiet *quiet, int (*resume)(pid_t tid, int signal), enum stop_kind wanted);

/*
 * Gives the thread its own mask back. It stays stopped; a group-stop is kept, to be handled.
 * interrupted: the thread's registers, which are its own again by now, are those of a system call
 * that the kernel is to restart. It does so on the way through signal handling only
 * (arch/x86/kernel/signal.c, arch_do_signal_or_restart), to which the exit of a system call or a
 * single-step does not lead.
 */
int quiet_end(struct quiet *quiet, bool interrupted);
/* The same after quiet_begin_signalled(). *signal is what the tracee is to be resumed with: the
 * signal, with its siginfo, or 0 if it had to go back to the queue. */
int quiet_end_signalled(struct quiet *quiet, int *signal);

#endif
