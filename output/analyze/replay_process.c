/* SPDX-License-Identifier: MIT */
/* The replay of processes and threads: what forks hand on, and what is left at their ends. */
#include <sys/wait.h>

#include "output/analyze/history.h"
#include "output/analyze/replay_parts.h"
#include "output/analyze/rows.h"

#define STATUS_EXEC (-2) /* log_process_end.status */

struct error *replay_reach(struct replay *replay, const struct replay_heap *heap, uint64_t time)
{
    if (!replay->history || !heap->selected || history_advance(replay->history, replay, time))
        return NULL;
    return error_no_memory();
}

struct error *replay_go_on(struct replay *replay, uint64_t time)
{
    if (!replay->history || !replay->running || history_advance(replay->history, replay, time))
        return NULL;
    return error_no_memory();
}

/* Blocks that are copied to forked children: those of children alive at the same time, which take
 * memory, and all ever, which take time. Both grow with the log, for a log may fork in each of its
 * records. A child beyond that has none of its parent's. */
#define INHERITED_FIRST (UINT64_C(1) << 20)
#define INHERITED_PER_EVENT 2
#define COPIED_FIRST (UINT64_C(32) << 20)
#define COPIED_PER_EVENT 32

static bool may_copy(const struct replay *replay, size_t count)
{
    uint64_t events = replay->totals.events;
    return replay->inherited + count <= INHERITED_FIRST + INHERITED_PER_EVENT * events &&
           replay->copied + count <= COPIED_FIRST + COPIED_PER_EVENT * events;
}

/* Copies the parent's live blocks to a forked child. */
static struct error *inherit(struct replay *replay, const struct log_process *process,
                             struct replay_heap *heap)
{
    const struct live_map *parent = &replay->heaps[process->parent].blocks;
    size_t index = 0;
    struct live_block *block;
    /* A process that is killed during a fork ends before its child is seen. */
    if (replay->heaps[process->parent].ended || !may_copy(replay, parent->count)) {
        heap->inherits_unknown = true;
        return NULL;
    }
    struct error *error = replay_reach(replay, heap, replay->totals.last_time);
    if (error)
        return error;
    heap->inherited = parent->count;
    replay->inherited += heap->inherited;
    replay->copied += heap->inherited;
    if (!live_map_copy(&heap->blocks, parent))
        return error_no_memory();
    while ((block = live_map_next(&heap->blocks, &index))) {
        block->inherited = 1;
        if (block->row && replay->options.split == REPLAY_BY_PROCESS) {
            bool found = replay_is_found(block);
            block->row = found
                             ? rows_find_found(replay, process->process)
                             : rows_find(replay, replay->rows[block->row].stack, process->process);
            if (!block->row)
                return error_no_memory();
        }
        block->chain = 0; /* the parent's */
        if (replay_is_summed(heap, block))
            error = replay_begin_block(replay, block, replay->totals.last_time);
        if (error)
            return error;
    }
    rows_note_peak(replay, replay->totals.last_time);
    return NULL;
}

struct error *replay_begin_process(struct replay *replay, const struct log_process *process)
{
    if (!replay_grow(&replay->heaps, &replay->heap_count, process->process, sizeof *replay->heaps))
        return error_no_memory();
    struct replay_heap *heap = &replay->heaps[process->process];
    heap->selected = replay->options.pid < 0 || process->pid == replay->options.pid;
    replay->running += heap->selected;
    bool copies = process->origin == LOG_ORIGIN_FORK && process->parent && !replay->over;
    return copies ? inherit(replay, process, heap) : NULL;
}

/* Whether a block that is left has leaked. */
static bool is_leak(const struct replay *replay, const struct live_block *block, uint64_t time)
{
    uint64_t age = time > block->birth ? time - block->birth : 0;
    return !block->inherited && age >= replay->older_ticks;
}

static struct error *end_live(struct replay *replay, const struct replay_heap *heap,
                              const struct live_block *block, uint64_t time, enum replay_end how)
{
    if (how == REPLAY_LEFT && !block->inherited)
        replay->totals.left_bytes += block->size;
    if (how == REPLAY_LEFT && replay_is_found(block) && heap->found)
        replay->totals.found_left_bytes += block->size;
    if (how == REPLAY_LEFT && is_leak(replay, block, time)) {
        struct replay_sums *sums = &replay->rows[block->row].sums;
        sums->leaked++;
        sums->leaked_bytes += block->size;
        replay_note_age(replay, sums, block, time);
        replay->totals.leaked++;
        replay->totals.leaked_bytes += block->size;
    }
    return replay_end_block(replay, block, time, how);
}

