/* SPDX-License-Identifier: MIT */
#include "tracer/inflight.h"

#include <stdlib.h>

#include "tracer/arch.h"

void inflight_init(struct inflight *inflight)
{
    *inflight = (struct inflight){0};
}

void inflight_deinit(struct inflight *inflight)
{
    free(inflight->calls);
    inflight_init(inflight);
}

static void drop_last(struct inflight *inflight)
{
    inflight->count--;
    if (!inflight->calls[inflight->count].barrier)
        inflight->abandoned++;
}

/* The index of the innermost call that is live on this stack, or count. What a signal handler
 * interrupted is not live for the handler's calls. */
static size_t live_on(const struct inflight *inflight, uint64_t stack)
{
    for (size_t i = inflight->count; i-- > 0;) {
        if (inflight->calls[i].barrier)
            break;
        if (inflight->calls[i].stack == stack)
            return i;
    }
    return inflight->count;
}

/* Drops what the thread has left behind: all of this stack below sp has been unwound. Calls on
 * another stack above it in the list are gone with it: they were made from a handler or coroutine
 * that began later. */
static void drop_passed(struct inflight *inflight, uint64_t stack, uint64_t sp)
{
    for (size_t i = 0; i < inflight->count; i++) {
        const struct inflight_call *call = &inflight->calls[i];
        if (call->stack != stack || call->sp >= sp)
            continue;
        while (inflight->count > i)
            drop_last(inflight);
        return;
    }
}

static struct inflight_call *push(struct inflight *inflight)
{
    if (inflight->count == inflight->capacity) {
        size_t capacity = inflight->capacity ? inflight->capacity * 2 : 4;
        struct inflight_call *calls = realloc(inflight->calls, capacity * sizeof *calls);
        if (!calls)
            return NULL;
        inflight->calls = calls;
        inflight->capacity = capacity;
    }
    struct inflight_call *call = &inflight->calls[inflight->count++];
    *call = (struct inflight_call){0};
    return call;
}

enum inflight_entry inflight_enter(struct inflight *inflight, uint64_t stack, uint64_t sp,
                                   uint64_t return_address,
                                   const struct allocator_function *function,
                                   struct inflight_call **out)
{
    drop_passed(inflight, stack, sp);
    size_t index = live_on(inflight, stack);
    if (index < inflight->count) {
        const struct inflight_call *live = &inflight->calls[index];
        if (live->sp > sp)
            return INFLIGHT_NESTED;
        /* The same return address in the same place: a tail call goes on with the live call, but a
         * function does not tail-call itself, so the same function means that the former call was
         * left by a longjmp and made again. */
        if (live->return_address == return_address && live->function != function)
            return INFLIGHT_NESTED;
        while (inflight->count > index)
            drop_last(inflight);
    }
    struct inflight_call *call = push(inflight);
    if (!call)
        return INFLIGHT_NO_MEMORY;
    call->sp = sp;
    call->return_address = return_address;
    call->stack = stack;
    call->function = function;
    *out = call;
    return INFLIGHT_OUTERMOST;
}

bool inflight_return(struct inflight *inflight, uint64_t stack, uint64_t sp, uint64_t address,
                     struct inflight_call *out)
{
    for (size_t i = inflight->count; i-- > 0;) {
        const struct inflight_call *call = &inflight->calls[i];
        if (call->barrier || call->stack != stack || call->sp + ARCH_CALL_POPS != sp ||
            call->return_address != address)
            continue;
        *out = *call;
        while (inflight->count > i + 1)
            drop_last(inflight);
        inflight->count = i;
        return true;
    }
    drop_passed(inflight, stack, sp);
    return false;
}

bool inflight_signal(struct inflight *inflight, uint64_t stack, uint64_t sp)
{
    struct inflight_call *barrier = push(inflight);
    if (!barrier)
        return false;
    barrier->barrier = true;
    barrier->stack = stack;
    barrier->sp = sp;
    return true;
}

void inflight_clear(struct inflight *inflight)
{
    while (inflight->count)
        drop_last(inflight);
}
