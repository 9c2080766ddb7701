/* SPDX-License-Identifier: MIT */
#include "tracer/planted.h"

#include <unistd.h>

#include "tracer/arch.h"
#include "tracer/space.h"

enum planted planted_look(const struct space *space, const struct breakpoint *breakpoint)
{
    uint8_t code[1 + BREAKPOINT_TAIL];
    ssize_t got =
        pread(space->mem, code, 1 + (size_t)breakpoint->tail_size, (off_t)breakpoint->address);
    if (got < 1 || code[0] != ARCH_BREAKPOINT_BYTE)
        return PLANTED_GONE;
    for (ssize_t i = 1; i <= breakpoint->tail_size; i++) {
        if (i < got && code[i] == breakpoint->tail[i - 1])
            continue;
        const struct breakpoint *other =
            breakpoint_at(&space->breakpoints, breakpoint->address + (uint64_t)i);
        if (i >= got || code[i] != ARCH_BREAKPOINT_BYTE || !other || !other->roles)
            return PLANTED_FOREIGN;
    }
    return PLANTED_OURS;
}

void planted_sweep(struct space *space, uint64_t start, uint64_t end)
{
    size_t index = 0;
    struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&space->breakpoints, &index))) {
        bool concerned =
            !breakpoint->settled || (breakpoint->address >= start && breakpoint->address < end);
        if (breakpoint->roles && concerned && planted_look(space, breakpoint) != PLANTED_OURS)
            breakpoint->roles = 0;
    }
}
