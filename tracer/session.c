/* SPDX-License-Identifier: MIT */
#include "tracer/session.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "tracer/detach.h"
#include "tracer/leaks/leak_check.h"
#include "tracer/leaks/leak_moments.h"
#include "tracer/leaks/snapshot.h"
#include "tracer/planted.h"
#include "tracer/probe.h"
#include "tracer/process.h"
#include "tracer/ptrace_io.h"
#include "tracer/sigtrap.h"
#include "tracer/slot.h"
#include "tracer/step.h"
#include "tracer/stop.h"

static volatile sig_atomic_t end_requested, end_insisted;

void session_request_end(int signal)
{
    if (!end_requested)
        end_requested = signal;
    else if (signal != SIGALRM)
        end_insisted = 1;
    /* The request may come just before a wait begins: ring again until it has been noticed. The
     * handler of SIGALRM calls this function, too. */
    struct itimerval again = {.it_value.tv_usec = 100000};
    setitimer(ITIMER_REAL, &again, NULL);
}

void session_end_on_interrupt(void)
{
    struct sigaction action = {.sa_handler = session_request_end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGQUIT, &action, NULL);
}

int session_end_requested(void)
{
    return end_requested;
}

bool session_end_insisted(void)
{
    return end_insisted;
}

struct error *session_create(const struct options *options, struct session **out)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        return error_no_memory();
    session->options = options;
    affinity_init(&session->affinity, options->affinity);
    session->tracees = tracee_table_create();
    session->relocator = relocator_create();
    struct error *error = NULL;
    if (!session->tracees || !session->relocator)
        error = error_no_memory();
    if (!error)
        error = allocators_create(options->mappings || options->leak_check, &session->allocators);
    for (size_t i = 0; !error && i < options->allocator_count; i++)
        error = allocators_add(session->allocators, options->allocators[i]);
    if (!error)
        error = module_registry_create(session->allocators, session->relocator, &session->modules);
    if (!error)
        error = leak_checker_create(options, &session->leaks);
    if (!error && options->verify_nth)
        error = verifier_create(options->verify_nth, options->depth, &session->verifier);
    if (error) {
        session_destroy(session);
        return error;
    }
    *out = session;
    return NULL;
}

void session_destroy(struct session *session)
{
    if (!session)
        return;
    guardian_stop(session->guardian);
    verifier_destroy(session->verifier);
    leak_checker_destroy(session->leaks);
    tracee_table_destroy(session->tracees);
    orphan_parents_deinit(&session->parents);
    module_registry_destroy(session->modules);
    relocator_destroy(session->relocator);
    allocators_destroy(session->allocators);
    free(session);
}

