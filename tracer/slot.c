/* SPDX-License-Identifier: MIT */
#include "tracer/slot.h"

#include <signal.h>
#include <string.h>

#include "tracer/probe.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/quiet.h"
#include "tracer/relocate.h"
#include "tracer/scratch.h"
#include "tracer/session.h"

/* Two instructions of the longest length that there is. */
#define COVERED_MAX 30
/* More than a slot has instructions. */
#define MOST_STEPS 12

/* The code that the slot was made of. */
static bool read_original(const struct tracee *tracee, const struct breakpoint *breakpoint,
                          uint8_t *code)
{
    uint64_t address = breakpoint->address;
    if (breakpoint->length > COVERED_MAX ||
        mem_read(tracee->tid, address, code, breakpoint->length) != breakpoint->length)
        return false;
    code[0] = breakpoint->original;
    for (size_t i = 1; i < breakpoint->length; i++) {
        const struct breakpoint *other = breakpoint_at(&tracee->space->breakpoints, address + i);
        if (other && other->roles && code[i] == ARCH_BREAKPOINT_BYTE)
            code[i] = other->original;
    }
    return true;
}

/* Makes the copy once more, for what is known of its places; checked against the slot, for the
 * original may have been changed since. */
static bool describe(struct session *session, const struct tracee *tracee,
                     const struct breakpoint *breakpoint, struct relocated *copy)
{
    uint8_t code[COVERED_MAX];
    uint8_t slot[RELOCATE_MAX_CODE];
    return read_original(tracee, breakpoint, code) &&
           !relocate(session->relocator, code, breakpoint->length, breakpoint->address,
                     breakpoint->slot, copy) &&
           copy->size == breakpoint->slot_size &&
           mem_read(tracee->tid, breakpoint->slot, slot, copy->size) == copy->size &&
           memcmp(slot, copy->code, copy->size) == 0;
}

static bool find_place(struct session *session, const struct tracee *tracee,
                       const struct breakpoint *breakpoint, uint64_t offset,
                       struct relocated_place *place)
{
    struct relocated copy;
    *place = (struct relocated_place){.ip = breakpoint->address};
    if (offset == 0)
        return true;
    place->ip = breakpoint->address + breakpoint->length;
    if (offset == breakpoint->slot_done)
        return true;
    if (!describe(session, tracee, breakpoint, &copy))
        return false;
    for (size_t i = 0; i < copy.place_count; i++) {
        *place = copy.places[i];
        if (place->offset == offset)
            return true;
    }
    return false;
}

static bool in_scratch(const struct space *space, uint64_t ip)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        if (ip - space->scratches[i].start < RESIDENT_SIZE)
            return true;
    }
    return false;
}

/* si_addr or, in the same place, si_call_addr (sigaction(2)). */
static void correct_siginfo(const struct tracee *tracee, uint64_t from, uint64_t to)
{
    siginfo_t info;
    if (pt_get_siginfo(tracee->tid, &info) || info.si_code <= 0 ||
        (uint64_t)(uintptr_t)info.si_addr != from)
        return;
    if (info.si_signo != SIGILL && info.si_signo != SIGFPE && info.si_signo != SIGTRAP &&
        info.si_signo != SIGSYS)
        return;
    memcpy(&info.si_addr, &to, sizeof info.si_addr);
    pt_set_siginfo(tracee->tid, &info);
}

/* registers are the thread's. */
static void leave(struct session *session, struct tracee *tracee, struct arch_registers *registers)
{
    uint64_t ip = arch_ip(registers);
    const struct breakpoint *breakpoint = breakpoint_of_slot(&tracee->space->breakpoints, ip);
    struct relocated_place place;
    if (!breakpoint || !find_place(session, tracee, breakpoint, ip - breakpoint->slot, &place))
        return;
    arch_set_ip(registers, place.ip);
    arch_pop(registers, place.pushed);
    if (pt_set_registers(tracee->tid, registers))
        return;
    correct_siginfo(tracee, ip, place.ip);
    if (place.ip == breakpoint->address)
        probe_again(tracee, registers);
}

static bool is_inside(const struct tracee *tracee, struct arch_registers *registers)
{
    return tracee->space->scratch_count && pt_get_registers(tracee->tid, registers) == 0 &&
           in_scratch(tracee->space, arch_ip(registers));
}

void slot_leave(struct session *session, struct tracee *tracee)
{
    struct arch_registers registers;
    if (is_inside(tracee, &registers))
        leave(session, tracee, &registers);
}

/* By default, signal(7). */
static bool dumps_core(int signal)
{
    switch (signal) {
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGQUIT:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
    case SIGXCPU:
    case SIGXFSZ:
        return true;
    default:
        return false;
    }
}

/* Instructions that may not be single-stepped: a system call may wait for long, and what pushf
 * stores would have the trap flag set. Where the bytes are something else, nothing is lost. */
static bool may_be_stepped(const struct tracee *tracee, const struct breakpoint *breakpoint)
{
    uint8_t code[RELOCATE_MAX_CODE];
    size_t size = mem_read(tracee->tid, breakpoint->slot, code, breakpoint->slot_size);
    return size && !arch_may_not_be_stepped(code, size);
}

/* Executes the rest of the slot; the signal waits. False if that cannot be done. */
static bool step_to_end(struct tracee *tracee, const struct breakpoint *breakpoint, int *signal)
{
    struct quiet quiet;
    struct arch_registers registers;
    if (!may_be_stepped(tracee, breakpoint) || quiet_begin_signalled(&quiet, tracee))
        return false;
    bool inside = true;
    for (int i = 0; inside && i < MOST_STEPS; i++) {
        if (quiet_run(&quiet, pt_step, STOP_TRAP) || pt_get_registers(tracee->tid, &registers))
            break;
        inside = breakpoint_of_slot(&tracee->space->breakpoints, arch_ip(&registers)) == breakpoint;
    }
    quiet_end_signalled(&quiet, signal);
    return !inside;
}

/* Whether the kernel forced the signal on the thread for the instruction that it stands at. */
static bool is_fault(const struct tracee *tracee, int signal)
{
    siginfo_t info;
    switch (signal) {
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGSEGV:
    case SIGSYS:
    case SIGTRAP:
        return pt_get_siginfo(tracee->tid, &info) == 0 && info.si_code > 0;
    default:
        return false;
    }
}

int slot_leave_for_signal(struct session *session, struct tracee *tracee, int signal)
{
    struct arch_registers registers;
    if (!is_inside(tracee, &registers) ||
        (!dumps_core(signal) && !proc_catches(tracee->tid, signal)))
        return signal;
    uint64_t ip = arch_ip(&registers);
    const struct breakpoint *breakpoint = breakpoint_of_slot(&tracee->space->breakpoints, ip);
    if (!breakpoint)
        return signal;
    bool executed = ip - breakpoint->slot == breakpoint->slot_done;
    if ((executed || is_fault(tracee, signal) || !step_to_end(tracee, breakpoint, &signal)) &&
        is_inside(tracee, &registers))
        leave(session, tracee, &registers);
    return signal;
}
