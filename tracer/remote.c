/* SPDX-License-Identifier: MIT */
#include "tracer/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbols/proc_maps.h"
#include "tracer/ptrace_io.h"
#include "tracer/seccomp.h"
#include "tracer/stop.h"
#include "tracer/tracee.h"

#define MOST_HELD_SIGNALS 16

static struct error *gone(const struct tracee *tracee)
{
    return error_format(ERROR_GONE, "thread %d is gone", (int)tracee->tid);
}

static uint64_t search_mapping(pid_t tid, const struct proc_mapping *mapping)
{
    size_t size = mapping->end - mapping->start;
    uint8_t *code = malloc(size);
    uint64_t found = 0;
    size_t got = code ? mem_read(tid, mapping->start, code, size) : 0;
    const uint8_t *hit =
        got ? memmem(code, got, arch_syscall_instruction, sizeof arch_syscall_instruction) : NULL;
    if (hit)
        found = mapping->start + (uint64_t)(hit - code);
    free(code);
    return found;
}

/* Any two bytes that decode as the instruction will do, wherever they stand in executable memory.
 */
static uint64_t find_instruction(pid_t tid)
{
    struct proc_maps maps;
    struct error *error = proc_maps_read(tid, &maps);
    if (error) {
        error_free(error);
        return 0;
    }
    uint64_t found = 0;
    /* The vdso is last and small, and it always has one. */
    for (size_t i = maps.count; i-- > 0 && !found;) {
        const struct proc_mapping *mapping = &maps.mappings[i];
        if (mapping->executable && mapping->readable && strcmp(mapping->path, "[vsyscall]") != 0)
            found = search_mapping(tid, mapping);
    }
    proc_maps_deinit(&maps);
    return found;
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
    uint64_t instruction = find_instruction(tracee->tid);
    if (!instruction)
        return error_format(ERROR_UNSUPPORTED,
                            "process %d has no system call instruction to make use of",
                            (int)tracee->tgid);
    struct seccomp_data call;
    arch_describe_syscall(&call, instruction, number, arguments);
    struct error *error = seccomp_permits(tracee->tid, &call);
    if (error)
        return error;
    struct arch_registers registers = saved;
    arch_prepare_syscall(&registers, instruction, number, arguments);
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
