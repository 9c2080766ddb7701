/* SPDX-License-Identifier: MIT */
#include "output/analyze/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/history.h"
#include "output/analyze/replay_parts.h"
#include "output/analyze/rows.h"

static uint64_t tick_of(double seconds, uint64_t tick_ns)
{
    if (!isfinite(seconds) || !tick_ns)
        return seconds > 0 ? UINT64_MAX : 0;
    double ticks = seconds * 1e9 / (double)tick_ns;
    return ticks <= 0 ? 0 : ticks >= 1e19 ? UINT64_MAX : (uint64_t)ticks;
}

static struct history *make_history(const struct replay *replay)
{
    const struct replay_options *options = &replay->options;
    struct history_options history = {
        .events = !replay->tick_ns,
        .rows = options->needs & REPLAY_NEEDS_HISTORY,
    };
    /* Of a process, its own time; what comes before --from is empty. */
    history.starts = options->pid < 0 || replay->from_tick;
    history.start = history.events ? 1 : replay->from_tick;
    if (options->interval > 0)
        history.unit = history.events ? (uint64_t)fmin(ceil(options->interval), 1e18)
                                      : tick_of(options->interval, replay->tick_ns);
    if (options->interval > 0 && !history.unit)
        history.unit = 1;
    return history_create(&history);
}

struct error *replay_init(struct replay *replay, const struct replay_options *options,
                          const struct log_header *header)
{
    *replay = (struct replay){
        .options = *options,
        .tick_ns = header->tick_ns,
        .from_tick = tick_of(options->from, header->tick_ns),
        .to_tick = tick_of(options->to, header->tick_ns),
        .older_ticks = tick_of(options->older_than, header->tick_ns),
        .row_count = 1,
        .first_process = 1,
        .leaks = {.show = options->check, .keep_paths = options->needs & REPLAY_NEEDS_PATHS},
    };
    struct error *error = catalog_init(&replay->catalog, options->texts);
    replay->rows = calloc(1, sizeof *replay->rows);
    bool has_history = options->needs & (REPLAY_NEEDS_HISTORY | REPLAY_NEEDS_CURVE);
    if (has_history)
        replay->history = make_history(replay);
    if (!error && (!replay->rows || (has_history && !replay->history)))
        error = error_no_memory();
    if (error)
        replay_deinit(replay);
    return error;
}

void replay_deinit(struct replay *replay)
{
    for (size_t i = 0; i < replay->heap_count; i++) {
        live_map_deinit(&replay->heaps[i].blocks);
        mappings_deinit(&replay->heaps[i].mappings);
    }
    free(replay->heaps);
    free(replay->threads);
    chains_deinit(&replay->chains);
    buckets_deinit(&replay->sizes);
    buckets_deinit(&replay->lifetimes);
    bad_frees_deinit(&replay->bad_frees);
    thread_pairs_deinit(&replay->foreign);
    history_destroy(replay->history);
    leak_checks_deinit(&replay->leaks);
    rows_deinit(replay);
    catalog_deinit(&replay->catalog);
}

/* ---- Events ---- */

/* Whether the event is to be looked at; *error if it contradicts the log. */
static bool begin_event(struct replay *replay, uint32_t thread, uint64_t time,
                        struct replay_event *event, struct error **error)
{
    const struct catalog *catalog = &replay->catalog;
    if (!thread || thread >= catalog->thread_count) {
        *error = error_format(ERROR_CORRUPT, "thread %u is used and was not defined", thread);
        return false;
    }
    if (replay->tick_ns && time > replay->to_tick) {
        replay->over = true;
        return false;
    }
    uint32_t process = catalog->threads[thread].process;
    if (!replay_grow(&replay->threads, &replay->thread_count, thread, sizeof *replay->threads)) {
        *error = error_no_memory();
        return false;
    }
    replay->totals.events++;
    if (!replay->tick_ns)
        time = replay->totals.events;
    if (time > replay->totals.last_time)
        replay->totals.last_time = time;
    *event = (struct replay_event){.thread = &replay->threads[thread],
                                   .heap = &replay->heaps[process],
                                   .thread_id = thread,
                                   .time = time};
    event->heap->forgiven = 0;
    *error = replay_reach(replay, event->heap, time);
    return !*error;
}

/* Whether what the event allocates is to be summed up, if its process is. */
static bool is_wanted(const struct replay *replay, const struct replay_event *event)
{
    return event->time >= replay->from_tick &&
           (replay->options.tid < 0 ||
            replay->catalog.threads[event->thread_id].tid == replay->options.tid);
}

