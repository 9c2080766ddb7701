/* SPDX-License-Identifier: MIT */
#include "tracer/remote.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "tracer/guardian.h"
#include "tracer/parking.h"
#include "tracer/ptrace_io.h"
#include "tracer/quiet.h"
#include "tracer/seccomp.h"
#include "tracer/tracee.h"

static struct error *gone(const struct tracee *tracee)
{
    return error_format(ERROR_GONE, "thread %d is gone", (int)tracee->tid);
}

/* registers are those to begin with, and then those after the call; own are the thread's. One that
 * came from a breakpoint stands before it afterwards: its trap has been taken. */
static int run_call(struct tracee *tracee, const struct arch_registers *own,
                    struct arch_registers *registers, pid_t *child)
{
    struct quiet quiet;
    int failure = quiet_begin(&quiet, tracee, QUIET_CALL);
    if (failure)
        return failure;
    failure = pt_set_registers(tracee->tid, registers);
    if (!failure) /* entry */
        failure = quiet_run(&quiet, pt_continue_to_syscall, STOP_SYSCALL);
    if (!failure) /* exit */
        failure = quiet_run(&quiet, pt_continue_to_syscall, STOP_SYSCALL);
    *child = quiet.child;
    /* Once it goes on as itself, its process may end and leave the child to another parent. */
    if (*child && tracee->space)
        guardian_copied(tracee->space->guardian, *child);
    if (!failure)
        failure = pt_get_registers(tracee->tid, registers);
    if (!failure)
        failure = pt_set_registers(tracee->tid, own);
    int ended = quiet_end(&quiet, !failure && arch_restart_pending(own));
    return failure ? failure : ended;
}

static struct error *make_call(struct tracee *tracee, long number, const uint64_t arguments[6],
                               pid_t *child, int64_t *result)
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
    int failure = run_call(tracee, &parked.registers, &registers, child);
    parking_end(tracee, &parked);
    if (failure)
        return gone(tracee);
    *result = arch_syscall_result(&registers);
    return NULL;
}

struct error *remote_syscall(struct tracee *tracee, long number, const uint64_t arguments[6],
                             int64_t *result)
{
    pid_t child;
    return make_call(tracee, number, arguments, &child, result);
}

struct error *remote_clone(struct tracee *tracee, uint64_t flags, pid_t *child, int64_t *result)
{
    const uint64_t arguments[6] = {flags};
    *child = 0;
    return make_call(tracee, SYS_clone, arguments, child, result);
}
