/* SPDX-License-Identifier: MIT */
#include "tracer/probe.h"

#include <string.h>

#include "symbols/proc_maps.h"
#include "tracer/glibc_chunk.h"
#include "tracer/planted.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/stack_range.h"

/* A snapshot is at most this long; of longer stacks the rest is read while the tracee waits. */
#define SNAPSHOT_MAX (128 * 1024)
/* Where it is not known where a stack ends (a coroutine's in the heap, say) the tracee waits
 * anyway, and what is behind the stack would be copied in vain. */
#define SNAPSHOT_FOREIGN_MAX 8192

/* What the places of inflight_call.arguments hold. */
enum argument {
    ARGUMENT_SIZE,
    ARGUMENT_ADDRESS,
    ARGUMENT_OUT,
    ARGUMENT_OLD_SIZE = ARGUMENT_OUT,  /* of mremap */
    ARGUMENT_OLD_BREAK = ARGUMENT_OUT, /* of brk */
};

static bool is_mapping_kind(enum allocator_kind kind)
{
    return kind >= ALLOCATOR_MMAP;
}

static uint64_t argument(const struct arch_registers *registers, int8_t index)
{
    return index < 0 ? 0 : arch_argument(registers, (unsigned)index);
}

/* Bytes asked for; a product that overflows can only fail, and says so as the largest number. */
static uint64_t size_asked(const struct allocator_function *function,
                           const struct arch_registers *registers)
{
    uint64_t size = argument(registers, function->size);
    if (function->count < 0)
        return size;
    uint64_t product;
    if (__builtin_mul_overflow(size, argument(registers, function->count), &product))
        return UINT64_MAX;
    return product;
}

/* An allocation or reallocation has given the block at address. */
static void put_block(struct session *session, struct tracee *tracee,
                      const struct inflight_call *call, enum log_kind kind, uint64_t address,
                      uint64_t old_address)
{
    struct recorder_event event = {
        .kind = kind,
        .thread = tracee->thread,
        .level = (uint32_t)call->ticket,
        .time = recorder_now(session->recorder),
        .address = address,
        .old_address = old_address,
        .size = call->arguments[ARGUMENT_SIZE],
    };
    uint64_t head, usable;
    event.has_slack =
        call->glibc_heap &&
        mem_read(tracee->tid, address - GLIBC_CHUNK_HEAD, &head, sizeof head) == sizeof head &&
        glibc_chunk_usable(address, head, event.size, &usable);
    if (event.has_slack)
        event.slack = usable - event.size;
    recorder_event(session->recorder, &event);
}

static void put_event(struct session *session, struct tracee *tracee, uint32_t level,
                      enum log_kind kind, uint64_t address, uint64_t old_address, uint64_t size)
{
    struct recorder_event event = {
        .kind = kind,
        .thread = tracee->thread,
        .level = level,
        .time = recorder_now(session->recorder),
        .address = address,
        .old_address = old_address,
        .size = size,
    };
    recorder_event(session->recorder, &event);
}

/* ---- Entry ---- */

/* Where the program break is, as far as the kernel shows it: the end of the [heap] mapping. */
static uint64_t heap_end(pid_t tid)
{
    struct proc_maps maps;
    uint64_t end = 0;
    struct error *error = proc_maps_read(tid, &maps);
    if (error) {
        error_free(error);
        return 0;
    }
    for (size_t i = 0; i < maps.count; i++) {
        if (strcmp(maps.mappings[i].path, "[heap]") == 0)
            end = maps.mappings[i].end;
    }
    proc_maps_deinit(&maps);
    return end;
}

/* A free is complete at its entry, with one stop: nothing of it is left to see at its return.
 * Functions that may end in another traced function are followed to their return all the same,
 * so that the inner one does not count again. */
static bool ends_at_entry(const struct allocator_function *function)
{
    return function->kind == ALLOCATOR_FREE && !function->wrapper && !function->user;
}

/* Whether this free has been recorded. One that was begun lower on the same stack, or otherwise in
 * the same place, was left by a longjmp. */
