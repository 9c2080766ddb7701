/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_moments.h"

#include <signal.h>
#include <sys/wait.h>

#include "tracer/leaks/leak_check.h"
#include "tracer/leaks/leak_ending.h"
#include "tracer/leaks/leak_requests.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/step.h"
#include "tracer/stop.h"

/* How long the end of tracing waits for a thread that can be stopped. */
#define PATIENCE_NS UINT64_C(10000000000)

static unsigned bit(enum log_moment moment)
{
    return 1U << moment;
}

bool leak_moments_wanted(const struct session *session, enum log_moment moment)
{
    return session->leaks && session->options->leak_moments & bit(moment);
}

static bool was_made(const struct tracee *tracee, enum log_moment moment)
{
    return tracee->space->leaks.made & bit(moment);
}

/* Whether the memory goes with the tracee's process: a vfork child's stays, with its parent. */
static bool is_only_process(const struct session *session, const struct tracee *tracee)
{
    for (const struct tracee *other = tracee_next(session->tracees, NULL); other;
         other = tracee_next(session->tracees, other)) {
        if (other->space == tracee->space && other->tgid != tracee->tgid)
            return false;
    }
    return true;
}

/* ---- The end of a process ---- */

static void make(struct session *session, struct tracee *tracee, enum log_moment moment)
{
    tracee->space->leaks.made |= bit(moment);
    tracee->space->leaks.wanted &= ~bit(LOG_MOMENT_INTERVAL);
    leak_check(session, tracee, moment);
}

static bool is_checked(const struct session *session, const struct tracee *tracee)
{
    return session->leaks && tracee->space && tracee->space->id && is_only_process(session, tracee);
}

void leak_moments_exit(struct session *session, struct tracee *tracee)
{
    if (is_checked(session, tracee) && !was_made(tracee, LOG_MOMENT_EXIT))
        make(session, tracee, LOG_MOMENT_EXIT);
}

void leak_moments_fatal(struct session *session, struct tracee *tracee, int signal)
{
    if (leak_moments_wanted(session, LOG_MOMENT_FATAL) && is_checked(session, tracee) &&
        !was_made(tracee, LOG_MOMENT_FATAL) && leak_ending_by_signal(tracee, signal))
        make(session, tracee, LOG_MOMENT_FATAL);
}

/* Which check is to be made behind everything else, of a process that ends in this way; false: none
 * any more. */
static bool choose_last(const struct session *session, const struct tracee *tracee, bool killed,
                        enum log_moment *moment)
{
    *moment = LOG_MOMENT_END;
    if (was_made(tracee, LOG_MOMENT_FATAL) || was_made(tracee, LOG_MOMENT_END))
        return false;
    /* One whose signal could not be looked at, SIGKILL for instance. */
    if (killed && leak_moments_wanted(session, LOG_MOMENT_FATAL)) {
        *moment = LOG_MOMENT_FATAL;
        return true;
    }
    return leak_moments_wanted(session, LOG_MOMENT_END) ||
           (!killed && leak_moments_wanted(session, LOG_MOMENT_EXIT) &&
            !was_made(tracee, LOG_MOMENT_EXIT));
}

void leak_moments_end(struct session *session, struct tracee *tracee)
{
    unsigned long status;
    enum log_moment moment;
    tracee->exiting = true;
    if (!is_checked(session, tracee) || pt_event_message(tracee->tid, &status))
        return;
    bool killed = WIFSIGNALED((int)status);
    if (choose_last(session, tracee, killed, &moment) &&
        leak_ending_of_process(session, tracee, killed))
        make(session, tracee, moment);
}

/* ---- While it goes on ---- */

static void want_one(struct session *session, struct leak_moments *leaks, unsigned moments)
{
    /* What a process takes apart at its end would hide what was found before. */
    if (leaks->made)
        moments &= ~bit(LOG_MOMENT_INTERVAL);
    /* The last one is not over: this one is left out, and what the user asks for is put off. */
    if (moments & bit(LOG_MOMENT_INTERVAL) &&
        (leaks->running || leaks->wanted & bit(LOG_MOMENT_INTERVAL))) {
        session->counters.leak_skipped++;
        moments &= ~bit(LOG_MOMENT_INTERVAL);
    }
    leaks->wanted |= moments;
}