static struct error *check_stack(const struct replay *replay, uint32_t stack)
{
    return stack < replay->catalog.stack_count
               ? NULL
               : error_format(ERROR_CORRUPT, "stack %u is used and was not defined", stack);
}

static uint32_t process_of(const struct replay *replay, const struct replay_event *event)
{
    return replay->catalog.threads[event->thread_id].process;
}

static bool tracks_freed(const struct replay *replay)
{
    return replay->options.needs & REPLAY_NEEDS_BAD_FREES;
}

/* A block is to be where another one is said to be alive: that one's end was missed. */
static struct error *evict(struct replay *replay, const struct replay_event *event,
                           uint64_t address)
{
    struct live_block old;
    if (!live_map_take(&event->heap->blocks, address, &old) || !replay_is_summed(event->heap, &old))
        return NULL;
    replay->totals.missed_frees++;
    return replay_end_block(replay, &old, event->time, REPLAY_MISSED);
}

/* Makes the block that an event tells of; old is the one that it was before, or NULL. */
static struct error *begin_block(struct replay *replay, const struct replay_event *event,
                                 struct live_block *block, uint32_t stack,
                                 const struct live_block *old)
{
    struct error *error = NULL;
    if (is_wanted(replay, event)) {
        block->row = rows_find(replay, stack, rows_group(replay, event->thread_id));
        if (!block->row)
            return error_no_memory();
    }
    bool summed = replay_is_summed(event->heap, block);
    bool continues = old && replay_is_summed(event->heap, old);
    if (summed && continues)
        error = replay_continue_chain(replay, old, block);
    else if (continues)
        replay_end_chain(replay, old);
    if (!error && summed)
        error = replay_begin_block(replay, block, event->time);
    if (!error && summed)
        rows_note_peak(replay, event->time);
    return error;
}

struct request {
    uint64_t address, size;
    uint32_t stack;
    bool has_slack;
    uint64_t slack;
    bool resized;
};

static struct error *add_block(struct replay *replay, const struct replay_event *event,
                               const struct request *request, const struct live_block *old)
{
    struct error *error = check_stack(replay, request->stack);
    if (error)
        return error;
    if (request->size > REPLAY_MOST_BYTES)
        return error_format(ERROR_CORRUPT, "a block of %llu bytes does not fit in memory",
                            (unsigned long long)request->size);
    event->thread->unknown_run = 0;
    event->thread->last_address = request->address;
    if (!request->address)
        return NULL;
    error = evict(replay, event, request->address);
    if (error)
        return error;
    if (tracks_freed(replay))
        bad_frees_note_allocated(&replay->bad_frees, process_of(replay, event), request->address);
    struct live_block block = {
        .address = request->address,
        .size = request->size,
        .birth = event->time,
        .thread = event->thread_id & 0x7fffffff,
        .slack = request->has_slack && request->slack < LIVE_SLACK_UNKNOWN
                     ? (uint32_t)request->slack
                     : LIVE_SLACK_UNKNOWN,
    };
    error = begin_block(replay, event, &block, request->stack, old);
    if (!error && !live_map_add(&event->heap->blocks, &block))
        error = error_no_memory();
    return error;
}

/* Its thread has not allocated since. */
static void note_temporary(struct replay *replay, const struct live_block *block)
{
    struct replay_sums *sums = &replay->rows[block->row].sums;
    sums->temporary++;
    sums->temporary_bytes += block->size;
    replay->totals.temporary++;
    replay->totals.temporary_bytes += block->size;
}

static struct error *note_foreign(struct replay *replay, const struct replay_event *event,
                                  const struct live_block *block)
{
    replay->rows[block->row].sums.foreign++;
    replay->totals.foreign++;
    return thread_pairs_add(&replay->foreign, block->thread, event->thread_id, block->size)
               ? NULL
               : error_no_memory();
}

/* A block that has been taken out of its map has ended. */
static struct error *end_block(struct replay *replay, const struct replay_event *event,
                               const struct live_block *block, enum replay_end how)
{
    event->thread->unknown_run = 0;
    if (how == REPLAY_FREED && tracks_freed(replay) &&
        !bad_frees_note_freed(&replay->bad_frees, process_of(replay, event), block,
                              event->thread_id, event->time))
        return error_no_memory();
    if (!replay_is_summed(event->heap, block))
        return NULL;
    replay->totals.deallocations += !replay_is_found(block);
    if (block->inherited) {
        if (replay_is_found(block) && event->heap->found)
            replay_note_found_freed(replay, block);
        else
            replay->totals.inherited_frees++;
        return replay_end_block(replay, block, event->time, how);
    }
    struct replay_thread *owner = &replay->threads[block->thread];
    bool is_last = owner->last_address == block->address;
    if (is_last)
        owner->last_address = 0;
    if (is_last && how == REPLAY_FREED)
        note_temporary(replay, block);
    struct error *error =
        block->thread != event->thread_id ? note_foreign(replay, event, block) : NULL;
    return error ? error : replay_end_block(replay, block, event->time, how);
}

