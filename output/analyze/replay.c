/* SPDX-License-Identifier: MIT */
#include "output/analyze/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/live_map.h"
#include "output/analyze/mappings.h"
#include "output/analyze/rows.h"

#define STATUS_EXEC (-2) /* log_process_end.status */

/* No address space holds a larger block: 57 bits are the most that x86-64 can map. */
#define MOST_BYTES (UINT64_C(1) << 57)

/* Blocks that are copied to forked children: those of children alive at the same time, which take
 * memory, and all ever, which take time. Both grow with the log, for a log may fork in each of its
 * records. A child beyond that has none of its parent's. */
#define INHERITED_FIRST (UINT64_C(1) << 20)
#define INHERITED_PER_EVENT 2
#define COPIED_FIRST (UINT64_C(32) << 20)
#define COPIED_PER_EVENT 32

struct replay_heap {
    struct live_map blocks;
    struct mappings mappings;
    bool selected;         /* its events are to be summed up */
    bool inherits_unknown; /* no copy was made: an unknown block is taken for its parent's */
    bool ended;
    size_t inherited;  /* blocks that were copied to it from its parent */
    uint32_t resizing; /* the thread whose LOG_REALLOC_BEGIN is the last open one, 0: none */
};

struct replay_thread {
    uint64_t last_address;     /* of its last allocation, 0 after it was freed */
    uint64_t unknown_run;      /* frees of unknown addresses since it last did something else */
    bool resizing;             /* a LOG_REALLOC_BEGIN is open */
    struct live_block resized; /* its block; address 0 if it was not known */
    uint32_t earlier, later;   /* the heap's other threads that are resizing, 0: none */
};

static uint64_t tick_of(double seconds, uint64_t tick_ns)
{
    if (!isfinite(seconds) || !tick_ns)
        return seconds > 0 ? UINT64_MAX : 0;
    double ticks = seconds * 1e9 / (double)tick_ns;
    return ticks <= 0 ? 0 : ticks >= 1e19 ? UINT64_MAX : (uint64_t)ticks;
}

struct error *replay_init(struct replay *replay, const struct replay_options *options,
                          const struct log_header *header)
{
    *replay = (struct replay){
        .options = *options,
        .tick_ns = header->tick_ns,
        .from_tick = tick_of(options->from, header->tick_ns),
        .to_tick = tick_of(options->to, header->tick_ns),
        .row_count = 1,
    };
    struct error *error = catalog_init(&replay->catalog);
    replay->rows = calloc(1, sizeof *replay->rows);
    if (!error && !replay->rows)
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
    rows_deinit(replay);
    catalog_deinit(&replay->catalog);
}

/* ---- Events ---- */

struct event {
    struct replay_thread *thread;
    struct replay_heap *heap;
    uint32_t thread_id;
    uint64_t time;
};

/* Whether the event is to be looked at; *error if it contradicts the log. */
static bool begin_event(struct replay *replay, uint32_t thread, uint64_t time, struct event *event,
                        struct error **error)
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
    if (time > replay->totals.last_time)
        replay->totals.last_time = time;
    *event = (struct event){.thread = &replay->threads[thread],
                            .heap = &replay->heaps[process],
                            .thread_id = thread,
                            .time = time};
    return true;
}

/* Whether what the event allocates is to be summed up, if its process is. */
static bool is_wanted(const struct replay *replay, const struct event *event)
{
    return event->time >= replay->from_tick &&
           (replay->options.tid < 0 ||
            replay->catalog.threads[event->thread_id].tid == replay->options.tid);
}

/* Blocks that are not to be summed up are known all the same, so that their ends are. */
static bool is_summed(const struct replay_heap *heap, const struct live_block *block)
{
    return heap->selected && block->row;
}

static struct error *check_stack(const struct replay *replay, uint32_t stack)
{
    return stack < replay->catalog.stack_count
               ? NULL
               : error_format(ERROR_CORRUPT, "stack %u is used and was not defined", stack);
}

/* A block is to be where another one is said to be alive: that one's end was missed. */
static void evict(struct replay *replay, const struct event *event, uint64_t address)
{
    struct live_block old;
    if (!live_map_take(&event->heap->blocks, address, &old) || !is_summed(event->heap, &old))
        return;
    replay->totals.missed_frees++;
    rows_remove_live(replay, &old);
}

