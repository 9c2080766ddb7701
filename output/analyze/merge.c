/* SPDX-License-Identifier: MIT */
#include "output/analyze/merge.h"

#include <stdlib.h>

#include "output/analyze/key_ids.h"

/* ---- Ids ---- */

static struct error *map_id(struct merge_ids *map, uint32_t id, uint32_t to, const char *what)
{
    if (id != map->count)
        return error_format(ERROR_CORRUPT, "%s %u is defined out of order (%zu was next)", what, id,
                            map->count);
    if ((map->count & (map->count - 1)) == 0) {
        uint32_t *ids = realloc(map->ids, map->count * 2 * sizeof *ids);
        if (!ids)
            return error_no_memory();
        map->ids = ids;
    }
    map->ids[map->count++] = to;
    return NULL;
}

/* Turns *id into the replay's; 0, none, is allowed if optional is set. */
static struct error *translate(const struct merge_ids *map, uint32_t *id, bool optional,
                               const char *what)
{
    if (!*id && optional)
        return NULL;
    if (!*id || *id >= map->count)
        return error_format(ERROR_CORRUPT, "%s %u is used and was not defined", what, *id);
    *id = map->ids[*id];
    return NULL;
}

/* ---- Definitions that may be known ---- */

struct module_key {
    const char *path, *build_id; /* interned */
};

struct frame_key {
    uint64_t address;
    uint32_t module, flags;
};

static uint32_t know_module(struct merge *merge, const struct catalog_module *module, uint32_t id)
{
    struct module_key key = {.path = module->path, .build_id = module->build_id};
    return key_ids_add(&merge->known_modules, &key, sizeof key, id);
}

static uint32_t know_frame(struct merge *merge, const struct catalog_frame *frame, uint32_t id)
{
    struct frame_key key = {
        .address = frame->address, .module = frame->module, .flags = frame->flags};
    return key_ids_add(&merge->known_frames, &key, sizeof key, id);
}

static uint32_t know_stack(struct merge *merge, uint32_t parent, uint32_t frame, uint32_t id)
{
    uint64_t key = (uint64_t)parent << 32 | frame;
    return key_ids_add(&merge->known_stacks, &key, sizeof key, id);
}

/* What the first log has defined. */
static struct error *index_catalog(struct merge *merge, const struct catalog *catalog)
{
    bool done = true;
    for (uint32_t i = 1; done && i < catalog->module_count; i++)
        done = know_module(merge, &catalog->modules[i], i);
    for (uint32_t i = 1; done && i < catalog->frame_count; i++)
        done = know_frame(merge, &catalog->frames[i], i);
    for (uint32_t i = 1; done && i < catalog->stack_count; i++)
        done = know_stack(merge, catalog->stacks[i].parent, catalog->stacks[i].frame, i);
    for (uint32_t i = 0; done && i < catalog->note_count; i++)
        done = key_ids_add(&merge->known_notes, &catalog->notes[i], sizeof(char *), i + 1);
    merge->indexed = done;
    return done ? NULL : error_no_memory();
}

/* The record's own id becomes that of the known thing or else next, which is the replay's next. */
static struct error *settle(struct merge_ids *map, uint32_t *id, uint32_t found, size_t next,
                            const char *what, bool *known)
{
    if (!found)
        return error_no_memory();
    struct error *error = map_id(map, *id, found, what);
    *id = found;
    *known = found != next;
    return error;
}

static struct error *on_module(struct merge *merge, struct catalog *catalog,
                               struct log_module *module, bool *known)
{
    const struct catalog_module as_kept = {.path = catalog_text(catalog, module->path),
                                           .build_id = catalog_build_id(catalog, module->build_id)};
    if (!as_kept.path || !as_kept.build_id)
        return error_no_memory();
    size_t next = catalog->module_count;
    return settle(&merge->modules, &module->module, know_module(merge, &as_kept, (uint32_t)next),
                  next, "module", known);
}

static struct error *on_frame(struct merge *merge, const struct catalog *catalog,
                              struct log_frame *frame, bool *known)
{
    struct error *error = translate(&merge->modules, &frame->module, true, "module");
    if (error)
        return error;
    const struct catalog_frame as_kept = {
        .module = frame->module, .flags = frame->flags, .address = frame->address};
    size_t next = catalog->frame_count;
    return settle(&merge->frames, &frame->frame, know_frame(merge, &as_kept, (uint32_t)next), next,
                  "frame", known);
}

