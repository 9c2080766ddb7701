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

bool step_stop(struct tracee *tracee)
{
    int status;
    if (tracee->stopped)
        return true;
    if (pt_interrupt(tracee->tid) || !await_peek(tracee, &status))
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

/* One instruction. False if it was not executed: the tracee is gone, or has got a fault. */
static bool step_once(struct tracee *tracee)
{
    struct quiet quiet;
    if (quiet_begin(&quiet, tracee, QUIET_STEP))
        return false;
    int failure = quiet_run(&quiet, pt_step, STOP_TRAP);
    return !quiet_end(&quiet, false) && !failure;
}

static void for_others(struct session *session, struct tracee *tracee, bool stop)
{
    for (struct tracee *other = tracee_next(session->tracees, NULL); other;
         other = tracee_next(session->tracees, other)) {
        if (other == tracee || other->space != tracee->space || tracee_in_vfork(other))
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
    struct arch_registers registers;
    session->counters.single_steps++;
    if (pt_set_ip(tracee->tid, breakpoint->address))
        return;
    for_others(session, tracee, true);
    if (space_write_original(tracee->space, breakpoint) == 0) {
        if (!step_once(tracee) && pt_get_registers(tracee->tid, &registers) == 0)
            probe_again(tracee, &registers);
        space_write_breakpoint(tracee->space, breakpoint);
    }
    for_others(session, tracee, false);
}