static struct error *add_block(struct replay *replay, const struct event *event, uint64_t address,
                               uint64_t size, uint32_t stack, bool resized)
{
    struct replay_totals *totals = &replay->totals;
    struct error *error = check_stack(replay, stack);
    if (error)
        return error;
    if (size > MOST_BYTES)
        return error_format(ERROR_CORRUPT, "a block of %llu bytes does not fit in memory",
                            (unsigned long long)size);
    event->thread->unknown_run = 0;
    event->thread->last_address = address;
    if (!address)
        return NULL;
    evict(replay, event, address);
    struct live_block block = {
        .address = address, .size = size, .thread = event->thread_id & 0x7fffffff};
    if (is_wanted(replay, event)) {
        block.row = rows_find(replay, stack, rows_group(replay, event->thread_id));
        if (!block.row)
            return error_no_memory();
    }
    if (is_summed(event->heap, &block)) {
        struct replay_sums *sums = &replay->rows[block.row].sums;
        sums->count++;
        sums->bytes += size;
        sums->reallocations += resized;
        totals->allocations++;
        totals->bytes += size;
        totals->reallocations += resized;
        rows_add_live(replay, &block);
        rows_note_peak(replay, event->time);
    }
    return live_map_add(&event->heap->blocks, &block) ? NULL : error_no_memory();
}

/* A block that has been taken out of its map has ended. */
static void end_block(struct replay *replay, const struct event *event,
                      const struct live_block *block, bool freed)
{
    struct replay_totals *totals = &replay->totals;
    event->thread->unknown_run = 0;
    if (!is_summed(event->heap, block))
        return;
    rows_remove_live(replay, block);
    totals->deallocations++;
    if (block->inherited) {
        totals->inherited_frees++;
        return;
    }
    struct replay_thread *owner = &replay->threads[block->thread];
    if (owner->last_address != block->address)
        return;
    owner->last_address = 0;
    if (freed) {
        struct replay_sums *sums = &replay->rows[block->row].sums;
        sums->temporary++;
        sums->temporary_bytes += block->size;
        totals->temporary++;
        totals->temporary_bytes += block->size;
    }
}

static void begin_resize(struct replay *replay, const struct event *event)
{
    struct replay_thread *thread = event->thread;
    thread->resizing = true;
    thread->later = 0;
    thread->earlier = event->heap->resizing;
    if (thread->earlier)
        replay->threads[thread->earlier].later = event->thread_id;
    event->heap->resizing = event->thread_id;
}

static void end_resize(struct replay *replay, const struct event *event)
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

static void note_unknown(struct replay *replay, const struct event *event)
{
    if (!event->heap->selected)
        return;
    if (event->heap->inherits_unknown) {
        replay->totals.inherited_frees++;
        return;
    }
    replay->totals.unknown_frees++;
    event->thread->unknown_run++;
}

static struct error *on_free(struct replay *replay, const struct log_free *record)
{
    struct error *error = NULL;
    struct event event;
    struct live_block block;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    struct replay_thread *thread = event.thread;
    if (thread->resizing && thread->resized.address == record->address) {
        /* A reallocation to size 0: another thread's event fell into it, and it freed its block. */
        block = thread->resized;
        end_resize(replay, &event);
        end_block(replay, &event, &block, true);
    } else if (live_map_take(&event.heap->blocks, record->address, &block)) {
        end_block(replay, &event, &block, true);
    } else {
        note_unknown(replay, &event);
    }
    return NULL;
}

static struct error *on_alloc(struct replay *replay, const struct log_alloc *record)
{
    struct error *error = NULL;
    struct event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    return add_block(replay, &event, record->address, record->size, record->stack, false);
}

static struct error *on_realloc(struct replay *replay, const struct log_realloc *record)
{
    struct error *error = NULL;
    struct event event;
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
        end_block(replay, &event, &block, false);
    else if (record->old_address)
        note_unknown(replay, &event);
    return add_block(replay, &event, record->new_address, record->size, record->stack, true);
}

/* The block of an open reallocation is alive as before. */
static struct error *close_resize(struct replay *replay, const struct event *event)
{
    struct replay_thread *thread = event->thread;
    if (!thread->resizing)
        return NULL;
    end_resize(replay, event);
    if (!thread->resized.address)
        return NULL;
    evict(replay, event, thread->resized.address);
    return live_map_add(&event->heap->blocks, &thread->resized) ? NULL : error_no_memory();
}

static struct error *on_realloc_begin(struct replay *replay, const struct log_realloc_begin *record)
{
    struct error *error = NULL;
    struct event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    error = close_resize(replay, &event);
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
    struct event event;
    if (!begin_event(replay, record->thread, record->time, &event, &error))
        return error;
    error = check_stack(replay, record->stack);
    if (!error)
        error = close_resize(replay, &event);
    if (error || !event.heap->selected || !is_wanted(replay, &event))
        return error;
    uint32_t row = rows_find(replay, record->stack, rows_group(replay, event.thread_id));
    if (!row)
        return error_no_memory();
    replay->rows[row].sums.failed++;
    replay->totals.failed++;
    return NULL;
}

