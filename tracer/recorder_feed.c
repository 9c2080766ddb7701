/* SPDX-License-Identifier: MIT */
/* The tracing thread's side of the recorder: puts items into the queue, and knows when the log's
 * file keeps the target waiting for too long. */
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracer/recorder_internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define JOIN_NS 100000000

uint64_t recorder_now(const struct recorder *recorder)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - recorder->start.tv_sec) * SECOND_NS +
           (uint64_t)(now.tv_nsec - recorder->start.tv_nsec);
}

/* ---- Giving up ---- */

bool recorder_stalled(void *data)
{
    const struct recorder *recorder = data;
    return log_writer_stalled_ns(recorder->writer) > RECORDER_PATIENCE_S * SECOND_NS;
}

static void give_up(struct recorder *recorder)
{
    if (!recorder->given_up)
        recorder->given_up = error_format(ERROR_SYSTEM, "%s has taken nothing for %d seconds",
                                          log_writer_path(recorder->writer), RECORDER_PATIENCE_S);
}

bool recorder_gives_up(struct recorder *recorder)
{
    if (!recorder->given_up && recorder_stalled(recorder))
        give_up(recorder);
    return recorder->given_up;
}

const char *recorder_failure(const struct recorder *recorder)
{
    if (recorder->given_up)
        return recorder->given_up->message;
    return atomic_load_explicit(&recorder->failure, memory_order_acquire);
}

/* ---- Items ---- */

/* After giving up, items are made in memory that nobody reads. */
static void *reserve(struct recorder *recorder, size_t size)
{
    void *item = recorder->given_up ? NULL : queue_reserve(recorder->queue, size);
    if (item)
        return item;
    give_up(recorder);
    return recorder->spare;
}

static void publish(struct recorder *recorder, size_t used)
{
    if (!recorder->given_up)
        queue_publish(recorder->queue, used);
}

struct recorder_call *recorder_call_reserve(struct recorder *recorder, size_t stack_size)
{
    struct recorder_call *call = reserve(recorder, sizeof(struct recorder_call) + stack_size);
    call->item = ITEM_CALL;
    return call;
}

void recorder_call_publish(struct recorder *recorder, struct recorder_call *call)
{
    recorder->published++;
    publish(recorder, sizeof *call + call->stack_size);
}

void recorder_wait(struct recorder *recorder)
{
    while (!recorder->given_up) {
        uint32_t unwound = atomic_load_explicit(&recorder->unwound, memory_order_acquire);
        if (unwound == recorder->published)
            return;
        if (recorder_stalled(recorder))
            give_up(recorder);
        queue_wake(recorder->queue);
        /* The time limit covers a recording thread that looked before the wake-up. */
        struct timespec limit = {.tv_nsec = 1000000};
        syscall(SYS_futex, &recorder->unwound, FUTEX_WAIT_PRIVATE, unwound, &limit, NULL, 0);
    }
}

const struct unwind_result *recorder_last_stack(const struct recorder *recorder)
{
    return recorder->given_up ? NULL : &recorder->last;
}

void recorder_event(struct recorder *recorder, const struct recorder_event *event)
{
    struct recorder_event *item = reserve(recorder, sizeof *item);
    *item = *event;
    item->item = ITEM_EVENT;
    publish(recorder, sizeof *item);
}

void recorder_send(struct recorder *recorder, struct definition *definition)
{
    struct definition_item *item = reserve(recorder, sizeof *item);
    *item = (struct definition_item){.item = ITEM_DEFINITION, .definition = definition};
    publish(recorder, sizeof *item);
    if (!recorder->given_up)
        return;
    if (definition->discard)
        definition->discard(definition);
    else
        free(definition);
}

/* ---- End ---- */

/* False if the recording thread hangs in the kernel. */
static bool join(struct recorder *recorder)
{
    for (;;) {
        struct timespec limit;
        clock_gettime(CLOCK_MONOTONIC, &limit);
        limit.tv_nsec += JOIN_NS;
        limit.tv_sec += limit.tv_nsec / (long)SECOND_NS;
        limit.tv_nsec %= (long)SECOND_NS;
        if (pthread_clockjoin_np(recorder->thread, NULL, CLOCK_MONOTONIC, &limit) == 0)
            return true;
        if (recorder_stalled(recorder))
            return false;
    }
}

struct error *recorder_finish(struct recorder *recorder, const struct counters *counters,
                              struct recorder_totals *totals)
{
    recorder->counters = *counters;
    atomic_store_explicit(&recorder->ending, true, memory_order_release);
    queue_wake(recorder->queue);
    bool joined = join(recorder);
    recorder->totals.queue_full = queue_full_count(recorder->queue);
    *totals = recorder->totals;
    if (!joined) {
        give_up(recorder);
        totals->bytes_written = log_writer_bytes_written(recorder->writer);
        return error_format(ERROR_SYSTEM, "%s", recorder->given_up->message);
    }
    struct error *error = log_writer_close(recorder->writer);
    if (!error && recorder->given_up)
        error = error_format(ERROR_SYSTEM, "%s", recorder->given_up->message);
    recorder_destroy(recorder);
    return error;
}
