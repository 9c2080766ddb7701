/* SPDX-License-Identifier: MIT */
#include "tracer/quiet.h"

#include <errno.h>

#include "tracer/await.h"
#include "tracer/guardian.h"
#include "tracer/ptrace_io.h"

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* Signals that the kernel forces on a thread for what it executes. Blocked they would end the
 * process, or lose their handler (kernel/signal.c, force_sig_info_to_task). */
static uint64_t synchronous(void)
{
    return bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGSYS) | bit(SIGTRAP);
}

static bool is_pending_group_stop(const struct tracee *tracee)
{
    return tracee->has_pending && stop_classify(tracee->pending_status).kind == STOP_GROUP;
}

int quiet_begin(struct quiet *quiet, struct tracee *tracee, enum quiet_purpose purpose)
{
    *quiet = (struct quiet){
        .tracee = tracee,
        .stepping = purpose == QUIET_STEP,
        .group_stop = is_pending_group_stop(tracee),
    };
    int failure = pt_get_sigmask(tracee->tid, &quiet->mask);
    if (failure)
        return failure;
    quiet->blocked = ~synchronous() | quiet->mask;
    if (!quiet->stepping)
        return pt_set_sigmask(tracee->tid, quiet->blocked);
    quiet->blocked &= ~bit(SIGTRAP);
    struct guardian_parked parked = {.mask = quiet->mask};
    guardian_park(tracee->space->guardian, tracee->tid, &parked);
    failure = pt_set_sigmask(tracee->tid, quiet->blocked);
    if (failure)
        guardian_unpark(tracee->space->guardian);
    return failure;
}

int quiet_begin_signalled(struct quiet *quiet, struct tracee *tracee)
{
    siginfo_t info;
    int failure = pt_get_siginfo(tracee->tid, &info);
    if (!failure)
        failure = quiet_begin(quiet, tracee, QUIET_STEP);
    quiet->holding = quiet->in_hand = true;
    quiet->held = info;
    return failure;
}

static bool was_sent(pid_t tid, siginfo_t *info)
{
    return pt_get_siginfo(tid, info) == 0 && info->si_code <= 0;
}

/* A SIGTRAP that somebody sent is held until the step has been made: its trap needs the signal
 * unblocked. Another that is held goes back to the queue for it, as it is blocked. */
static int hold_trap(struct quiet *quiet)
{
    siginfo_t trap;
    int signal = 0;
    if (pt_get_siginfo(quiet->tracee->tid, &trap))
        return 0;
    if (quiet->holding && quiet->held.si_signo != SIGTRAP &&
        pt_set_siginfo(quiet->tracee->tid, &quiet->held) == 0)
        signal = quiet->held.si_signo;
    quiet->holding = true;
    quiet->in_hand = false;
    quiet->held = trap;
    return signal;
}

/* Which signal the tracee is to be resumed with after a signal-delivery-stop; -1: it stays. */
static int pass_signal(struct quiet *quiet, int signal)
{
    siginfo_t info;
    if (signal == SIGSTOP)
        return signal;
    if (quiet->stepping && signal == SIGTRAP)
        return hold_trap(quiet);
    /* One that came before a call of ours has to wait for the thread's own registers. */
    if (quiet->stepping && synchronous() & bit(signal) && !was_sent(quiet->tracee->tid, &info))
        return -1;
    quiet->blocked |= bit(signal);
    return pt_set_sigmask(quiet->tracee->tid, quiet->blocked) ? -1 : signal;
}

/* The trap of a single-step, not one that somebody sent. */
static bool is_wanted(const struct quiet *quiet, enum stop_kind kind, enum stop_kind wanted)
{
    siginfo_t info;
    return kind == wanted && (kind != STOP_TRAP || !was_sent(quiet->tracee->tid, &info));
}

static void note_child(struct quiet *quiet)
{
    unsigned long child;
    if (pt_event_message(quiet->tracee->tid, &child) == 0)
        quiet->child = (pid_t)child;
}

static int run(struct quiet *quiet, int (*resume)(pid_t tid, int signal), int signal,
               enum stop_kind wanted, int *status)
{
    struct tracee *tracee = quiet->tracee;
    for (;;) {
        int failure = resume(tracee->tid, signal);
        if (failure)
            return failure;
        if (!await_stop(tracee, status))
            return ESRCH;
        struct stop stop = stop_classify(*status);
        if (is_wanted(quiet, stop.kind, wanted))
            return 0;
        signal = 0;
        switch (stop.kind) {
        case STOP_EXITED:
        case STOP_KILLED:
        case STOP_EXEC:
            tracee_keep_stop(tracee, *status);
            return ESRCH;
        case STOP_TRAP:
        case STOP_SIGNAL:
            signal = pass_signal(quiet, stop.kind == STOP_TRAP ? SIGTRAP : stop.signal);
            if (signal < 0) {
                quiet->faulted = true;
                return EINTR;
            }
            break;
        case STOP_CLONE:
            note_child(quiet);
            break;
        case STOP_GROUP:
            if (wanted == STOP_INTERRUPT)
                return 0;
            quiet->group_stop = true;
            break;
        default:
            break;
        }
    }
}

int quiet_run(struct quiet *quiet, int (*resume)(pid_t tid, int signal), enum stop_kind wanted)
{
    int status;
    int failure = run(quiet, resume, 0, wanted, &status);
    if (quiet->faulted && !quiet->holding)
        tracee_keep_stop(quiet->tracee, status);
    return failure;
}

/* Interrupts the thread before it executes anything: on its way through signal handling it is given
 * a signal, or none, and may come into a group-stop. */
static int pass_signal_handling(struct quiet *quiet, int signal)
{
    struct tracee *tracee = quiet->tracee;
    int status;
    int failure = pt_interrupt(tracee->tid);
    if (!failure)
        failure = run(quiet, pt_continue, signal, STOP_INTERRUPT, &status);
    if (failure)
        return failure;
    if (stop_classify(status).kind == STOP_GROUP)
        tracee_keep_stop(tracee, status);
    else if (is_pending_group_stop(tracee))
        tracee->has_pending = false; /* it has been continued */
    return 0;
}

/* Back into the queue, from the signal-delivery-stop of the step's own trap: the one kind of stop
 * from which a signal can be given a siginfo. */
static int put_back(struct quiet *quiet)
{
    int signal = quiet->held.si_signo;
    int failure = pt_set_siginfo(quiet->tracee->tid, &quiet->held);
    quiet->blocked |= bit(signal);
    if (!failure)
        failure = pt_set_sigmask(quiet->tracee->tid, quiet->blocked);
    return failure ? failure : pass_signal_handling(quiet, signal);
}

static int give_mask_back(struct quiet *quiet)
{
    int failure = pt_set_sigmask(quiet->tracee->tid, quiet->mask);
    if (quiet->stepping)
        guardian_unpark(quiet->tracee->space->guardian);
    return failure;
}

int quiet_end(struct quiet *quiet, bool interrupted)
{
    int failure = 0;
    if (quiet->holding)
        failure = put_back(quiet);
    else if (!quiet->faulted && (interrupted || quiet->group_stop))
        failure = pass_signal_handling(quiet, 0);
    int given = give_mask_back(quiet);
    return failure ? failure : given;
}

int quiet_end_signalled(struct quiet *quiet, int *signal)
{
    *signal = 0;
    if (!quiet->in_hand || quiet->group_stop)
        return quiet_end(quiet, false);
    *signal = quiet->held.si_signo;
    int failure = pt_set_siginfo(quiet->tracee->tid, &quiet->held);
    int given = give_mask_back(quiet);
    return failure ? failure : given;
}
