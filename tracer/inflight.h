/* SPDX-License-Identifier: MIT */
/*
 * inflight.h - the probed calls that a thread is in, matched by stack pointer.
 *
 * A pure state machine, one for a thread. A call begins when the thread stands on a function's
 * entry with RSP pointing at the return address, and ends when it stands on that return address
 * with RSP + 8. Stacks grow down (x86-64), so a call whose entry RSP lies below the present RSP of
 * the same stack is dead: a longjmp or an exception went past it, and it is dropped. Calls nested
 * in a live one are not counted: only the outermost is kept.
 *
 * "Stack" is an opaque id of the memory region that RSP points into (thread stack, alternate signal
 * stack, coroutine stack): comparisons hold only within one region; a call on another region
 * than the live one is independent of it. A signal handler that starts while a call is live is
 * marked with inflight_signal(): calls below it are outermost again.
 */
#ifndef ALLOCPTRACE_TRACER_INFLIGHT_H
#define ALLOCPTRACE_TRACER_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allocator_function;

struct inflight_call {
    uint64_t sp; /* RSP at the entry: the address of the return address */
    uint64_t return_address;
    uint64_t stack; /* region id */
    const struct allocator_function *function;
    uint64_t arguments[3]; /* size, address, out: what the function's description names */
    uint64_t ticket;       /* the caller's */
    bool glibc_heap, own;  /* the caller's */
    bool barrier;          /* not a call: a signal handler began here */
};

struct inflight {
    struct inflight_call *calls; /* outermost first */
    size_t count, capacity;
    uint64_t abandoned; /* calls that ended without a return */
};

void inflight_init(struct inflight *inflight);
void inflight_deinit(struct inflight *inflight);

enum inflight_entry {
    INFLIGHT_OUTERMOST, /* *call is pushed and to be filled in by the caller */
    INFLIGHT_NESTED,    /* inside a live call, or its tail call: nothing to record */
    INFLIGHT_NO_MEMORY,
};

/*
 * The thread entered function. A live call with the same sp is continued by a tail call if its
 * return address is the same and its function another; otherwise it is dead and replaced.
 */
enum inflight_entry inflight_enter(struct inflight *inflight, uint64_t stack, uint64_t sp,
                                   uint64_t return_address,
                                   const struct allocator_function *function,
                                   struct inflight_call **call);

/*
 * The live call on this stack that a call entered with sp would be nested in, or NULL. It may be
 * dead all the same: a longjmp went past it and its caller has called deeper since. Then another
 * return address stands in its place by now, for the caller to see and tell inflight_left().
 */
const struct inflight_call *inflight_around(const struct inflight *inflight, uint64_t stack,
                                            uint64_t sp);
/* The call, and all begun after it, were left without a return. */
void inflight_left(struct inflight *inflight, const struct inflight_call *call);

/*
 * The thread stands on address with stack pointer sp, after a return: takes the call that this
 * ends out of the machine and copies it to *call. False if it ends none (another caller of the
 * same code, or a call that was nested).
 */
bool inflight_return(struct inflight *inflight, uint64_t stack, uint64_t sp, uint64_t address,
                     struct inflight_call *call);

/* A handler is about to run with the thread's interrupted stack pointer at sp. */
bool inflight_signal(struct inflight *inflight, uint64_t stack, uint64_t sp);

/* The thread's fork has calls of its own to return from, as its parent has; into an empty machine.
 * Without memory for them they are not seen to end. */
void inflight_fork(const struct inflight *parent, struct inflight *child);

/* The thread ended or its address space was replaced: all calls are abandoned. */
void inflight_clear(struct inflight *inflight);

#endif
