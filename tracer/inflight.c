/* SPDX-License-Identifier: MIT */
#include "tracer/inflight.h"

#include <stdlib.h>

#include "tracer/arch.h"

/* What the kernel puts on a stack for a handler at least: the red zone stays free, then come the
 * FXSAVE area (512 bytes), siginfo_t (128), struct ucontext (304) and the handler's return address
 * (Linux, arch/x86/include/asm/sigframe.h). */
#define SIGNAL_FRAME_LEAST (ARCH_RED_ZONE + 512 + 128 + 304 + 8)

void inflight_init(struct inflight *inflight)
{
    *inflight = (struct inflight){0};
}

void inflight_deinit(struct inflight *inflight)
{
    free(inflight->calls);
    inflight_init(inflight);
}

/* Ends all calls from index on without a return. */
static void cut(struct inflight *inflight, size_t index)
{
    while (inflight->count > index) {
        inflight->count--;
        if (!inflight->calls[inflight->count].barrier)
            inflight->abandoned++;
    }
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

/* Whether a thread that now stands at sp has left the call, or the handler that a barrier stands
 * for: a handler's frames lie below the signal frame. */
static bool is_passed(const struct inflight_call *call, uint64_t sp)
{
    if (!call->barrier)
        return call->sp < sp;
    return call->sp < SIGNAL_FRAME_LEAST || call->sp - SIGNAL_FRAME_LEAST < sp;
}

enum drop { DROP_ALL, DROP_HANDLERS };

/* Drops what the thread has left behind on this stack. Calls on another stack that come later in
 * the list are gone with it: they were made from a handler or coroutine that began later. */
static void drop_passed(struct inflight *inflight, uint64_t stack, uint64_t sp, enum drop drop)
{
    for (size_t i = 0; i < inflight->count; i++) {
        const struct inflight_call *call = &inflight->calls[i];
        if (call->stack == stack && (call->barrier || drop == DROP_ALL) && is_passed(call, sp)) {
            cut(inflight, i);
            return;
        }
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
    drop_passed(inflight, stack, sp, DROP_ALL);
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
        cut(inflight, index);
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

const struct inflight_call *inflight_around(const struct inflight *inflight, uint64_t stack,
                                            uint64_t sp)
{
    size_t index = live_on(inflight, stack);
    return index < inflight->count && inflight->calls[index].sp > sp ? &inflight->calls[index]
                                                                     : NULL;
}

void inflight_left(struct inflight *inflight, const struct inflight_call *call)
{
    cut(inflight, (size_t)(call - inflight->calls));
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
        cut(inflight, i + 1);
        inflight->count = i;
        return true;
    }
    drop_passed(inflight, stack, sp, DROP_ALL);
    return false;
}

bool inflight_signal(struct inflight *inflight, uint64_t stack, uint64_t sp)
{
    /* A call that has popped its return address may be about to report its return, which a signal
     * can precede: handlers only. */
    drop_passed(inflight, stack, sp, DROP_HANDLERS);
    struct inflight_call *barrier = push(inflight);
    if (!barrier)
        return false;
    barrier->barrier = true;
    barrier->stack = stack;
    barrier->sp = sp;
    return true;
}

void inflight_fork(const struct inflight *parent, struct inflight *child)
{
    for (size_t i = 0; i < parent->count; i++) {
        struct inflight_call *call = push(child);
        if (!call)
            return;
        *call = parent->calls[i];
    }
}

void inflight_clear(struct inflight *inflight)
{
    cut(inflight, 0);
}
