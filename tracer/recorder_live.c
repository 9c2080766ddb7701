/* SPDX-License-Identifier: MIT */
/* Keeps the blocks of each process that are alive, while leaks are looked for. */
#include <stdlib.h>

#include "tracer/recorder_internal.h"

struct live_blocks *recorder_live(const struct recorder *recorder, uint32_t process)
{
    return process < recorder->process_count ? recorder->processes[process].live : NULL;
}

void recorder_live_begin(struct recorder *recorder, uint32_t process, uint32_t parent)
{
    struct recorder_process_state *state = &recorder->processes[process];
    const struct live_blocks *from = parent ? recorder_live(recorder, parent) : NULL;
    live_blocks_destroy(state->live);
    if (parent && !from)
        state->live = NULL;
    else
        state->live = from ? live_blocks_copy(from) : live_blocks_create();
    state->live_lacking = !state->live || (parent && recorder->processes[parent].live_lacking);
}

void recorder_live_end(struct recorder *recorder, uint32_t process)
{
    struct recorder_process_state *state = &recorder->processes[process];
    live_blocks_destroy(state->live);
    state->live = NULL;
}

/* The block that another thread's open reallocation ends has made room for this one already. */
static void note_replaced(struct recorder *recorder, uint32_t process, uint64_t address)
{
    for (size_t i = 0; i < recorder->thread_count; i++) {
        struct recorder_thread_state *thread = &recorder->threads[i];
        if (!thread->begun || thread->process != process)
            continue;
        for (size_t k = 0; k < thread->capacity; k++) {
            struct open_call *open = &thread->calls[k];
            open->replaced = open->replaced || (open->begun && open->old_address == address);
        }
    }
}

void recorder_live_event(struct recorder *recorder, const struct recorder_event *event,
                         uint32_t stack, bool replaced)
{
    uint32_t process = recorder->threads[event->thread].process;
    struct live_blocks *live = recorder_live(recorder, process);
    if (!live)
        return;
    /* A reallocation to no bytes ends as a LOG_FREE. */
    if (event->kind == LOG_FREE && !replaced)
        live_blocks_remove(live, event->address);
    if (event->kind == LOG_REALLOC && !replaced)
        live_blocks_remove(live, event->old_address);
    if (event->kind != LOG_ALLOC && event->kind != LOG_REALLOC)
        return;
    struct live_block block = {
        .address = event->address, .size = event->size, .stack = stack, .thread = event->thread};
    if (!live_blocks_add(live, &block))
        recorder->processes[process].live_lacking = true;
    if (recorder->begun)
        note_replaced(recorder, process, event->address);
}

/* ---- Checks ---- */

struct check_definition {
    struct definition head;
    struct recorder_check *check;
    bool *discarded; /* set before recorder_check() returns, or not at all */
};

static void apply_check(struct recorder *recorder, struct definition *definition)
{
    struct check_definition *self = (struct check_definition *)definition;
    struct recorder_check *check = self->check;
    uint32_t process = check->check.process;
    struct log_record record = {.kind = LOG_CHECK, .check = check->check};
    record.check.time = recorder_ticks(recorder, check->check.time);
    recorder_put(recorder, &record);
    const struct live_blocks *live = recorder_live(recorder, process);
    struct live_block *blocks = NULL;
    size_t count = 0;
    struct error *error = live ? live_blocks_sorted(live, &blocks, &count) : NULL;
    bool lacking = error || !live || recorder->processes[process].live_lacking;
    error_free(error);
    check->take(check, blocks, count, lacking);
    free(self);
}

static void discard_check(struct definition *definition)
{
    struct check_definition *self = (struct check_definition *)definition;
    *self->discarded = true;
    free(self);
}

bool recorder_check(struct recorder *recorder, struct recorder_check *check)
{
    bool discarded = false;
    struct check_definition *self = malloc(sizeof *self);
    if (!self)
        return false;
    *self = (struct check_definition){
        .head = {.apply = apply_check, .discard = discard_check},
        .check = check,
        .discarded = &discarded,
    };
    recorder_send(recorder, &self->head);
    return !discarded;
}
