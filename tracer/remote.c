/* SPDX-License-Identifier: MIT */
#include "tracer/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbols/proc_maps.h"
#include "tracer/ptrace_io.h"
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

/* Runs the tracee until it stops at a system call's entry or exit. Signals that come first are
 * held back and sent again afterwards. */
static int run_to_syscall_stop(struct tracee *tracee, int *held, size_t *held_count)
{
    for (;;) {
        int failure = pt_continue_to_syscall(tracee->tid, 0);
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
        switch (stop.kind) {
        case STOP_SYSCALL:
            return 0;
        case STOP_EXITED:
        case STOP_KILLED:
            tracee_keep_stop(tracee, status);
            return ESRCH;
        case STOP_SIGNAL:
        case STOP_GROUP:
            if (*held_count < MOST_HELD_SIGNALS)
                held[(*held_count)++] = stop.signal;
            break;
        default:
            break;
        }
    }
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
    struct arch_registers registers = saved;
    arch_prepare_syscall(&registers, instruction, number, arguments);
    int held[MOST_HELD_SIGNALS];
    size_t held_count = 0;
    int failure = pt_set_registers(tracee->tid, &registers);
    if (!failure)
        failure = run_to_syscall_stop(tracee, held, &held_count); /* entry */
    if (!failure)
        failure = run_to_syscall_stop(tracee, held, &held_count); /* exit */
    if (!failure)
        failure = pt_get_registers(tracee->tid, &registers);
    if (!failure)
        failure = pt_set_registers(tracee->tid, &saved);
    for (size_t i = 0; i < held_count; i++)
        syscall(SYS_tgkill, tracee->tgid, tracee->tid, held[i]);
    if (failure)
        return gone(tracee);
    *result = arch_syscall_result(&registers);
    return NULL;
}
