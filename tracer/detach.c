/* SPDX-License-Identifier: MIT */
#include "tracer/detach.h"

#include <errno.h>
#include <signal.h>

#include "tracer/planted.h"
#include "tracer/probe.h"
#include "tracer/proc_files.h"
#include "tracer/process.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/sigtrap.h"
#include "tracer/slot.h"
#include "tracer/step.h"
#include "tracer/text_check.h"

/* One that is not set any more was met while it was. */
static bool is_ours(const struct space *space, const struct breakpoint *breakpoint)
{
    enum planted planted = planted_look(space, breakpoint);
    return breakpoint->roles ? planted != PLANTED_FOREIGN : planted == PLANTED_GONE;
}

/* What a stopped tracee needs before it can be let go. */
static int prepare(struct session *session, struct tracee *tracee, const struct stop *stop)
{
    struct arch_registers registers;
    const struct breakpoint *breakpoint;
    int signal = 0;
    switch (stop->kind) {
    case STOP_SIGNAL:
        signal = stop->signal;
        break;
    case STOP_TRAP:
        if (!tracee->space)
            return SIGTRAP;
        if (pt_get_registers(tracee->tid, &registers))
            return 0;
        breakpoint =
            breakpoint_find(&tracee->space->breakpoints, arch_breakpoint_address(&registers));
        if (breakpoint && is_ours(tracee->space, breakpoint)) {
            pt_set_ip(tracee->tid, arch_breakpoint_address(&registers));
            /* Should we die now, the trap need not be delivered. */
            pt_take_stop(tracee->tid);
        } else {
            signal = SIGTRAP;
        }
        break;
    default:
        break;
    }
    if (tracee->space)
        slot_leave(session, tracee);
    return signal;
}

/* The trap of a breakpoint just hit may still be on its way when another stop is reported first:
 * it is fetched, for it would kill the program once we are gone. */
static void fetch_trap(struct tracee *tracee, struct stop *stop)
{
    struct arch_registers registers;
    int status;
    pid_t tid;
    if (stop->kind == STOP_TRAP || pt_get_registers(tracee->tid, &registers))
        return;
    const struct breakpoint *breakpoint =
        breakpoint_find(&tracee->space->breakpoints, arch_breakpoint_address(&registers));
    if (!breakpoint || !proc_pending(tracee->tid, SIGTRAP) ||
        pt_continue(tracee->tid, stop->kind == STOP_SIGNAL ? stop->signal : 0))
        return;
    int failure;
    do
        failure = pt_peek(tracee->tid, true, &tid, &status);
    while (failure == EINTR);
    if (failure)
        return;
    *stop = stop_classify(status);
    if (stop->kind == STOP_EXITED || stop->kind == STOP_KILLED)
        tracee_keep_stop(tracee, status);
}

/* Inside clone(2) and its kin, or on its way out, a thread can make no call for us: it goes on
 * until it has returned from that, or is gone. The former may take until its vfork child ends. */
static bool leave_event(struct session *session, struct tracee *tracee, enum stop_kind kind)
{
    if (kind == STOP_FORK || kind == STOP_VFORK || kind == STOP_CLONE)
        process_new_child(session, tracee, kind);
    else if (kind == STOP_VFORK_DONE)
        tracee->vforking = false;
    else if (kind != STOP_EXIT)
        return false;
    if (pt_continue(tracee->tid, 0) == 0)
        tracee->stopped = false;
    return true;
}

/* It is then ready, or has gone on and is to be stopped again. */
static void stop_one(struct session *session, struct tracee *tracee)
{
    if (!step_stop(tracee)) {
        process_exit(session, tracee, tracee->has_pending ? tracee->pending_status : 0);
        return;
    }
    struct stop stop = {.kind = STOP_INTERRUPT};
    if (tracee->has_pending)
        stop = stop_classify(tracee->pending_status);
    tracee->has_pending = false;
    if (leave_event(session, tracee, stop.kind))
        return;
    if (stop.kind == STOP_EXEC) {
        process_leave_image(session, tracee);
    } else {
        if (tracee->space)
            fetch_trap(tracee, &stop);
        if (tracee->has_pending) {
            process_exit(session, tracee, tracee->pending_status);
            return;
        }
        tracee->detach_signal = prepare(session, tracee, &stop);
    }
    tracee->ready_to_detach = true;
}

static void check_text(struct session *session)
{
    for (const struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (!tracee->space || tracee->space->text_checked)
            continue;
        tracee->space->text_checked = true;
        text_check(tracee->space, &session->counters);
    }
}

/* Once for each process. A thread that is to get a signal is the last choice to make our call: the
 * signal would be another's, as far as its siginfo tells. */
static void restore_actions(struct session *session, bool any)
{
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (!tracee->space || !tracee->ready_to_detach || tracee->action_restored ||
            (tracee->detach_signal && !any))
            continue;
        sigtrap_end(tracee->space, tracee);
        for (struct tracee *other = tracee_next(session->tracees, NULL); other;
             other = tracee_next(session->tracees, other))
            other->action_restored = other->action_restored || other->tgid == tracee->tgid;
    }
}

static void release_ready(struct session *session)
{
    struct tracee *next;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee; tracee = next) {
        next = tracee_next(session->tracees, tracee);
        if (tracee->ready_to_detach)
            process_release(session, tracee, tracee->detach_signal);
    }
}

void detach_all(struct session *session)
{
    /* Stopping one may bring another (a fork): go on until all are ready. */
    for (bool again = true; again;) {
        again = false;
        for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
             tracee = tracee_next(session->tracees, tracee)) {
            if (tracee->ready_to_detach || tracee_in_vfork(tracee))
                continue;
            stop_one(session, tracee);
            again = true; /* the table may have changed */
            break;
        }
    }
    size_t wrong = 0;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->space)
            wrong += space_restore_text(tracee->space);
    }
    if (session->options->stats)
        check_text(session);
    restore_actions(session, false);
    restore_actions(session, true);
    if (wrong)
        session_warn(session, "%zu places of the program's code could not be restored", wrong);
    release_ready(session);
    /* Their children have been let go, and will wake them up. */
    struct tracee *tracee;
    while ((tracee = tracee_next(session->tracees, NULL))) {
        stop_one(session, tracee);
        restore_actions(session, true);
        release_ready(session);
    }
}