static void begin_resize(struct replay *replay, const struct replay_event *event)
{
    struct replay_thread *thread = event->thread;
    thread->resizing = true;
    thread->later = 0;
    thread->earlier = event->heap->resizing;
    if (thread->earlier)
        replay->threads[thread->earlier].later = event->thread_id;
    event->heap->resizing = event->thread_id;
}

static void end_resize(struct replay *replay, const struct replay_event *event)
{
    const struct replay_thread *thread = event->thread;
    if (thread->later)
        replay->threads[thread->later].earlier = thread->earlier;
    else
        event->heap->resizing = thread->earlier;
    if (thread->earlier)
        replay->threads[thread->earlier].later = thread->later;
    event->thread->resizing = false;
}

static struct error *note_unknown(struct replay *replay, const struct replay_event *event,
                                  uint64_t address, uint32_t stack)
{
    struct replay_thread *thread = event->thread;
    if (!event->heap->selected)
        return NULL;
    if (event->heap->inherits_unknown) {
        replay->totals.inherited_frees++;
        return NULL;
    }
    replay->totals.unknown_frees++;
    if (!thread->unknown_run++)
        thread->bad_run = 0;
    if (!tracks_freed(replay))
        return NULL;
    struct bad_free bad = {
        .address = address,
        .time = event->time,
        .process = process_of(replay, event),
        .thread = event->thread_id,
        .stack = stack,
    };
    size_t before = replay->bad_frees.count;
    if (!bad_frees_add(&replay->bad_frees, &bad, &thread->last_bad))
        return error_no_memory();
    thread->bad_run += replay->bad_frees.count > before;
    return NULL;
}

static struct error *on_free(struct replay *replay, const struct log_free *record)
{
    struct error *error = NULL;
    struct replay_event event;
    struct live_block block;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    struct replay_thread *thread = event.thread;
    error = check_stack(replay, record->stack);
    if (error)
        return error;
    if (thread->resizing && thread->resized.address == record->address) {
        /* A reallocation to size 0: another thread's event fell into it, and it freed its block. */
        block = thread->resized;
        end_resize(replay, &event);
        return end_block(replay, &event, &block, REPLAY_FREED);
    }
    if (live_map_take(&event.heap->blocks, record->address, &block))
        return end_block(replay, &event, &block, REPLAY_FREED);
    return note_unknown(replay, &event, record->address, record->stack);
}

static struct error *on_alloc(struct replay *replay, const struct log_alloc *record)
{
    struct error *error = NULL;
    struct replay_event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    const struct request request = {.address = record->address,
                                    .size = record->size,
                                    .stack = record->stack,
                                    .has_slack = record->has_slack,
                                    .slack = record->slack};
    return add_block(replay, &event, &request, NULL);
}

static struct error *on_realloc(struct replay *replay, const struct log_realloc *record)
{
    struct error *error = NULL;
    struct replay_event event;
    struct live_block block;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    struct replay_thread *thread = event.thread;
    bool known;
    if (thread->resizing) {
        block = thread->resized;
        known = block.address != 0;
        end_resize(replay, &event);
    } else {
        known = live_map_take(&event.heap->blocks, record->old_address, &block);
    }
    if (known)
        error = end_block(replay, &event, &block, REPLAY_RESIZED);
    else if (record->old_address)
        error = note_unknown(replay, &event, record->old_address, record->stack);
    const struct request request = {.address = record->new_address,
                                    .size = record->size,
                                    .stack = record->stack,
                                    .has_slack = record->has_slack,
                                    .slack = record->slack};
    return error ? error : add_block(replay, &event, &request, known ? &block : NULL);
}

/* The block of an open reallocation is alive as before. */
struct error *replay_close_resize(struct replay *replay, const struct replay_event *event)
{
    struct replay_thread *thread = event->thread;
    if (!thread->resizing)
        return NULL;
    end_resize(replay, event);
    if (!thread->resized.address)
        return NULL;
    struct error *error = evict(replay, event, thread->resized.address);
    if (error)
        return error;
    return live_map_add(&event->heap->blocks, &thread->resized) ? NULL : error_no_memory();
}

