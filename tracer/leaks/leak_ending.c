/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_ending.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/stop.h"

/* How often, and how many times, the other threads are looked at. */
#define LOOK_NS 100000
#define MOST_LOOKS 20000

/* ---- Signals ---- */

/* By default, signal(7). */
static bool ends_by_default(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
        return false;
    default:
        return true;
    }
}

bool leak_ending_by_signal(const struct tracee *tracee, int signal)
{
    siginfo_t info;
    if (!ends_by_default(signal) || proc_catches(tracee->tid, signal) ||
        proc_ignores(tracee->tid, signal))
        return false;
    /* A namespace's first process is ended by faults of its own only (kernel/signal.c,
     * SIGNAL_UNKILLABLE), but its tracer is told of the others as well. */
    return proc_own_pid(tracee->tgid) != 1 ||
           (pt_get_siginfo(tracee->tid, &info) == 0 && info.si_code > 0);
}

/* ---- Exits ---- */

/* A thread that has not reached its own PTRACE_EVENT_EXIT. */
static struct tracee *next_alive(const struct session *session, const struct tracee *tracee,
                                 const struct tracee *after)
{
    struct tracee *next = tracee_next(session->tracees, after);
    while (next && (next == tracee || next->tgid != tracee->tgid || next->exiting))
        next = tracee_next(session->tracees, next);
    return next;
}

static long call_of(const struct tracee *tracee)
{
    struct arch_registers registers;
    return pt_get_registers(tracee->tid, &registers) ? -1 : arch_syscall_number(&registers);
}

static bool is_leaving(const struct tracee *tracee)
{
    enum stop_kind kind =
        tracee->has_pending ? stop_classify(tracee->pending_status).kind : STOP_OTHER;
    return kind == STOP_EXIT || kind == STOP_EXITED || kind == STOP_KILLED;
}

/* Takes in the stop of a thread that has been killed: it leaves any other that it is in. */
static void look(struct tracee *tracee)
{
    pid_t tid = 0;
    int status;
    if (pt_peek(tracee->tid, false, &tid, &status) || !tid)
        return;
    tracee->stopped = true;
    tracee_keep_stop(tracee, status);
}

/* What a thread is about that has ended others. */
enum cause { CAUSE_UNKNOWN, CAUSE_EXIT, CAUSE_EXEC };

static enum cause cause_of(struct tracee *tracee)
{
    if (!is_leaving(tracee))
        look(tracee);
    if (is_leaving(tracee))
        return CAUSE_EXIT;
    /* It sleeps there until all others are gone (fs/exec.c, de_thread). */
    long call = proc_syscall(tracee->tid);
    return call == SYS_execve || call == SYS_execveat ? CAUSE_EXEC : CAUSE_UNKNOWN;
}

/* All other threads are on their way out, but for the one that has sent them there: by exit_group,
 * whose own exit is then reported, or by execve. Which one cannot be told from the outside until it
 * has got to the end of it. */
static bool all_leave(struct session *session, const struct tracee *tracee)
{
    for (int looks = 0; looks < MOST_LOOKS; looks++) {
        bool unknown = false;
        for (struct tracee *other = next_alive(session, tracee, NULL); other;
             other = next_alive(session, tracee, other)) {
            enum cause cause = cause_of(other);
            if (cause == CAUSE_EXEC)
                return false;
            unknown = unknown || cause == CAUSE_UNKNOWN;
        }
        if (!unknown)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    return false;
}

bool leak_ending_of_process(struct session *session, struct tracee *tracee, bool killed)
{
    if (!next_alive(session, tracee, NULL))
        return true;
    /* Alone. */
    if (!killed && call_of(tracee) == SYS_exit)
        return false;
    return all_leave(session, tracee);
}
