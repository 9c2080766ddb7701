/* SPDX-License-Identifier: MIT */
#include "tracer/step.h"

#include <errno.h>

#include "tracer/await.h"
#include "tracer/guardian.h"
#include "tracer/ptrace_io.h"
#include "tracer/quiet.h"
#include "tracer/session.h"
#include "tracer/stop.h"

/* A slot is at most a few instructions. */
#define MOST_SLOT_STEPS 8

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
    if (stop.kind == STOP_INTERRUPT && tracee->state != TRACEE_EXPECTED)
        return true;
    tracee_keep_stop(tracee, status);
    return stop.kind != STOP_EXITED && stop.kind != STOP_KILLED;
}

/* One instruction. False if it was not executed: the tracee is gone, or has got a fault, which is
 * kept. */
static bool step_once(struct tracee *tracee)
{
    struct quiet quiet;
    struct guardian_parked parked = {.patched = false};
    if (pt_get_sigmask(tracee->tid, &parked.mask))
        return false;
    guardian_park(tracee->space->guardian, tracee->tid, &parked);
    int failure = quiet_begin(&quiet, tracee, QUIET_STEP);
    if (!failure)
        failure = quiet_run(&quiet, pt_step, STOP_TRAP);
    if (failure != ESRCH && quiet_end(&quiet, false))
        failure = ESRCH;
    guardian_unpark(tracee->space->guardian);
    return !failure;
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