static bool is_repeated(struct tracee *tracee, const struct free_entry *entry)
{
    while (tracee->repeat_count > 0) {
        const struct free_entry *known = &tracee->repeats[tracee->repeat_count - 1];
        if (known->stack != entry->stack || known->sp > entry->sp)
            return false;
        tracee->repeat_count--;
        if (known->sp == entry->sp && known->ip == entry->ip && known->block == entry->block)
            return true;
    }
    return false;
}

static uint64_t stack_id(struct tracee *tracee, const struct arch_registers *registers)
{
    const struct stack_range *range = stack_range_of(tracee, registers);
    return range ? range->end : 0;
}

static struct recorder_call *snapshot(struct session *session, struct tracee *tracee,
                                      const struct stack_range *range,
                                      const struct arch_registers *registers)
{
    uint64_t sp = arch_sp(registers);
    uint64_t want = range->end - sp;
    uint64_t most = range->own ? SNAPSHOT_MAX : SNAPSHOT_FOREIGN_MAX;
    bool longer = want > most;
    if (longer)
        want = most;
    struct recorder_call *call = recorder_call_reserve(session->recorder, want);
    call->stack_start = sp;
    call->stack_size = mem_read(tracee->tid, sp, call->stack, want);
    if (call->stack_size < ARCH_CALL_POPS)
        return NULL;
    /* On another stack than its own (an alternate signal stack, a coroutine's) the thread's
     * callers may go on elsewhere. */
    call->live = longer || call->stack_size < want || !range->own ||
                 (session->verifier && verifier_due(session->verifier));
    call->tid = tracee->tid;
    return call;
}

static void publish_call(struct session *session, struct tracee *tracee, struct recorder_call *call,
                         const struct arch_registers *registers,
                         const struct allocator_function *function, uint32_t level,
                         uint64_t old_address)
{
    call->process = tracee->space->id;
    call->thread = tracee->thread;
    call->level = level;
    call->old_address = old_address;
    call->function = function->name;
    arch_unwind_registers(registers, &call->registers);
    bool live = call->live;
    recorder_call_publish(session->recorder, call);
    if (live) {
        session->counters.live_unwinds++;
        recorder_wait(session->recorder);
    }
    if (session->verifier)
        verifier_call(session->verifier, session, tracee);
}

/* For --free-stacks. Returns the level by which the event finds the stack. */
static uint32_t publish_free(struct session *session, struct tracee *tracee,
                             const struct arch_registers *registers,
                             const struct allocator_function *function, uint32_t level)
{
    const struct stack_range *range = stack_range_of(tracee, registers);
    struct recorder_call *call = range ? snapshot(session, tracee, range, registers) : NULL;
    if (!call)
        return RECORDER_NO_CALL;
    publish_call(session, tracee, call, registers, function, level, 0);
    return level;
}

/* level is the call's place among the thread's open ones. */
static void put_free(struct session *session, struct tracee *tracee,
                     const struct allocator_function *function,
                     const struct arch_registers *registers, uint32_t level)
{
    struct free_entry *entry = &tracee->last_free;
    *entry = (struct free_entry){
        .ip = arch_ip(registers),
        .sp = arch_sp(registers),
        .block = argument(registers, function->address),
    };
    if (tracee->repeat_count) {
        entry->stack = stack_id(tracee, registers);
        if (is_repeated(tracee, entry))
            return;
    }
    if (!entry->block)
        return;
    if (session->options->free_stacks)
        level = publish_free(session, tracee, registers, function, level);
    else
        level = RECORDER_NO_CALL;
    put_event(session, tracee, level, LOG_FREE, entry->block, 0, 0);
}

/* Heap calls have the even levels, mapping calls the odd ones. */
static uint32_t level_of(const struct tracee *tracee, const struct inflight *inflight)
{
    return (uint32_t)(inflight->count - 1) * 2 + (inflight == &tracee->mappings);
}

/* Drops live calls whose return address is no longer in its place. */
static void drop_left(const struct tracee *tracee, struct inflight *inflight, uint64_t stack,
                      uint64_t sp)
{
    const struct inflight_call *call;
    while ((call = inflight_around(inflight, stack, sp))) {
        uint64_t word;
        if (mem_read(tracee->tid, call->sp, &word, sizeof word) != sizeof word ||
            word == call->return_address)
            return;
        inflight_left(inflight, call);
    }
}

