/* SPDX-License-Identifier: MIT */
#include "tracer/stack_range.h"

#include <string.h>

#include "symbols/proc_maps.h"

static const struct stack_range *look_up(struct tracee *tracee,
                                         const struct arch_registers *registers)
{
    uint64_t sp = arch_sp(registers);
    struct proc_maps maps;
    struct error *error = proc_maps_read(tracee->tid, &maps);
    if (error) {
        error_free(error);
        return NULL;
    }
    const struct proc_mapping *mapping = proc_maps_find(&maps, sp);
    struct stack_range range = {0};
    if (mapping) {
        range.start = mapping->start;
        range.end = mapping->end;
        uint64_t first = tracee->space->initial_sp;
        uint64_t thread = arch_thread_pointer(registers);
        if (first > sp && first < range.end) {
            range.end = first;
            range.own = true;
        }
        if (thread > sp && thread < range.end) {
            range.end = thread;
            range.own = true;
        }
    }
    proc_maps_deinit(&maps);
    if (!range.end)
        return NULL;
    /* A stack that has grown downwards since keeps its id, which is its end. */
    unsigned place = tracee->range_next;
    for (unsigned i = 0; i < TRACEE_STACK_RANGES; i++) {
        if (tracee->ranges[i].end == range.end)
            place = i;
    }
    if (place == tracee->range_next)
        tracee->range_next = (place + 1) % TRACEE_STACK_RANGES;
    tracee->ranges[place] = range;
    return &tracee->ranges[place];
}

const struct stack_range *stack_range_of(struct tracee *tracee,
                                         const struct arch_registers *registers)
{
    uint64_t sp = arch_sp(registers);
    for (unsigned i = 0; i < TRACEE_STACK_RANGES; i++) {
        const struct stack_range *range = &tracee->ranges[i];
        if (sp >= range->start && sp < range->end)
            return range;
    }
    return look_up(tracee, registers);
}

void stack_range_forget(struct tracee *tracee)
{
    memset(tracee->ranges, 0, sizeof tracee->ranges);
    tracee->range_next = 0;
}
