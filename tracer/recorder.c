/* SPDX-License-Identifier: MIT */
#include "tracer/recorder.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "symbols/symbolize.h"
#include "tracer/ptrace_io.h"
#include "tracer/recorder_internal.h"

/* Small enough to stay in a cache and to have been touched before tracing begins: each page that a
 * snapshot is the first to touch costs the tracee a page fault of ours. Holds eight snapshots of
 * the longest kind. */
#define QUEUE_SIZE (UINT64_C(2) << 20)
/* What was recorded must reach the file even if the tracer is killed, and followers must see it. */
#define FLUSH_NS 400000000
#define FLUSH_ITEMS 4096
#define MAX_NAP_NS 5000000
/* Live memory is read in pieces of this many bytes. */
#define LIVE_CHUNK 65536

/* ---- Recording thread ---- */

uint64_t recorder_ticks(const struct recorder *recorder, uint64_t ns)
{
    return recorder->tick_ns ? ns / recorder->tick_ns : 0;
}

bool recorder_grow(void **array, size_t *count, size_t index, size_t element)
{
    if (index < *count)
        return true;
    size_t wanted = (index + 1) * 2;
    char *grown = realloc(*array, wanted * element);
    if (!grown)
        return false;
    memset(grown + *count * element, 0, (wanted - *count) * element);
    *array = grown;
    *count = wanted;
    return true;
}

void recorder_put(struct recorder *recorder, const struct log_record *record)
{
    pthread_mutex_lock(&recorder->writer_lock);
    log_writer_put(recorder->writer, record);
    pthread_mutex_unlock(&recorder->writer_lock);
}

static void flush(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->writer_lock);
    log_writer_flush(recorder->writer);
    const struct error *error = log_writer_error(recorder->writer);
    if (error)
        atomic_store_explicit(&recorder->failure, error->message, memory_order_release);
    pthread_mutex_unlock(&recorder->writer_lock);
}

static void flush_if_due(struct recorder *recorder)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed = (int64_t)(now.tv_sec - recorder->flushed.tv_sec) * 1000000000 + now.tv_nsec -
                     recorder->flushed.tv_nsec;
    recorder->since_flush = 0;
    if (passed < FLUSH_NS)
        return;
    recorder->flushed = now;
    flush(recorder);
}

struct stack_source {
    const struct recorder_call *call;
    const struct recorder_process_state *process;
    uint64_t chunk_start;
    size_t chunk_size;
    uint8_t *chunk; /* LIVE_CHUNK bytes, for live calls only */
};

/* A thread that a signal interrupted in a slot shows the slot's address in its signal frame. */
static uint64_t translate(const struct recorder_process_state *process, uint64_t word)
{
    if (word < process->slots_start || word >= process->slots_end)
        return word;
    for (size_t i = 0; i < process->slot_count; i++) {
        const struct recorder_slot *slot = &process->slots[i];
        if (word >= slot->slot && word < slot->slot + slot->size)
            return word - slot->slot >= slot->done ? slot->original + slot->length : slot->original;
    }
    return word;
}

static bool read_live(struct stack_source *source, uint64_t address, uint64_t *word)
{
    uint64_t offset = address - source->chunk_start;
    if (!source->chunk || offset >= source->chunk_size ||
        source->chunk_size - offset < sizeof *word) {
        if (!source->chunk)
            source->chunk = malloc(LIVE_CHUNK);
        if (!source->chunk)
            return false;
        source->chunk_start = address;
        source->chunk_size = mem_read(source->call->tid, address, source->chunk, LIVE_CHUNK);
        if (source->chunk_size < sizeof *word)
            return false;
        offset = 0;
    }
    memcpy(word, source->chunk + offset, sizeof *word);
    return true;
}

static bool read_word(uint64_t address, uint64_t *word, void *data)
{
    struct stack_source *source = data;
    const struct recorder_call *call = source->call;
    uint64_t offset = address - call->stack_start;
    if (offset < call->stack_size && call->stack_size - offset >= sizeof *word)
        memcpy(word, call->stack + offset, sizeof *word);
    else if (!call->live || !read_live(source, address, word))
        return false;
    *word = translate(source->process, *word);
    return true;
}

static uint32_t new_frame(struct recorder *recorder, uint32_t module, uint64_t address,
                          uint32_t flags)
{
    struct log_record record = {
        .kind = LOG_FRAME,
        .frame = {.frame = ++recorder->frames,
                  .module = module,
                  .address = address,
                  .flags = flags},
    };
    recorder_put(recorder, &record);
    return record.frame.frame;
}

