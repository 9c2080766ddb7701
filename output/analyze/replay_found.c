/* SPDX-License-Identifier: MIT */
/*
 * The replay of blocks that were alive before tracing began. They are like those that a forked
 * child inherits: they count in live bytes and so in the peak, may be freed, and are neither
 * allocations nor leaks. Thread 0 tells them from these.
 *
 * All of them have one stack, of one frame that no log has: it gets its id when all logs have been
 * read, for until then all ids are theirs.
 */
#include "output/analyze/replay_parts.h"
#include "output/analyze/rows.h"

#define NAME "[allocated before attach]"

static struct error *evict_at(struct replay *replay, struct replay_heap *heap, uint64_t address)
{
    struct live_block old;
    if (!live_map_take(&heap->blocks, address, &old) || !replay_is_summed(heap, &old))
        return NULL;
    return replay_end_block(replay, &old, replay->totals.last_time, REPLAY_MISSED);
}

static struct error *count(struct replay *replay, struct replay_heap *heap,
                           struct live_block *block, uint32_t process)
{
    struct replay_totals *totals = &replay->totals;
    block->row = rows_find_found(replay, process);
    if (!block->row)
        return error_no_memory();
    totals->found++;
    totals->found_bytes += block->size;
    struct error *error = replay_reach(replay, heap, totals->last_time);
    if (!error)
        error = replay_begin_block(replay, block, totals->last_time);
    rows_note_peak(replay, totals->last_time);
    return error;
}

struct error *replay_found(struct replay *replay, const struct log_found *found)
{
    if (!found->process || found->process >= replay->catalog.process_count)
        return error_format(ERROR_CORRUPT, "process %u is used and was not defined",
                            found->process);
    if (found->size > REPLAY_MOST_BYTES)
        return error_format(ERROR_CORRUPT, "a block of %llu bytes does not fit in memory",
                            (unsigned long long)found->size);
    struct replay_heap *heap = &replay->heaps[found->process];
    if (heap->ended || !found->address)
        return NULL;
    struct live_block block = {
        .address = found->address,
        .size = found->size,
        .birth = replay->totals.last_time,
        .inherited = 1,
        .slack = LIVE_SLACK_UNKNOWN,
    };
    heap->found = true;
    struct error *error = evict_at(replay, heap, found->address);
    /* What no thread and no time are known of is no part of a thread or of a time. */
    bool wanted = heap->selected && replay->options.tid < 0 && !replay->from_tick;
    if (!error && wanted)
        error = count(replay, heap, &block, found->process);
    if (!error && !live_map_add(&heap->blocks, &block))
        error = error_no_memory();
    return error;
}

void replay_note_found_freed(struct replay *replay, const struct live_block *block)
{
    replay->totals.found_freed++;
    replay->totals.found_freed_bytes += block->size;
}

/* ---- What they are called ---- */

/* Adds a definition that no log has. */
static struct error *define(struct replay *replay, const struct log_record *record)
{
    return catalog_add(&replay->catalog, record);
}

/* The stack's id, as soon as it is needed. */
static struct error *stack_of_found(struct replay *replay, uint32_t *stack)
{
    const struct catalog *catalog = &replay->catalog;
    const uint32_t frame = (uint32_t)catalog->frame_count;
    const struct log_location location = {.function = {.data = NAME, .size = sizeof NAME - 1}};
    if (*stack)
        return NULL;
    const struct log_record records[] = {
        /* Of an exact address, 0 is no address. */
        {.kind = LOG_FRAME, .frame = {.frame = frame, .flags = LOG_FRAME_EXACT}},
        {.kind = LOG_SYMBOL,
         .symbol = {.frame = frame, .location_count = 1, .locations = &location}},
        {.kind = LOG_STACK, .stack = {.stack = (uint32_t)catalog->stack_count, .frame = frame}},
    };
    struct error *error = NULL;
    *stack = (uint32_t)catalog->stack_count;
    for (size_t i = 0; !error && i < sizeof records / sizeof *records; i++)
        error = define(replay, &records[i]);
    return error;
}

/* A thread that stands for none, where sums are grouped by threads. */
static struct error *thread_of_found(struct replay *replay, uint32_t process, uint32_t *thread)
{
    *thread = (uint32_t)replay->catalog.thread_count;
    replay->found_threads++;
    return define(
        replay, &(struct log_record){.kind = LOG_THREAD,
                                     .thread = {.thread = *thread,
                                                .process = process,
                                                .name = {.data = NAME, .size = sizeof NAME - 1}}});
}

struct error *replay_name_found(struct replay *replay)
{
    struct error *error = NULL;
    uint32_t stack = 0;
    for (size_t i = 0; !error && i < replay->found_row_count; i++) {
        struct replay_row *row = &replay->rows[replay->found_rows[i]];
        if (!replay->found_rows[i])
            continue;
        error = stack_of_found(replay, &stack);
        row->stack = stack;
        if (!error && replay->options.split == REPLAY_BY_THREAD)
            error = thread_of_found(replay, row->process, &row->thread);
    }
    if (!error && leak_checks_have_found(&replay->leaks))
        error = stack_of_found(replay, &stack);
    if (!error)
        leak_checks_name_found(&replay->leaks, stack);
    return error;
}