static bool is_return_set(const struct tracee *tracee, uint64_t address)
{
    const struct breakpoint *known = breakpoint_find(&tracee->space->breakpoints, address);
    return known && known->roles & BREAKPOINT_RETURN &&
           (known->settled || planted_look(tracee->space, known) == PLANTED_OURS);
}

/* Whether the tracee, at the entry of a mapping function, wants memory for the program rather than
 * for blocks. */
static bool asks_for_own(const struct session *session, const struct tracee *tracee,
                         const struct stack_range *range, uint64_t sp)
{
    uint64_t return_address;
    return session->leaks && !inflight_around(&tracee->calls, range->end, sp) &&
           mem_read(tracee->tid, sp, &return_address, sizeof return_address) ==
               sizeof return_address &&
           own_memory_asks(tracee->space, return_address);
}

static void enter(struct session *session, struct tracee *tracee,
                  const struct breakpoint *breakpoint, const struct arch_registers *registers)
{
    const struct allocator_function *function = breakpoint->function;
    bool is_mapping = is_mapping_kind(function->kind);
    bool is_logged = !is_mapping || session->options->mappings;
    struct inflight *inflight = is_mapping ? &tracee->mappings : &tracee->calls;
    tracee->last_free.ip = 0;
    if (ends_at_entry(function) && !inflight->count) {
        session->counters.entries++;
        put_free(session, tracee, function, registers, 0);
        return;
    }
    const struct stack_range *range = stack_range_of(tracee, registers);
    if (!range)
        return;
    uint64_t sp = arch_sp(registers);
    bool own = is_mapping && asks_for_own(session, tracee, range, sp);
    if (!is_logged && !own)
        return;
    struct recorder_call *call = NULL;
    uint64_t return_address;
    bool stack_wanted =
        is_logged && function->kind != ALLOCATOR_FREE && function->kind != ALLOCATOR_MUNMAP;
    if (stack_wanted && !inflight->count) {
        call = snapshot(session, tracee, range, registers);
        if (!call)
            return;
        memcpy(&return_address, call->stack, sizeof return_address);
    } else if (mem_read(tracee->tid, sp, &return_address, sizeof return_address) !=
               sizeof return_address) {
        return;
    }
    drop_left(tracee, inflight, range->end, sp);
    struct inflight_call *open;
    enum inflight_entry entry =
        inflight_enter(inflight, range->end, sp, return_address, function, &open);
    if (entry != INFLIGHT_OUTERMOST) {
        session->counters.nested++;
        return;
    }
    session->counters.entries++;
    open->arguments[ARGUMENT_SIZE] = size_asked(function, registers);
    open->arguments[ARGUMENT_ADDRESS] = argument(registers, function->address);
    open->arguments[ARGUMENT_OUT] = argument(registers, function->out);
    if (function->kind == ALLOCATOR_MREMAP)
        open->arguments[ARGUMENT_OLD_SIZE] = arch_argument(registers, 1);
    else if (function->kind == ALLOCATOR_BRK)
        open->arguments[ARGUMENT_OLD_BREAK] = heap_end(tracee->tid);
    open->ticket = level_of(tracee, inflight);
    open->glibc_heap = breakpoint->glibc_heap;
    open->own = own;
    if (function->kind == ALLOCATOR_FREE)
        put_free(session, tracee, function, registers, (uint32_t)open->ticket);
    if (ends_at_entry(function)) {
        inflight->count--;
        return;
    }
    if (!is_return_set(tracee, return_address)) {
        if (!space_break(session, tracee->space, tracee, return_address, BREAKPOINT_RETURN)) {
            session->counters.unplaced++;
            inflight->count--;
            return;
        }
        call = NULL; /* setting it may have used the queue, and with it the reservation */
    }
    if (stack_wanted && !call)
        call = snapshot(session, tracee, range, registers);
    if (call)
        publish_call(session, tracee, call, registers, function, (uint32_t)open->ticket,
                     function->kind == ALLOCATOR_RESIZE ? open->arguments[ARGUMENT_ADDRESS] : 0);
}