/* A traced function shows under the name by which it was found, not under an alias of it. */
static void name_allocator(struct recorder *recorder, uint32_t frame, const char *function)
{
    char *demangled = symbol_demangle(function);
    const char *name = demangled ? demangled : function;
    struct log_location location = {.function = {.data = name, .size = strlen(name)}};
    struct log_record record = {
        .kind = LOG_SYMBOL,
        .symbol = {.frame = frame, .location_count = 1, .locations = &location},
    };
    recorder_put(recorder, &record);
    free(demangled);
}

/* allocator: the name of the traced function whose entry this is, or NULL for a caller. */
static uint32_t frame_of(struct recorder *recorder, struct unwind_site *site, const char *allocator)
{
    if (!site->tag) {
        uint32_t flags =
            (allocator ? LOG_FRAME_ALLOCATOR : 0U) | (site->exact ? LOG_FRAME_EXACT : 0U);
        site->tag = new_frame(recorder, site->module, site->address, flags);
        if (allocator)
            name_allocator(recorder, site->tag, allocator);
        else if (site->module)
            symbol_thread_frame(recorder->symbols, site->tag, site->module, site->address,
                                site->exact);
    }
    return site->tag;
}

static uint32_t push_frame(struct recorder *recorder, uint32_t parent, uint32_t frame)
{
    bool is_new;
    uint32_t stack = stack_trie_child(recorder->stacks, parent, frame, &is_new);
    if (stack && is_new) {
        struct log_record record = {
            .kind = LOG_STACK,
            .stack = {.stack = stack, .parent = parent, .frame = frame},
        };
        recorder_put(recorder, &record);
    }
    return stack;
}

static uint32_t intern_stack(struct recorder *recorder, const struct unwind_result *result,
                             const char *allocator)
{
    uint32_t stack = 0;
    if (result->end == UNWIND_DEPTH) {
        recorder->totals.depth_stacks++;
        if (!recorder->depth_frame)
            recorder->depth_frame = new_frame(recorder, 0, 0, LOG_FRAME_DEPTH);
        stack = push_frame(recorder, 0, recorder->depth_frame);
    } else if (result->end != UNWIND_COMPLETE) {
        recorder->totals.incomplete_stacks++;
        if (!recorder->incomplete_frame)
            recorder->incomplete_frame = new_frame(recorder, 0, 0, LOG_FRAME_INCOMPLETE);
        stack = push_frame(recorder, 0, recorder->incomplete_frame);
    }
    for (size_t i = result->count; i-- > 0;)
        stack =
            push_frame(recorder, stack, frame_of(recorder, result->sites[i], i ? NULL : allocator));
    return stack;
}

static struct recorder_thread_state *thread_state(struct recorder *recorder, uint32_t thread)
{
    if (!recorder_grow((void **)&recorder->threads, &recorder->thread_count, thread,
                       sizeof *recorder->threads))
        return NULL;
    return &recorder->threads[thread];
}

void recorder_note_reallocation(struct recorder *recorder, struct recorder_thread_state *thread)
{
    bool reallocating = false, begun = false;
    for (size_t i = 0; i < thread->capacity; i++) {
        const struct open_call *open = &thread->calls[i];
        reallocating = reallocating || (open->old_address && !open->begun);
        begun = begun || (open->old_address && open->begun);
    }
    recorder->reallocating += (uint32_t)reallocating - (uint32_t)thread->reallocating;
    recorder->begun += (uint32_t)begun - (uint32_t)thread->begun;
    thread->reallocating = reallocating;
    thread->begun = begun;
}