static struct error *on_realloc_begin(struct replay *replay, const struct log_realloc_begin *record)
{
    struct error *error = NULL;
    struct replay_event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    error = replay_close_resize(replay, &event);
    if (error)
        return error;
    begin_resize(replay, &event);
    if (!live_map_take(&event.heap->blocks, record->address, &event.thread->resized))
        event.thread->resized.address = 0;
    return NULL;
}

static struct error *on_failed(struct replay *replay, const struct log_failed *record)
{
    struct error *error = NULL;
    struct replay_event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    error = check_stack(replay, record->stack);
    if (!error)
        error = replay_close_resize(replay, &event);
    if (error || !event.heap->selected || !is_wanted(replay, &event))
        return error;
    uint32_t row = rows_find(replay, record->stack, rows_group(replay, event.thread_id));
    if (!row)
        return error_no_memory();
    replay->rows[row].sums.failed++;
    replay->rows[row].sums.failed_bytes +=
        record->size < REPLAY_MOST_BYTES ? record->size : REPLAY_MOST_BYTES;
    replay->totals.failed++;
    return NULL;
}

static struct error *change_mapping(struct replay *replay, uint32_t thread, uint64_t time,
                                    uint64_t address, uint64_t size, bool map)
{
    struct error *error = NULL;
    struct replay_event event;
    bool ok;
    if (!begin_event(replay, thread, time, &event, &error))
        return error;
    if (map && size > REPLAY_MOST_BYTES)
        return error_format(ERROR_CORRUPT, "a mapping of %llu bytes does not fit in memory",
                            (unsigned long long)size);
    if (!event.heap->selected)
        return NULL;
    struct mappings *mappings = &event.heap->mappings;
    struct replay_totals *totals = &replay->totals;
    int64_t change = map ? mappings_add(mappings, address, size, &ok)
                         : mappings_remove(mappings, address, size, &ok);
    if (!ok)
        return error_no_memory();
    if (map) {
        totals->mapped++;
        totals->mapped_bytes += size;
    }
    totals->mapped_now += (uint64_t)change;
    if (totals->mapped_now > totals->mapped_peak)
        totals->mapped_peak = totals->mapped_now;
    return NULL;
}

struct error *replay_record(struct replay *replay, const struct log_record *record)
{
    bool of_check = record->kind >= LOG_CHECK && record->kind <= LOG_CHECK_END;
    if (replay->over && record->kind >= LOG_ALLOC && !of_check)
        return NULL;
    switch (record->kind) {
    case LOG_ALLOC:
        return on_alloc(replay, &record->alloc);
    case LOG_FREE:
        return on_free(replay, &record->free);
    case LOG_REALLOC:
        return on_realloc(replay, &record->realloc);
    case LOG_REALLOC_BEGIN:
        return on_realloc_begin(replay, &record->realloc_begin);
    case LOG_FAILED:
        return on_failed(replay, &record->failed);
    case LOG_MMAP:
        return change_mapping(replay, record->mmap.thread, record->mmap.time, record->mmap.address,
                              record->mmap.size, true);
    case LOG_MUNMAP:
        return change_mapping(replay, record->munmap.thread, record->munmap.time,
                              record->munmap.address, record->munmap.size, false);
    case LOG_PROCESS: {
        struct error *error = catalog_add(&replay->catalog, record);
        return error ? error : replay_begin_process(replay, &record->process);
    }
    case LOG_PROCESS_END:
        return replay->over ? NULL : replay_end_process(replay, &record->process_end);
    case LOG_END:
        /* What ran on without an event. */
        return replay->tick_ns && record->end.time <= replay->to_tick
                   ? replay_go_on(replay, record->end.time)
                   : NULL;
    case LOG_THREAD_END:
        replay_end_thread(replay, record->thread_end.thread);
        return NULL;
    case LOG_FOUND:
        return replay_found(replay, &record->found);
    case LOG_CHECK:
    case LOG_ROOT:
    case LOG_VERDICT:
    case LOG_CHECK_END:
        return replay_leak_record(replay, record);
    default:
        return catalog_add(&replay->catalog, record);
    }
}

struct error *replay_finish(struct replay *replay)
{
    replay->more_logs = false;
    struct error *error = replay_end_log(replay);
    for (size_t i = 1; i < replay->row_count; i++)
        rows_touch(replay, (uint32_t)i);
    if (!error && !leak_checks_finish(&replay->leaks))
        error = error_no_memory();
    if (!error)
        error = replay_name_found(replay);
    replay_sum_up_leaks(replay);
    return error;
}