/* ---- Return ---- */

static void leave_allocate(struct session *session, struct tracee *tracee,
                           const struct inflight_call *call, uint64_t result)
{
    const struct allocator_function *function = call->function;
    uint64_t size = call->arguments[ARGUMENT_SIZE];
    uint64_t address = result;
    if (function->out >= 0) {
        address = 0;
        if ((uint32_t)result == 0 && mem_read(tracee->tid, call->arguments[ARGUMENT_OUT], &address,
                                              sizeof address) != sizeof address)
            address = 0;
    }
    if (address)
        put_block(session, tracee, call, LOG_ALLOC, address, 0);
    else
        put_event(session, tracee, (uint32_t)call->ticket, LOG_FAILED, 0, 0, size);
}

static void leave_resize(struct session *session, struct tracee *tracee,
                         const struct inflight_call *call, uint64_t result)
{
    uint64_t old = call->arguments[ARGUMENT_ADDRESS];
    uint64_t size = call->arguments[ARGUMENT_SIZE];
    uint32_t level = (uint32_t)call->ticket;
    if (!old) {
        leave_allocate(session, tracee, call, result);
    } else if (result) {
        put_block(session, tracee, call, LOG_REALLOC, result, old);
    } else if (size == 0 && call->function->zero_frees) {
        /* The block is gone and none came: a free, and no failure. */
        put_event(session, tracee, level, LOG_FREE, old, 0, 0);
    } else {
        put_event(session, tracee, level, LOG_FAILED, 0, 0, size);
    }
}

static bool is_error(uint64_t result)
{
    return result >= (uint64_t)-4095;
}

/* ---- Return from a mapping function ---- */

static void put_mapped(struct session *session, struct tracee *tracee,
                       const struct inflight_call *call, uint64_t address, uint64_t size)
{
    if (session->options->mappings)
        put_event(session, tracee, (uint32_t)call->ticket, LOG_MMAP, address, 0, size);
    if (call->own)
        areas_add(&tracee->space->own.areas, address, address + size);
}

static void put_unmapped(struct session *session, struct tracee *tracee,
                         const struct inflight_call *call, uint32_t level, uint64_t address,
                         uint64_t size)
{
    if (session->options->mappings)
        put_event(session, tracee, level, LOG_MUNMAP, address, 0, size);
    if (call->own)
        areas_remove(&tracee->space->own.areas, address, address + size);
}

static void put_unchanged(struct session *session, struct tracee *tracee,
                          const struct inflight_call *call)
{
    if (session->options->mappings)
        put_event(session, tracee, (uint32_t)call->ticket, LOG_FAILED, 0, 0,
                  call->arguments[ARGUMENT_SIZE]);
}

static void leave_mapping(struct session *session, struct tracee *tracee,
                          const struct inflight_call *call, uint64_t result)
{
    uint64_t size = call->arguments[ARGUMENT_SIZE];
    uint64_t address = call->arguments[ARGUMENT_ADDRESS];
    if (call->function->kind == ALLOCATOR_MUNMAP) {
        if (result == 0)
            put_unmapped(session, tracee, call, RECORDER_NO_CALL, address, size);
    } else if (is_error(result)) {
        put_unchanged(session, tracee, call);
    } else {
        if (call->function->kind == ALLOCATOR_MREMAP)
            put_unmapped(session, tracee, call, (uint32_t)call->ticket, address,
                         call->arguments[ARGUMENT_OLD_SIZE]);
        put_mapped(session, tracee, call, result, size);
    }
}

/* The heap's break moved from old to new: the difference was mapped or unmapped. */
static void put_break(struct session *session, struct tracee *tracee,
                      const struct inflight_call *call, uint64_t old, uint64_t new)
{
    if (new > old)
        put_mapped(session, tracee, call, old, new - old);
    else if (new < old)
        put_unmapped(session, tracee, call, (uint32_t)call->ticket, new, old - new);
}