static void work_call(struct recorder *recorder, const struct recorder_call *call)
{
    struct stack_source source = {.call = call, .process = &recorder->processes[call->process]};
    struct unwind_memory memory = {.read_word = read_word, .data = &source};
    unwinder_unwind(recorder->unwinder, call->process, &call->registers, true, &memory,
                    &recorder->last);
    free(source.chunk);
    struct open_call open = {.stack = intern_stack(recorder, &recorder->last, call->function),
                             .old_address = call->old_address};
    struct recorder_thread_state *thread = thread_state(recorder, call->thread);
    if (thread && recorder_grow((void **)&thread->calls, &thread->capacity, call->level,
                                sizeof *thread->calls)) {
        /* Calls that never returned (longjmp) end with the next one at their level or below it. */
        for (size_t level = call->level; level < thread->capacity; level += 2)
            thread->calls[level] = (struct open_call){0};
        thread->calls[call->level] = open;
        if (open.old_address || thread->reallocating || thread->begun)
            recorder_note_reallocation(recorder, thread);
    }
    atomic_fetch_add_explicit(&recorder->unwound, 1, memory_order_release);
    if (call->live)
        syscall(SYS_futex, &recorder->unwound, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Another thread's event falls into a reallocation: from here on its old block may be gone. */
static void begin_reallocations(struct recorder *recorder, const struct recorder_event *event)
{
    uint32_t process = recorder->threads[event->thread].process;
    for (size_t i = 0; i < recorder->thread_count; i++) {
        struct recorder_thread_state *thread = &recorder->threads[i];
        if (!thread->reallocating || i == event->thread || thread->process != process)
            continue;
        for (size_t k = 0; k < thread->capacity; k++) {
            struct open_call *open = &thread->calls[k];
            if (!open->old_address || open->begun)
                continue;
            struct log_record record = {
                .kind = LOG_REALLOC_BEGIN,
                .realloc_begin = {.time = recorder_ticks(recorder, event->time),
                                  .thread = (uint32_t)i,
                                  .address = open->old_address},
            };
            open->begun = true;
            recorder_put(recorder, &record);
        }
        recorder_note_reallocation(recorder, thread);
    }
}

static void count_event(struct recorder_totals *totals, const struct recorder_event *event)
{
    totals->events++;
    if (event->kind == LOG_ALLOC || event->kind == LOG_REALLOC) {
        totals->allocations++;
        totals->bytes_allocated += event->size;
    }
}

static void put_event(struct recorder *recorder, const struct recorder_event *event, uint32_t stack)
{
    struct log_record record = {.kind = event->kind};
    uint64_t time = recorder_ticks(recorder, event->time);
    switch (record.kind) {
    case LOG_ALLOC:
        record.alloc = (struct log_alloc){.time = time,
                                          .thread = event->thread,
                                          .address = event->address,
                                          .size = event->size,
                                          .stack = stack,
                                          .slack = event->slack,
                                          .has_slack = event->has_slack};
        break;
    case LOG_FREE:
        record.free = (struct log_free){
            .time = time, .thread = event->thread, .address = event->address, .stack = stack};
        break;
    case LOG_REALLOC:
        record.realloc = (struct log_realloc){.time = time,
                                              .thread = event->thread,
                                              .old_address = event->old_address,
                                              .new_address = event->address,
                                              .size = event->size,
                                              .stack = stack,
                                              .slack = event->slack,
                                              .has_slack = event->has_slack};
        break;
    case LOG_FAILED:
        record.failed = (struct log_failed){
            .time = time, .thread = event->thread, .size = event->size, .stack = stack};
        break;
    case LOG_MMAP:
        record.mmap = (struct log_mmap){.time = time,
                                        .thread = event->thread,
                                        .address = event->address,
                                        .size = event->size,
                                        .stack = stack};
        break;
    case LOG_MUNMAP:
        record.munmap = (struct log_munmap){
            .time = time, .thread = event->thread, .address = event->address, .size = event->size};
        break;
    default:
        return;
    }
    recorder_put(recorder, &record);
    count_event(&recorder->totals, event);
}

static void work_event(struct recorder *recorder, const struct recorder_event *event)
{
    struct recorder_thread_state *thread = thread_state(recorder, event->thread);
    if (!thread)
        return;
    uint32_t stack = 0;
    bool replaced = false;
    /* One call may come to several events (mremap); its stack stays until the level is reused. */
    if (event->level != RECORDER_NO_CALL && event->level < thread->capacity) {
        struct open_call *open = &thread->calls[event->level];
        stack = open->stack;
        replaced = open->old_address && open->replaced;
        open->old_address = 0;
        if (thread->reallocating || thread->begun)
            recorder_note_reallocation(recorder, thread);
    }
    if (recorder->reallocating)
        begin_reallocations(recorder, event);
    put_event(recorder, event, stack);
    if (recorder->leak_check)
        recorder_live_event(recorder, event, stack, replaced);
}

static void work(struct recorder *recorder, uint32_t *item)
{
    switch ((enum recorder_item) * item) {
    case ITEM_CALL:
        work_call(recorder, (struct recorder_call *)item);
        break;
    case ITEM_EVENT:
        work_event(recorder, (struct recorder_event *)item);
        break;
    case ITEM_DEFINITION: {
        struct definition *definition = ((struct definition_item *)item)->definition;
        definition->apply(recorder, definition);
        break;
    }
    }
}

static struct log_count count_of(const char *name, uint64_t value)
{
    return (struct log_count){.name = {.data = name, .size = strlen(name)}, .value = value};
}

static void put_end(struct recorder *recorder)
{
    const struct recorder_totals *totals = &recorder->totals;
    const struct counters *counters = &recorder->counters;
    const struct log_count counts[] = {
        count_of("events", totals->events),
        count_of("stops", counters->stops),
        count_of("stacks", totals->distinct_stacks),
        count_of("frames", totals->distinct_frames),
        count_of("unwinds", totals->unwinder.stacks),
        count_of("incomplete_stacks", totals->incomplete_stacks),
        count_of("abandoned_calls", counters->abandoned),
    };
    struct log_record record = {
        .kind = LOG_END,
        .end = {.time = recorder_ticks(recorder, recorder_now(recorder)),
                .count_count = sizeof counts / sizeof *counts,
                .counts = counts},
    };
    recorder_put(recorder, &record);
}

/* All of it may wait for the log's file, so it is not for the tracing thread to do. */
static void end_log(struct recorder *recorder)
{
    struct recorder_totals *totals = &recorder->totals;
    if (recorder->before_end)
        recorder->before_end(recorder->before_end_data);
    symbol_thread_finish(recorder->symbols);
    totals->unwinder = *unwinder_counters(recorder->unwinder);
    totals->distinct_stacks = stack_trie_count(recorder->stacks);
    totals->distinct_frames = recorder->frames;
    /* A log that lacks events is one that was cut off. */
    if (!recorder->given_up)
        put_end(recorder);
    log_writer_flush(recorder->writer);
    totals->bytes_encoded = log_writer_bytes_encoded(recorder->writer);
    log_writer_finish(recorder->writer);
    totals->bytes_written = log_writer_bytes_written(recorder->writer);
}

static void *run(void *argument)
{
    struct recorder *recorder = argument;
    for (;;) {
        size_t size;
        /* First, so that nothing is published between the two looks. */
        bool ending = atomic_load_explicit(&recorder->ending, memory_order_acquire);
        uint32_t *item = queue_peek(recorder->queue, &size);
        if (!item && ending)
            break;
        if (!item) {
            flush_if_due(recorder);
            queue_nap(recorder->queue, MAX_NAP_NS);
            continue;
        }
        work(recorder, item);
        queue_pop(recorder->queue);
        if (++recorder->since_flush >= FLUSH_ITEMS)
            flush_if_due(recorder);
    }
    end_log(recorder);
    return NULL;
}

static void put_symbol(const struct log_record *record, void *data)
{
    recorder_put(data, record);
}

/* ---- Start and end ---- */

void recorder_destroy(struct recorder *recorder)
{
    for (size_t i = 0; i < recorder->process_count; i++) {
        free(recorder->processes[i].slots);
        live_blocks_destroy(recorder->processes[i].live);
    }
    for (size_t i = 0; i < recorder->thread_count; i++)
        free(recorder->threads[i].calls);
    free(recorder->processes);
    free(recorder->threads);
    stack_trie_destroy(recorder->stacks);
    unwinder_destroy(recorder->unwinder);
    queue_destroy(recorder->queue);
    free(recorder->spare);
    error_free(recorder->given_up);
    pthread_mutex_destroy(&recorder->writer_lock);
    free(recorder);
}

static struct error *start_thread(struct recorder *recorder, const cpu_set_t *cpus)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (cpus)
        pthread_attr_setaffinity_np(&attributes, sizeof *cpus, cpus);
    int failure = pthread_create(&recorder->thread, &attributes, run, recorder);
    pthread_attr_destroy(&attributes);
    return failure ? error_errno(failure, "cannot start the recording thread") : NULL;
}

struct error *recorder_start(const struct recorder_options *options, struct recorder **out)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return error_no_memory();
    pthread_mutex_init(&recorder->writer_lock, NULL);
    clock_gettime(CLOCK_MONOTONIC, &recorder->start);
    recorder->flushed = recorder->start;
    recorder->tick_ns = options->header->tick_ns;
    recorder->leak_check = options->leak_check;
    recorder->before_end = options->before_end;
    recorder->before_end_data = options->before_end_data;
    struct unwind_options unwind = {.depth = options->depth, .walk_only = options->walk_only};
    struct error *error = queue_create(QUEUE_SIZE, &recorder->queue);
    if (!error)
        error = unwinder_create(&unwind, &recorder->unwinder);
    if (!error &&
        (!(recorder->stacks = stack_trie_create()) || !(recorder->spare = malloc(QUEUE_SIZE / 2))))
        error = error_no_memory();
    if (!error)
        queue_set_give_up(recorder->queue, recorder_stalled, recorder);
    if (!error)
        error = log_writer_open(options->path, options->header, &recorder->writer);
    /* Signals are for the tracing thread: they must interrupt its wait. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!error)
        error = symbol_thread_start(put_symbol, recorder, options->cpus, &recorder->symbols);
    if (!error)
        error = start_thread(recorder, options->cpus);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        if (recorder->symbols)
            symbol_thread_finish(recorder->symbols);
        if (recorder->writer)
            error_free(log_writer_close(recorder->writer));
        recorder_destroy(recorder);
        return error;
    }
    *out = recorder;
    return NULL;
}
