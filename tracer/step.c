/* SPDX-License-Identifier: MIT */
#include "tracer/step.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/stop.h"

/* A slot is at most a few instructions. */
#define MOST_SLOT_STEPS 8

#define MOST_HELD_SIGNALS 16
/* How often a thread that was interrupted is looked at until it has stopped. */
#define POLL_NS 100000

static int wait_for(struct tracee *tracee, int *status)
{
    pid_t tid;
    int failure;
    do
        failure = pt_wait(tracee->tid, true, &tid, status);
    while (failure == EINTR);
    return failure;
}

/* A leading thread that has ended while others go on is a zombie that wait4(2) reports only when
 * they have ended, too: it must not be waited for. */
static bool wait_for_stop(struct tracee *tracee, int *status)
{
    for (;;) {
        pid_t tid = 0;
        int failure = pt_wait(tracee->tid, false, &tid, status);
        if (!failure && tid)
            return true;
        char state[8];
        proc_state(tracee->tid, state, sizeof state);
        if ((failure && failure != EINTR) || *state == 'Z' || *state == 'X' || !*state)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
}

bool step_stop(struct tracee *tracee)
{
    int status;
    if (tracee->stopped)
        return true;
    if (pt_interrupt(tracee->tid) || !wait_for_stop(tracee, &status))
        return false;
    tracee->stopped = true;
    struct stop stop = stop_classify(status);
    /* A new thread's first stop looks the same but has to be handled as what it is. */
    if (stop.kind == STOP_INTERRUPT && tracee->state != TRACEE_EXPECTED)
        return true;
    tracee_keep_stop(tracee, status);
    return stop.kind != STOP_EXITED && stop.kind != STOP_KILLED;
}

static bool is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL;
}

/* One instruction. Signals that come first are held back until it is done, so that no handler runs
 * in between; sent again at once they would come first for ever. */
static bool step_once(struct tracee *tracee)
{
    int held[MOST_HELD_SIGNALS];
    size_t held_count = 0;
    bool stepped = false;
    for (bool again = true; again;) {
        int status;
        if (pt_step(tracee->tid, 0) || wait_for(tracee, &status))
            break;
        struct stop stop = stop_classify(status);
        switch (stop.kind) {
        case STOP_TRAP:
            stepped = true;
            again = false;
            break;
        case STOP_SIGNAL:
        case STOP_GROUP:
            if (held_count < MOST_HELD_SIGNALS)
                held[held_count++] = stop.signal;
            /* A fault is the instruction's own: it will fault again when it runs on. */
            stepped = is_fault(stop.signal);
            again = !stepped;
            break;
        case STOP_EXITED:
        case STOP_KILLED:
        case STOP_EXEC:
            tracee_keep_stop(tracee, status);
            again = false;
            break;
        default:
            break;
        }
    }
    for (size_t i = 0; i < held_count; i++)
        syscall(SYS_tgkill, tracee->tgid, tracee->tid, held[i]);
    return stepped;
}

static void for_others(struct session *session, struct tracee *tracee, bool stop)
{
    for (struct tracee *other = tracee_next(session->tracees, NULL); other;
         other = tracee_next(session->tracees, other)) {
        if (other == tracee || other->space != tracee->space)
            continue;
        if (stop && !other->stopped) {
            other->held = step_stop(other);
        } else if (!stop && other->held) {
            other->held = false;
            /* One with a pending stop stays as it is until that has been handled. */
            if (!other->has_pending && pt_continue(other->tid, 0) == 0)
                other->stopped = false;
        }
    }
}

void step_in_place(struct session *session, struct tracee *tracee,
                   const struct breakpoint *breakpoint)
{
    session->counters.single_steps++;
    if (pt_set_ip(tracee->tid, breakpoint->address))
        return;
    for_others(session, tracee, true);
    if (space_write_original(tracee->space, breakpoint) == 0) {
        step_once(tracee);
        space_write_breakpoint(tracee->space, breakpoint);
    }
    for_others(session, tracee, false);
}

void step_out_of_slot(struct tracee *tracee)
{
    struct arch_registers registers;
    for (int i = 0; i < MOST_SLOT_STEPS; i++) {
        if (pt_get_registers(tracee->tid, &registers))
            return;
        uint64_t ip = arch_ip(&registers);
        const struct breakpoint *breakpoint = breakpoint_of_slot(&tracee->space->breakpoints, ip);
        if (!breakpoint)
            return;
        uint64_t offset = ip - breakpoint->slot;
        if (offset == 0)
            pt_set_ip(tracee->tid, breakpoint->address);
        else if (offset == breakpoint->slot_done)
            pt_set_ip(tracee->tid, breakpoint->address + breakpoint->length);
        else if (step_once(tracee))
            continue;
        return;
    }
}