static struct error *on_stack(struct merge *merge, const struct catalog *catalog,
                              struct log_stack *stack, bool *known)
{
    struct error *error = translate(&merge->frames, &stack->frame, false, "frame");
    if (!error)
        error = translate(&merge->stacks, &stack->parent, true, "stack");
    if (error)
        return error;
    size_t next = catalog->stack_count;
    return settle(&merge->stacks, &stack->stack,
                  know_stack(merge, stack->parent, stack->frame, (uint32_t)next), next, "stack",
                  known);
}

static struct error *on_process(struct merge *merge, const struct catalog *catalog,
                                struct log_process *process)
{
    struct error *error = translate(&merge->processes, &process->parent, true, "process");
    uint32_t next = (uint32_t)catalog->process_count;
    if (!error)
        error = map_id(&merge->processes, process->process, next, "process");
    process->process = next;
    return error;
}

static struct error *on_thread(struct merge *merge, const struct catalog *catalog,
                               struct log_thread *thread)
{
    struct error *error = translate(&merge->processes, &thread->process, false, "process");
    uint32_t next = (uint32_t)catalog->thread_count;
    if (!error)
        error = map_id(&merge->threads, thread->thread, next, "thread");
    thread->thread = next;
    return error;
}

/* Notes have no ids, but one that is told once is enough. */
static struct error *on_note(struct merge *merge, struct catalog *catalog,
                             const struct log_note *note, bool *known)
{
    const char *text = catalog_text(catalog, note->text);
    uint32_t next = (uint32_t)catalog->note_count + 1;
    uint32_t first = text ? key_ids_add(&merge->known_notes, &text, sizeof text, next) : 0;
    *known = first != next;
    return first ? NULL : error_no_memory();
}

/* Ids of leak checks and roots, which are never the same as others. Which ones there are is known
 * to the replay. */
static struct error *go_on(uint32_t before, uint32_t *id, const char *what)
{
    if (*id && __builtin_add_overflow(*id, before, id))
        return error_format(ERROR_CORRUPT, "%s %u is used and was not defined", what, *id - before);
    return NULL;
}

static struct error *on_check(const struct merge *merge, struct log_check *check)
{
    struct error *error = go_on(merge->checks, &check->check, "leak check");
    return error ? error : translate(&merge->processes, &check->process, false, "process");
}

static struct error *on_root(const struct merge *merge, struct log_root *root)
{
    struct error *error = go_on(merge->roots, &root->root, "root");
    if (!error)
        error = go_on(merge->checks, &root->check, "leak check");
    if (!error)
        error = translate(&merge->threads, &root->thread, true, "thread");
    return error ? error : translate(&merge->modules, &root->module, true, "module");
}

static struct error *on_verdict(const struct merge *merge, struct log_verdict *verdict)
{
    struct error *error = go_on(merge->checks, &verdict->check, "leak check");
    if (!error)
        error = go_on(merge->roots, &verdict->root, "root");
    if (!error)
        error = translate(&merge->threads, &verdict->thread, true, "thread");
    return error ? error : translate(&merge->stacks, &verdict->stack, true, "stack");
}

/* ---- Times ---- */

static void shift(const struct merge *merge, uint64_t *time)
{
    unsigned __int128 ticks = *time;
    if (merge->tick_ns != merge->replay_tick_ns && merge->replay_tick_ns)
        ticks = ticks * merge->tick_ns / merge->replay_tick_ns;
    ticks += merge->start;
    *time = ticks > UINT64_MAX ? UINT64_MAX : (uint64_t)ticks;
}

/* ---- All records ---- */