/* What is alive when its process ends has leaked, unless an exec took the whole heap away. */
static struct error *end_heap(struct replay *replay, uint32_t process, uint64_t time,
                              enum replay_end how)
{
    struct replay_heap *heap = &replay->heaps[process];
    struct error *error = NULL;
    size_t index = 0;
    const struct live_block *block;
    while (!error && (block = live_map_next(&heap->blocks, &index))) {
        if (replay_is_summed(heap, block))
            error = end_live(replay, heap, block, time, how);
    }
    live_map_deinit(&heap->blocks);
    uint64_t mapped = heap->mappings.total;
    replay->totals.mapped_now -= mapped;
    if (how == REPLAY_LEFT)
        replay->totals.mapped_end += mapped;
    mappings_deinit(&heap->mappings);
    replay->inherited -= heap->inherited;
    heap->inherited = 0;
    heap->ended = true;
    return error;
}

/* Reallocations that the end of their process or of the log cut short. */
static struct error *close_resizes(struct replay *replay, uint32_t process)
{
    struct replay_heap *heap = &replay->heaps[process];
    struct error *error = NULL;
    while (!error && heap->resizing) {
        struct replay_event event = {.thread = &replay->threads[heap->resizing],
                                     .heap = heap,
                                     .thread_id = heap->resizing,
                                     .time = replay->totals.last_time};
        error = replay_close_resize(replay, &event);
    }
    return error;
}

/*
 * As a thread ends, glibc frees the blocks that it had kept back for the thread (tcache): these
 * were freed by the program before, so a run of unknown frees at a thread's end is none of its.
 * Unless they killed the process: see take_back().
 */
void replay_end_thread(struct replay *replay, uint32_t id)
{
    /* An end of a thread that was not defined, or did nothing, tells nothing. */
    if (!id || id >= replay->thread_count || !replay->threads[id].unknown_run)
        return;
    struct replay_thread *thread = &replay->threads[id];
    struct replay_heap *heap = &replay->heaps[replay->catalog.threads[id].process];
    replay->totals.unknown_frees -= thread->unknown_run;
    replay->totals.cleanup_frees += thread->unknown_run;
    bad_frees_forgive(&replay->bad_frees, thread->last_bad, thread->bad_run, true);
    thread->forgiven_run = thread->unknown_run;
    thread->forgiven_bad = thread->bad_run;
    thread->forgiven_before = heap->forgiven;
    thread->unknown_run = 0;
    thread->bad_run = 0;
    heap->forgiven = id;
}

/* A signal ended the process, and its threads with it: their last frees were the program's own, and
 * perhaps what the C library aborted it for. */
static void take_back(struct replay *replay, struct replay_heap *heap)
{
    for (uint32_t id = heap->forgiven; id; id = replay->threads[id].forgiven_before) {
        struct replay_thread *thread = &replay->threads[id];
        replay->totals.unknown_frees += thread->forgiven_run;
        replay->totals.cleanup_frees -= thread->forgiven_run;
        bad_frees_forgive(&replay->bad_frees, thread->last_bad, thread->forgiven_bad, false);
    }
    heap->forgiven = 0;
}

struct error *replay_end_process(struct replay *replay, const struct log_process_end *end)
{
    if (!end->process || end->process >= replay->catalog.process_count)
        return error_format(ERROR_CORRUPT, "process %u ends and was not defined", end->process);
    if (replay->tick_ns && end->time > replay->to_tick) {
        replay->over = true;
        return NULL;
    }
    bool is_exec = end->status == STATUS_EXEC;
    struct error *error = close_resizes(replay, end->process);
    if (replay->heaps[end->process].ended || error)
        return error;
    uint64_t time = replay->totals.last_time;
    if (replay->tick_ns && end->time > time)
        time = end->time;
    error = replay_reach(replay, &replay->heaps[end->process], time);
    if (error)
        return error;
    replay->running -= replay->heaps[end->process].selected;
    if (end->status >= 0 && WIFSIGNALED((int)end->status))
        take_back(replay, &replay->heaps[end->process]);
    /* With the last process everything ends: its heap's end is no part of its history. */
    bool last = !replay->running && !replay->more_logs;
    if (replay->history && last && !is_exec && !history_finish(replay->history, replay))
        return error_no_memory();
    return end_heap(replay, end->process, time, is_exec ? REPLAY_EXECED : REPLAY_LEFT);
}

struct error *replay_end_log(struct replay *replay)
{
    uint64_t time = replay->over ? replay->to_tick : replay->totals.last_time;
    uint32_t count = (uint32_t)replay->catalog.process_count;
    struct error *error = replay_go_on(replay, time);
    for (uint32_t i = replay->first_process; !error && i < count; i++)
        error = close_resizes(replay, i);
    if (!error && replay->history && !replay->more_logs && !history_finish(replay->history, replay))
        error = error_no_memory();
    for (uint32_t i = replay->first_process; !error && i < count; i++)
        error = end_heap(replay, i, time, REPLAY_LEFT);
    replay->running = 0;
    replay->first_process = count;
    return error;
}
