/* SPDX-License-Identifier: MIT */
#include "tracer/step.h"

#include <errno.h>

#include "tracer/await.h"
#include "tracer/probe.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/quiet.h"
#include "tracer/session.h"
#include "tracer/stop.h"

/* Our interruption ends some system calls with EINTR, which the program would not have seen. With a
 * signal on its way it would. */
static void wait_again(const struct tracee *tracee)
{
    struct arch_registers registers;
    if (pt_get_registers(tracee->tid, &registers) == 0 && arch_wait_again(&registers) &&
        !proc_has_signal(tracee->tid))
        pt_set_registers(tracee->tid, &registers);
}

/* Waits for the stop of a tracee that has been interrupted. */
static bool await_interrupted(struct tracee *tracee)
{
    int status;
    if (!await_peek(tracee, &status))
        return false;
    tracee->stopped = true;
    struct stop stop = stop_classify(status);
    /* A new thread's first stop looks the same but has to be handled as what it is. */
    if (stop.kind == STOP_INTERRUPT && tracee->state != TRACEE_EXPECTED) {
        wait_again(tracee);
        return true;
    }
    tracee_keep_stop(tracee, status);
    return stop.kind != STOP_EXITED && stop.kind != STOP_KILLED;
}

bool step_stop(struct tracee *tracee)
{
    return tracee->stopped || (pt_interrupt(tracee->tid) == 0 && await_interrupted(tracee));
}

/* One instruction. False if it was not executed: the tracee is gone, or has got a fault. */
static bool step_once(struct tracee *tracee)
{
    struct quiet quiet;
    if (quiet_begin(&quiet, tracee, QUIET_STEP))
        return false;
    int failure = quiet_run(&quiet, pt_step, STOP_TRAP);
    return !quiet_end(&quiet, false) && !failure;
}

/* The next thread after other, NULL at first, that shares the tracee's memory. */
static struct tracee *next_other(const struct session *session, const struct tracee *tracee,
                                 const struct tracee *other)
{
    struct tracee *next = tracee_next(session->tracees, other);
    while (next && (next == tracee || next->space != tracee->space))
        next = tracee_next(session->tracees, next);
    return next;
}

void step_hold_others(struct session *session, const struct tracee *tracee)
{
    struct tracee *other = NULL;
    /* All of them at first, so that they come to their stops at the same time. */
    while ((other = next_other(session, tracee, other)))
        other->held = !other->stopped && !tracee_in_vfork(other) && pt_interrupt(other->tid) == 0;
    while ((other = next_other(session, tracee, other)))
        other->held = other->held && await_interrupted(other);
}

void step_release_others(struct session *session, const struct tracee *tracee)
{
    struct tracee *other = NULL;
    while ((other = next_other(session, tracee, other))) {
        if (!other->held)
            continue;
        other->held = false;
        /* One with a pending stop stays as it is until that has been handled. */
        if (!other->has_pending && pt_continue(other->tid, 0) == 0)
            other->stopped = false;
    }
}

void step_in_place(struct session *session, struct tracee *tracee,
                   const struct breakpoint *breakpoint)
{
    struct arch_registers registers;
    session->counters.single_steps++;
    if (pt_set_ip(tracee->tid, breakpoint->address))
        return;
    step_hold_others(session, tracee);
    if (space_write_original(tracee->space, breakpoint) == 0) {
        if (!step_once(tracee) && pt_get_registers(tracee->tid, &registers) == 0)
            probe_again(tracee, &registers);
        space_write_breakpoint(tracee->space, breakpoint);
    }
    step_release_others(session, tracee);
}