struct error *merge_begin(struct merge *merge, struct replay *replay,
                          const struct log_header *header, uint64_t start)
{
    struct merge_ids *maps[] = {&merge->modules, &merge->frames, &merge->stacks, &merge->threads,
                                &merge->processes};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        free(maps[i]->ids);
        *maps[i] = (struct merge_ids){.ids = calloc(1, sizeof(uint32_t)), .count = 1};
        if (!maps[i]->ids)
            return error_no_memory();
    }
    merge->start = start;
    merge->checks = replay->leaks.count ? (uint32_t)replay->leaks.count - 1 : 0;
    merge->roots = replay->leaks.root_count ? (uint32_t)replay->leaks.root_count - 1 : 0;
    merge->tick_ns = header->tick_ns;
    merge->replay_tick_ns = replay->tick_ns;
    return merge->indexed ? NULL : index_catalog(merge, &replay->catalog);
}

void merge_deinit(struct merge *merge)
{
    free(merge->modules.ids);
    free(merge->frames.ids);
    free(merge->stacks.ids);
    free(merge->threads.ids);
    free(merge->processes.ids);
    key_ids_deinit(&merge->known_modules);
    key_ids_deinit(&merge->known_frames);
    key_ids_deinit(&merge->known_stacks);
    key_ids_deinit(&merge->known_notes);
    *merge = (struct merge){0};
}

/* stack is NULL for an event that has none. */
static struct error *on_event(const struct merge *merge, uint64_t *time, uint32_t *thread,
                              uint32_t *stack)
{
    shift(merge, time);
    struct error *error = translate(&merge->threads, thread, false, "thread");
    return error || !stack ? error : translate(&merge->stacks, stack, true, "stack");
}

struct error *merge_record(struct merge *merge, struct replay *replay, struct log_record *record,
                           bool *known)
{
    struct catalog *catalog = &replay->catalog;
    struct error *error = NULL;
    *known = false;
    switch (record->kind) { /* without a default: a new kind must be looked at here */
    case LOG_PROCESS:
        return on_process(merge, catalog, &record->process);
    case LOG_THREAD:
        return on_thread(merge, catalog, &record->thread);
    case LOG_MODULE:
        return on_module(merge, catalog, &record->module, known);
    case LOG_FRAME:
        return on_frame(merge, catalog, &record->frame, known);
    case LOG_STACK:
        return on_stack(merge, catalog, &record->stack, known);
    case LOG_SYMBOL:
        return translate(&merge->frames, &record->symbol.frame, false, "frame");
    case LOG_MAP:
    case LOG_UNMAP:
        error = translate(&merge->processes, &record->map.process, true, "process");
        return error ? error : translate(&merge->modules, &record->map.module, false, "module");
    case LOG_PROCESS_END:
        shift(merge, &record->process_end.time);
        return translate(&merge->processes, &record->process_end.process, false, "process");
    case LOG_THREAD_END:
        return on_event(merge, &record->thread_end.time, &record->thread_end.thread, NULL);
    case LOG_ALLOC:
        return on_event(merge, &record->alloc.time, &record->alloc.thread, &record->alloc.stack);
    case LOG_FREE:
        return on_event(merge, &record->free.time, &record->free.thread, &record->free.stack);
    case LOG_REALLOC:
        return on_event(merge, &record->realloc.time, &record->realloc.thread,
                        &record->realloc.stack);
    case LOG_REALLOC_BEGIN:
        return on_event(merge, &record->realloc_begin.time, &record->realloc_begin.thread, NULL);
    case LOG_FAILED:
        return on_event(merge, &record->failed.time, &record->failed.thread, &record->failed.stack);
    case LOG_MMAP:
        return on_event(merge, &record->mmap.time, &record->mmap.thread, &record->mmap.stack);
    case LOG_MUNMAP:
        return on_event(merge, &record->munmap.time, &record->munmap.thread, NULL);
    case LOG_END:
        shift(merge, &record->end.time);
        break;
    case LOG_FOUND:
        return translate(&merge->processes, &record->found.process, false, "process");
    case LOG_CHECK:
        shift(merge, &record->check.time);
        return on_check(merge, &record->check);
    case LOG_ROOT:
        return on_root(merge, &record->root);
    case LOG_VERDICT:
        return on_verdict(merge, &record->verdict);
    case LOG_CHECK_END:
        return go_on(merge->checks, &record->check_end.check, "leak check");
    case LOG_NOTE:
        return on_note(merge, catalog, &record->note, known);
    }
    return NULL;
}