static struct error *change_mapping(struct replay *replay, uint32_t thread, uint64_t time,
                                    uint64_t address, uint64_t size, bool map)
{
    struct error *error = NULL;
    struct event event;
    bool ok;
    if (!begin_event(replay, thread, time, &event, &error))
        return error;
    if (map && size > MOST_BYTES)
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

/* ---- Processes and threads ---- */

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
    heap->inherited = parent->count;
    replay->inherited += heap->inherited;
    replay->copied += heap->inherited;
    if (!live_map_copy(&heap->blocks, parent))
        return error_no_memory();
    while ((block = live_map_next(&heap->blocks, &index))) {
        block->inherited = 1;
        if (block->row && replay->options.split == REPLAY_BY_PROCESS) {
            block->row = rows_find(replay, replay->rows[block->row].stack, process->process);
            if (!block->row)
                return error_no_memory();
        }
        if (is_summed(heap, block))
            rows_add_live(replay, block);
    }
    rows_note_peak(replay, replay->totals.last_time);
    return NULL;
}

static struct error *begin_process(struct replay *replay, const struct log_process *process)
{
    if (!replay_grow(&replay->heaps, &replay->heap_count, process->process, sizeof *replay->heaps))
        return error_no_memory();
    struct replay_heap *heap = &replay->heaps[process->process];
    heap->selected = replay->options.pid < 0 || process->pid == replay->options.pid;
    bool copies = process->origin == LOG_ORIGIN_FORK && process->parent && !replay->over;
    return copies ? inherit(replay, process, heap) : NULL;
}

static void end_live(struct replay *replay, const struct replay_heap *heap,
                     const struct live_block *block, bool leaks)
{
    if (!is_summed(heap, block))
        return;
    rows_remove_live(replay, block);
    if (!leaks || block->inherited)
        return;
    struct replay_sums *sums = &replay->rows[block->row].sums;
    sums->leaked++;
    sums->leaked_bytes += block->size;
    replay->totals.leaked++;
    replay->totals.leaked_bytes += block->size;
}

/* What is alive when its process ends has leaked, unless an exec took the whole heap away. */
static void end_heap(struct replay *replay, uint32_t process, bool leaks)
{
    struct replay_heap *heap = &replay->heaps[process];
    size_t index = 0;
    const struct live_block *block;
    while ((block = live_map_next(&heap->blocks, &index)))
        end_live(replay, heap, block, leaks);
    live_map_deinit(&heap->blocks);
    uint64_t mapped = heap->mappings.total;
    replay->totals.mapped_now -= mapped;
    if (leaks)
        replay->totals.mapped_end += mapped;
    mappings_deinit(&heap->mappings);
    replay->inherited -= heap->inherited;
    heap->inherited = 0;
    heap->ended = true;
}

/* Reallocations that the end of their process or of the log cut short. */
static struct error *close_resizes(struct replay *replay, uint32_t process)
{
    struct replay_heap *heap = &replay->heaps[process];
    struct error *error = NULL;
    while (!error && heap->resizing) {
        struct event event = {.thread = &replay->threads[heap->resizing],
                              .heap = heap,
                              .thread_id = heap->resizing,
                              .time = replay->totals.last_time};
        error = close_resize(replay, &event);
    }
    return error;
}

static struct error *end_process(struct replay *replay, const struct log_process_end *end)
{
    if (!end->process || end->process >= replay->catalog.process_count)
        return error_format(ERROR_CORRUPT, "process %u ends and was not defined", end->process);
    if (replay->tick_ns && end->time > replay->to_tick) {
        replay->over = true;
        return NULL;
    }
    struct error *error = close_resizes(replay, end->process);
    if (!error)
        end_heap(replay, end->process, end->status != STATUS_EXEC);
    return error;
}

/* As a thread ends, glibc frees the blocks that it had kept back for the thread (tcache): these
 * were freed by the program before, so a run of unknown frees at a thread's end is none of its. */
static void end_thread(struct replay *replay, uint32_t id)
{
    if (id >= replay->thread_count)
        return;
    replay->totals.unknown_frees -= replay->threads[id].unknown_run;
    replay->totals.cleanup_frees += replay->threads[id].unknown_run;
    replay->threads[id].unknown_run = 0;
}

struct error *replay_record(struct replay *replay, const struct log_record *record)
{
    if (replay->over && record->kind >= LOG_ALLOC)
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
        return error ? error : begin_process(replay, &record->process);
    }
    case LOG_PROCESS_END:
        return replay->over ? NULL : end_process(replay, &record->process_end);
    case LOG_THREAD_END:
        end_thread(replay, record->thread_end.thread);
        return NULL;
    default:
        return catalog_add(&replay->catalog, record);
    }
}

struct error *replay_finish(struct replay *replay)
{
    struct error *error = NULL;
    for (uint32_t i = 1; !error && i < replay->catalog.process_count; i++) {
        error = close_resizes(replay, i);
        if (!error)
            end_heap(replay, i, true);
    }
    for (size_t i = 1; i < replay->row_count; i++)
        rows_touch(replay, (uint32_t)i);
    return error;
}
