/* SPDX-License-Identifier: MIT */
#include "tracer/parking.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/proc_maps.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/resident.h"
#include "tracer/scratch.h"
#include "tracer/tracee.h"

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

/* The program's first instructions have been executed, or, before it has started, will be once
 * they are back: all threads are stopped or far from there. */
static bool borrow_entry(struct tracee *tracee, struct guardian_parked *parked)
{
    uint64_t entry = proc_entry(tracee->tgid);
    if (!entry || !tracee->space ||
        mem_read(tracee->tid, entry, parked->covered, sizeof parked->covered) !=
            sizeof parked->covered)
        return false;
    parked->instruction = entry;
    parked->patched = true;
    return true;
}

/* A thread at a breakpoint's stop is reported behind the byte. Without us it is to execute what
 * stands there. */
static void step_back(const struct tracee *tracee, struct arch_registers *registers)
{
    uint64_t address = arch_breakpoint_address(registers);
    const struct breakpoint *breakpoint =
        tracee->space ? breakpoint_at(&tracee->space->breakpoints, address) : NULL;
    if (breakpoint && breakpoint->roles)
        arch_set_ip(registers, address);
}

struct error *parking_begin(struct tracee *tracee, const struct arch_registers *registers,
                            struct guardian_parked *parked)
{
    const struct scratch *scratch = tracee->space ? scratch_main(tracee->space) : NULL;
    *parked = (struct guardian_parked){.registers = *registers};
    step_back(tracee, &parked->registers);
    if (pt_get_sigmask(tracee->tid, &parked->mask))
        return error_format(ERROR_GONE, "thread %d is gone", (int)tracee->tid);
    if (scratch)
        parked->instruction = scratch_code(scratch, resident_syscall);
    else if (!borrow_entry(tracee, parked))
        parked->instruction = find_instruction(tracee->tid);
    if (!parked->instruction)
        return error_format(ERROR_UNSUPPORTED,
                            "process %d has no system call instruction to make use of",
                            (int)tracee->tgid);
    if (tracee->space)
        guardian_park(tracee->space->guardian, tracee->tid, parked);
    if (parked->patched && mem_write(tracee->space->mem, parked->instruction, arch_syscall_and_wait,
                                     sizeof arch_syscall_and_wait)) {
        guardian_unpark(tracee->space->guardian);
        parked->patched = false;
        parked->instruction = find_instruction(tracee->tid);
    }
    return NULL;
}

void parking_end(struct tracee *tracee, const struct guardian_parked *parked)
{
    if (!tracee->space)
        return;
    if (parked->patched)
        mem_write(tracee->space->mem, parked->instruction, parked->covered, sizeof parked->covered);
    guardian_unpark(tracee->space->guardian);
}