static void leave(struct session *session, struct tracee *tracee, const struct inflight_call *call,
                  uint64_t result)
{
    session->counters.returns++;
    switch (call->function->kind) {
    case ALLOCATOR_ALLOCATE:
        leave_allocate(session, tracee, call, result);
        break;
    case ALLOCATOR_RESIZE:
        leave_resize(session, tracee, call, result);
        break;
    case ALLOCATOR_EXPAND:
        put_event(session, tracee, (uint32_t)call->ticket, LOG_REALLOC,
                  call->arguments[ARGUMENT_ADDRESS], call->arguments[ARGUMENT_ADDRESS], result);
        break;
    case ALLOCATOR_FREE:
        break;
    case ALLOCATOR_MMAP:
    case ALLOCATOR_MUNMAP:
    case ALLOCATOR_MREMAP:
        leave_mapping(session, tracee, call, result);
        break;
    case ALLOCATOR_SBRK:
        if (!is_error(result))
            put_break(session, tracee, call, result, result + call->arguments[ARGUMENT_SIZE]);
        break;
    case ALLOCATOR_BRK:
        if (result == 0 && call->arguments[ARGUMENT_OLD_BREAK])
            put_break(session, tracee, call, call->arguments[ARGUMENT_OLD_BREAK],
                      call->arguments[ARGUMENT_ADDRESS]);
        break;
    }
}

static void try_return(struct session *session, struct tracee *tracee, struct inflight *inflight,
                       uint64_t stack, const struct arch_registers *registers, bool *ended)
{
    struct inflight_call call;
    if (!inflight->count ||
        !inflight_return(inflight, stack, arch_sp(registers), arch_ip(registers), &call))
        return;
    *ended = true;
    leave(session, tracee, &call, arch_result(registers));
}

void probe_stop(struct session *session, struct tracee *tracee, const struct breakpoint *breakpoint,
                const struct arch_registers *registers)
{
    if (breakpoint->roles & BREAKPOINT_RETURN) {
        bool ended = false;
        if (tracee->calls.count || tracee->mappings.count) {
            uint64_t stack = stack_id(tracee, registers);
            try_return(session, tracee, &tracee->mappings, stack, registers, &ended);
            try_return(session, tracee, &tracee->calls, stack, registers, &ended);
        }
        if (!ended)
            session->counters.passes++;
    }
    if (breakpoint->roles & BREAKPOINT_ENTRY)
        enter(session, tracee, breakpoint, registers);
}

/* ---- Interruptions ---- */

void probe_again(struct tracee *tracee, const struct arch_registers *registers)
{
    const struct free_entry *last = &tracee->last_free;
    if (last->ip != arch_ip(registers) || last->sp != arch_sp(registers))
        return;
    if (tracee->repeat_count == TRACEE_REPEATS) {
        memmove(tracee->repeats, tracee->repeats + 1, sizeof *last * (TRACEE_REPEATS - 1));
        tracee->repeat_count--;
    }
    struct free_entry *entry = &tracee->repeats[tracee->repeat_count++];
    *entry = *last;
    entry->stack = stack_id(tracee, registers);
}

void probe_signal(struct tracee *tracee, int signal)
{
    if ((!tracee->calls.count && !tracee->mappings.count) || !proc_catches(tracee->tid, signal))
        return;
    struct arch_registers registers;
    if (pt_get_registers(tracee->tid, &registers))
        return;
    uint64_t stack = stack_id(tracee, &registers);
    if (tracee->calls.count)
        inflight_signal(&tracee->calls, stack, arch_sp(&registers));
    if (tracee->mappings.count)
        inflight_signal(&tracee->mappings, stack, arch_sp(&registers));
}

void probe_fork(struct session *session, const struct tracee *parent, struct tracee *child)
{
    if (!parent->calls.count && !parent->mappings.count)
        return;
    inflight_fork(&parent->calls, &child->calls);
    inflight_fork(&parent->mappings, &child->mappings);
    recorder_thread_fork(session->recorder, child->thread, parent->thread);
}

void probe_abandon(struct session *session, struct tracee *tracee)
{
    inflight_clear(&tracee->calls);
    inflight_clear(&tracee->mappings);
    session->counters.abandoned += tracee->calls.abandoned + tracee->mappings.abandoned;
    tracee->calls.abandoned = 0;
    tracee->mappings.abandoned = 0;
}