void session_warn(struct session *session, const char *format, ...)
{
    char text[1024], clean[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_sanitize(clean, sizeof clean, text);
    fprintf(stderr, "allocptrace: %s\n", clean);
    if (session->recorder)
        recorder_note(session->recorder, clean);
}

/* ---- One stop ---- */

static void resume(struct tracee *tracee, int signal)
{
    if (pt_continue(tracee->tid, signal) == 0)
        tracee->stopped = false;
}

/* A SIGTRAP just behind a breakpoint may also be a signal that somebody sent: the kernel tells
 * them apart, at the price of a system call (SI_KERNEL: arch/x86/kernel/traps.c, int3). */
static bool came_from_breakpoint(const struct tracee *tracee, const struct breakpoint *breakpoint)
{
    siginfo_t info;
    return (breakpoint->unambiguous && breakpoint->roles) ||
           (pt_get_siginfo(tracee->tid, &info) == 0 && info.si_code == SI_KERNEL);
}

/* What stands at a breakpoint that a thread has run into. Where code may change, that is looked at;
 * in a library's code it may only be doubted at a return address that no call is to come back to,
 * for such a look costs as much as the rest of a stop's system calls. */
static enum planted what_trapped(const struct tracee *tracee, const struct breakpoint *breakpoint)
{
    bool expected =
        tracee->calls.count || tracee->mappings.count || breakpoint->roles != BREAKPOINT_RETURN;
    /* One that is not set any more was met just before, or a tracer that has died had set it. */
    if (!breakpoint->roles)
        return planted_look(tracee->space, breakpoint) == PLANTED_GONE ? PLANTED_GONE
                                                                       : PLANTED_FOREIGN;
    return breakpoint->settled && expected ? PLANTED_OURS : planted_look(tracee->space, breakpoint);
}

static void pass_breakpoint(struct session *session, struct tracee *tracee,
                            const struct breakpoint *breakpoint)
{
    if (breakpoint->slot)
        pt_set_ip(tracee->tid, breakpoint->slot);
    else
        step_in_place(session, tracee, breakpoint);
}

static void on_own_trap(struct session *session, struct tracee *tracee)
{
    int signal = slot_leave_for_signal(session, tracee, SIGTRAP);
    if (signal) {
        probe_signal(tracee, signal);
        signal = sigtrap_own(tracee);
    }
    if (signal && session->leaks)
        leak_moments_fatal(session, tracee, signal);
    if (!tracee->has_pending)
        resume(tracee, signal);
}

static void on_trap(struct session *session, struct tracee *tracee)
{
    struct arch_registers registers;
    if (pt_get_registers(tracee->tid, &registers))
        return;
    uint64_t address = arch_breakpoint_address(&registers);
    struct breakpoint *breakpoint = breakpoint_find(&tracee->space->breakpoints, address);
    enum planted planted = PLANTED_FOREIGN;
    if (breakpoint && !tracee->space->id) {
        /* A child that could not be let go, for its memory is out of reach: nothing is recorded. */
        sigtrap_stopped(session, tracee, breakpoint);
        pass_breakpoint(session, tracee, breakpoint);
        resume(tracee, 0);
        return;
    }
    if (breakpoint && came_from_breakpoint(tracee, breakpoint)) {
        planted = what_trapped(tracee, breakpoint);
        if (planted != PLANTED_OURS)
            breakpoint->roles = 0;
    }
    if (planted == PLANTED_GONE) {
        /* It has been overwritten since: the thread goes on with what stands there now. */
        pt_set_ip(tracee->tid, address);
        resume(tracee, 0);
        return;
    }
    if (planted == PLANTED_FOREIGN) {
        on_own_trap(session, tracee);
        return;
    }
    session->counters.breakpoint_stops++;
    arch_set_ip(&registers, address);
    if (session->verifier)
        pt_set_ip(tracee->tid, address);
    sigtrap_stopped(session, tracee, breakpoint);
    if (breakpoint->roles & (BREAKPOINT_SIGACTION | BREAKPOINT_SIGMASK))
        sigtrap_calling(session, tracee, breakpoint, &registers);
    if (breakpoint->roles & BREAKPOINT_PTRACE)
        conflicts_ptrace(session, tracee, &registers);
    if (breakpoint->roles & BREAKPOINT_LINKER) {
        struct error *error = space_scan(session, tracee->space, tracee);
        if (error && error->code != ERROR_GONE)
            session_warn(session, "process %d: libraries loaded now are not traced: %s",
                         (int)tracee->tgid, error->message);
        error_free(error);
    }
    if (breakpoint->roles & (BREAKPOINT_ENTRY | BREAKPOINT_RETURN))
        probe_stop(session, tracee, breakpoint, &registers);
    if (breakpoint->roles & BREAKPOINT_EXIT)
        leak_moments_exit(session, tracee);
    pass_breakpoint(session, tracee, breakpoint);
    if (leak_moments_due(&tracee->space->leaks))
        leak_moments_serve(session, tracee);
    if (++tracee->recent_stops >= AFFINITY_STOPS)
        affinity_consider(&session->affinity, tracee, recorder_now(session->recorder));
    if (!tracee->has_pending)
        resume(tracee, 0);
}

static void on_signal(struct session *session, struct tracee *tracee, int signal)
{
    signal = slot_leave_for_signal(session, tracee, signal);
    if (signal)
        probe_signal(tracee, signal);
    if (signal && session->leaks)
        leak_moments_fatal(session, tracee, signal);
    if (!tracee->has_pending)
        resume(tracee, signal);
}

static void dispatch(struct session *session, struct tracee *tracee, const struct stop *stop)
{
    switch (stop->kind) {
    case STOP_TRAP:
        if (tracee->space)
            on_trap(session, tracee);
        else
            resume(tracee, SIGTRAP);
        break;
    case STOP_SIGNAL:
        if (tracee->space)
            on_signal(session, tracee, stop->signal);
        else
            resume(tracee, stop->signal);
        break;
    case STOP_GROUP:
        pt_listen(tracee->tid);
        tracee->stopped = false;
        break;
    case STOP_INTERRUPT:
        resume(tracee, 0);
        break;
    case STOP_FORK:
    case STOP_VFORK:
    case STOP_CLONE:
        process_new_child(session, tracee, stop->kind);
        resume(tracee, 0);
        break;
    case STOP_VFORK_DONE:
        tracee->vforking = false;
        resume(tracee, 0);
        break;
    case STOP_EXIT:
        leak_moments_end(session, tracee);
        resume(tracee, 0);
        break;
    default:
        resume(tracee, 0);
        break;
    }
}

static void handle_stop(struct session *session, pid_t tid, int status)
{
    session->counters.stops++;
    struct stop stop = stop_classify(status);
    bool ended = stop.kind == STOP_EXITED || stop.kind == STOP_KILLED;
    struct tracee *tracee = tracee_find(session->tracees, tid);
    if (!tracee) {
        if (ended)
            snapshot_ended(session, tid);
        else if (!snapshot_stopped(session, tid))
            process_early_child(session, tid);
        else if (stop.kind == STOP_EXIT)
            pt_continue(tid, 0); /* it was killed, and goes no further by itself */
        return;
    }
    tracee->stopped = true;
    if (ended)
        process_exit(session, tracee, status);
    else if (stop.kind == STOP_EXEC)
        process_exec(session, tracee);
    else if (tracee->state == TRACEE_EXPECTED)
        process_first_stop(session, tracee);
    else if (tracee->state == TRACEE_EXEC && stop.kind == STOP_SYSCALL)
        process_exec_done(session, tracee);
    else
        dispatch(session, tracee, &stop);
}

/* A signal-delivery-stop that was not resumed from would be reported once more. */
static void take_stop(const struct session *session, pid_t tid, int status)
{
    enum stop_kind kind = stop_classify(status).kind;
    if (kind != STOP_TRAP && kind != STOP_SIGNAL)
        return;
    const struct tracee *tracee = tracee_find(session->tracees, tid);
    if (tracee && tracee->stopped && !tracee->has_pending)
        pt_take_stop(tid);
}

static void tell_write_failure(struct session *session)
{
    const char *failure = session->write_failure_told ? NULL : recorder_failure(session->recorder);
    if (!failure)
        return;
    session->write_failure_told = true;
    fprintf(stderr, "allocptrace: %s: the log ends here, the program goes on\n", failure);
}

struct error *session_run(struct session *session)
{
    while (tracee_count(session->tracees) > 0 && !(end_requested && leak_moments_detach(session))) {
        pid_t tid;
        int status;
        struct tracee *kept;
        leak_moments_poll(session);
        while ((kept = tracee_take_kept(session->tracees, &status)))
            handle_stop(session, kept->tid, status);
        if (tracee_count(session->tracees) == 0)
            break;
        int failure = pt_peek(-1, true, &tid, &status);
        if (failure == EINTR)
            continue;
        if (failure == ECHILD)
            break;
        if (failure)
            return error_errno(failure, "cannot wait for the traced program");
        handle_stop(session, tid, status);
        take_stop(session, tid, status);
        tell_write_failure(session);
    }
    if (tracee_count(session->tracees) > 0)
        detach_all(session);
    session->counters.elapsed_us = recorder_now(session->recorder) / 1000;
    return NULL;
}