static void want(struct session *session, unsigned moments)
{
    struct tracee *tracee;
    for (tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->space)
            tracee->space->leaks.asked = true;
    }
    for (tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (!tracee->space || !tracee->space->leaks.asked)
            continue;
        tracee->space->leaks.asked = false;
        if (tracee->space->id)
            want_one(session, &tracee->space->leaks, moments);
    }
    session->leaks->wanting = true;
}

void leak_moments_serve(struct session *session, struct tracee *tracee)
{
    static const enum log_moment order[] = {LOG_MOMENT_DETACH, LOG_MOMENT_REQUEST,
                                            LOG_MOMENT_INTERVAL};
    struct leak_moments *leaks = &tracee->space->leaks;
    if (leaks->copy_ended)
        snapshot_wait_for(session, tracee);
    if (!leak_moments_due(leaks))
        return;
    /* One check is good for all that are wanted. */
    unsigned wanted = leaks->wanted;
    leaks->wanted = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (!(wanted & bit(order[i])))
            continue;
        leak_check(session, tracee, order[i]);
        return;
    }
}

/* Whether a thread that has been interrupted can make calls for us. It may have executed a
 * breakpoint whose trap is still to be reported, which would find it in another place. */
static bool is_able(const struct tracee *tracee)
{
    struct arch_registers registers;
    if (tracee->has_pending && stop_classify(tracee->pending_status).kind != STOP_GROUP)
        return false;
    return pt_get_registers(tracee->tid, &registers) == 0 &&
           !(breakpoint_at(&tracee->space->breakpoints, arch_breakpoint_address(&registers)) &&
             proc_pending(tracee->tid, SIGTRAP));
}

/* Stops the thread, and serves its process if that can be. One that gets into a stop of its own is
 * served, or tried again, when that has been handled. */
static void try_to_serve(struct session *session, struct tracee *tracee)
{
    if (tracee->stopped || tracee->state != TRACEE_RUNNING || tracee_in_vfork(tracee) ||
        !step_stop(tracee))
        return;
    if (is_able(tracee))
        leak_moments_serve(session, tracee);
    if (!tracee->has_pending && pt_continue(tracee->tid, 0) == 0)
        tracee->stopped = false;
}

/* Whether something is left to be served. */
static bool serve_all(struct session *session)
{
    struct tracee *tracee;
    snapshots_mark_ended(session);
    for (tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->space && leak_moments_due(&tracee->space->leaks))
            try_to_serve(session, tracee);
    }
    bool left = snapshots_mark_ended(session);
    for (tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee))
        left = left || (tracee->space && tracee->space->leaks.wanted);
    return left;
}

void leak_moments_poll(struct session *session)
{
    if (!session->leaks)
        return;
    unsigned asked = leak_requests_take();
    if (asked && !session->leaks->detaching)
        want(session, asked);
    if (session->leaks->wanting)
        session->leaks->wanting = serve_all(session);
    if (session->leaks->wanting)
        leak_requests_ring();
    leak_requests_go_on();
}

/* ---- The end of tracing ---- */

static void give_up(struct session *session)
{
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->space)
            tracee->space->leaks.wanted = 0;
    }
    snapshots_kill(session);
}

bool leak_moments_detach(struct session *session)
{
    struct leak_checker *checker = session->leaks;
    if (!checker)
        return true;
    uint64_t now = recorder_now(session->recorder);
    if (!checker->detaching) {
        checker->detaching = true;
        checker->idle_since_ns = now;
        want(session, bit(LOG_MOMENT_DETACH));
    }
    if (recorder_gives_up(session->recorder) || session_end_insisted())
        give_up(session);
    checker->wanting = serve_all(session);
    if (snapshots_running(session))
        checker->idle_since_ns = now;
    else if (!checker->wanting || now - checker->idle_since_ns > PATIENCE_NS)
        return true;
    leak_requests_ring();
    return false;
}
