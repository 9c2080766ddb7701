/* SPDX-License-Identifier: MIT */
#include "tracer/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/parking.h"
#include "tracer/ptrace_io.h"
#include "tracer/seccomp.h"
#include "tracer/stop.h"
#include "tracer/tracee.h"

#define MOST_HELD_SIGNALS 16

static struct error *gone(const struct tracee *tracee)
{
    return error_format(ERROR_GONE, "thread %d is gone", (int)tracee->tid);
}

/* Signals that come while the tracee works for us: held back and sent again afterwards. */
struct held {
    int signals[MOST_HELD_SIGNALS];
    size_t count;
};

/* Resumes the tracee until it stops in the way that is wanted. */
static int run_to(struct tracee *tracee, int (*resume)(pid_t tid, int signal),
                  enum stop_kind wanted, struct held *held)
{
    for (;;) {
        int failure = resume(tracee->tid, 0);
        int status;
        pid_t tid;
        if (failure)
            return failure;
        do
            failure = pt_wait(tracee->tid, true, &tid, &status);
        while (failure == EINTR);
        if (failure)
            return failure;
        struct stop stop = stop_classify(status);
        if (stop.kind == wanted)
            return 0;
        switch (stop.kind) {
        case STOP_EXITED:
        case STOP_KILLED:
        case STOP_EXEC:
            tracee_keep_stop(tracee, status);
            return ESRCH;
        case STOP_SIGNAL:
        case STOP_GROUP:
            if (held->count < MOST_HELD_SIGNALS)
                held->signals[held->count++] = stop.signal;
            break;
        default:
            break;
        }
    }
}

/*
 * The kernel restarts an interrupted system call on its way through signal handling
 * (arch/x86/kernel/signal.c, arch_do_signal_or_restart), and the exit of our call does not lead
 * there. An interruption does; without it the program would see errno 512, ERESTARTSYS.
 */
static int pass_restart(struct tracee *tracee, struct held *held)
{
    int failure = pt_interrupt(tracee->tid);
    return failure ? failure : run_to(tracee, pt_continue, STOP_INTERRUPT, held);
}

/* The thread was in a group-stop, whose report is still to be handled: its process is stopped yet,
 * so an interruption takes it back there. */
static int rejoin_group_stop(struct tracee *tracee, struct held *held)
{
    int failure = pt_interrupt(tracee->tid);
    return failure ? failure : run_to(tracee, pt_continue, STOP_GROUP, held);
}

struct error *remote_syscall(struct tracee *tracee, long number, const uint64_t arguments[6],
                             int64_t *result)
{
    struct arch_registers saved;
    if (pt_get_registers(tracee->tid, &saved))
        return gone(tracee);
    struct guardian_parked parked;
    struct error *error = parking_begin(tracee, &saved, &parked);
    if (error)
        return error;
    struct seccomp_data call;
    arch_describe_syscall(&call, parked.instruction, number, arguments);
    error = seccomp_permits(tracee->tid, &call);
    if (error)
        parking_end(tracee, &parked);
    if (error)
        return error;
    struct arch_registers registers = saved;
    arch_prepare_syscall(&registers, parked.instruction, number, arguments);
    struct held held = {.count = 0};
    int failure = pt_set_registers(tracee->tid, &registers);
    if (!failure) /* entry */
        failure = run_to(tracee, pt_continue_to_syscall, STOP_SYSCALL, &held);
    if (!failure) /* exit */
        failure = run_to(tracee, pt_continue_to_syscall, STOP_SYSCALL, &held);
    if (!failure)
        failure = pt_get_registers(tracee->tid, &registers);
    if (!failure)
        failure = pt_set_registers(tracee->tid, &saved);
    parking_end(tracee, &parked);
    if (!failure && arch_restart_pending(&saved))
        failure = pass_restart(tracee, &held);
    if (!failure && tracee->has_pending && stop_classify(tracee->pending_status).kind == STOP_GROUP)
        failure = rejoin_group_stop(tracee, &held);
    for (size_t i = 0; i < held.count; i++)
        syscall(SYS_tgkill, tracee->tgid, tracee->tid, held.signals[i]);
    if (failure)
        return gone(tracee);
    *result = arch_syscall_result(&registers);
    return NULL;
}
