/* SPDX-License-Identifier: MIT */
/* Processes, threads, modules: what events refer to. Each is an object that the tracing thread
 * makes and the recording thread applies, in its place in the order of events. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/recorder_internal.h"

static struct log_text text_of(const char *string)
{
    return (struct log_text){.data = string, .size = strlen(string)};
}

/* Copies text to where *end points, moves *end on, and returns the copy. */
static struct log_text text_copy(struct log_text text, char **end)
{
    char *at = *end;
    if (text.size) /* an empty one may have no address */
        memcpy(at, text.data, text.size);
    *end = at + text.size;
    return (struct log_text){.data = at, .size = text.size};
}

static struct recorder_process_state *process_state(struct recorder *recorder, uint32_t process)
{
    if (!recorder_grow((void **)&recorder->processes, &recorder->process_count, process,
                       sizeof *recorder->processes))
        return NULL;
    return &recorder->processes[process];
}

/* ---- Processes ---- */

struct process_definition {
    struct definition head;
    struct log_process process;
    struct log_text arguments[];
};

static void copy_slots(struct recorder *recorder, uint32_t from, uint32_t to)
{
    const struct recorder_process_state *parent = &recorder->processes[from];
    struct recorder_process_state *child = &recorder->processes[to];
    if (!parent->slot_count)
        return;
    child->slots = malloc(parent->slot_count * sizeof *child->slots);
    if (!child->slots)
        return;
    memcpy(child->slots, parent->slots, parent->slot_count * sizeof *child->slots);
    child->slot_count = child->slot_capacity = parent->slot_count;
    child->slots_start = parent->slots_start;
    child->slots_end = parent->slots_end;
}

static void apply_process(struct recorder *recorder, struct definition *definition)
{
    struct process_definition *self = (struct process_definition *)definition;
    const struct log_process *process = &self->process;
    struct log_record record = {.kind = LOG_PROCESS, .process = *process};
    recorder_put(recorder, &record);
    bool known = process_state(recorder, process->process);
    bool forked = process->origin == LOG_ORIGIN_FORK && process->parent;
    if (known && recorder->leak_check)
        recorder_live_begin(recorder, process->process, forked ? process->parent : 0);
    if (known && forked) {
        copy_slots(recorder, process->parent, process->process);
        /* On failure its stacks end early, which they then say themselves. */
        error_free(unwinder_copy_space(recorder->unwinder, process->parent, process->process));
    }
    free(self);
}

void recorder_process(struct recorder *recorder, const struct log_process *process)
{
    size_t size = process->executable.size;
    for (size_t i = 0; i < process->argument_count; i++)
        size += process->arguments[i].size;
    struct process_definition *self =
        malloc(sizeof *self + process->argument_count * sizeof *self->arguments + size);
    if (!self)
        return;
    char *end = (char *)&self->arguments[process->argument_count];
    self->head = (struct definition){.apply = apply_process};
    self->process = *process;
    self->process.executable = text_copy(process->executable, &end);
    for (size_t i = 0; i < process->argument_count; i++)
        self->arguments[i] = text_copy(process->arguments[i], &end);
    self->process.arguments = self->arguments;
    recorder_send(recorder, &self->head);
}

/* ---- Records that need nothing but writing ---- */

struct record_definition {
    struct definition head;
    struct log_record record;
    uint64_t at_ns;
    char text[];
};

static void forget_process(struct recorder *recorder, uint32_t id)
{
    struct recorder_process_state *process = process_state(recorder, id);
    if (!process)
        return;
    free(process->slots);
    recorder_live_end(recorder, id);
    *process = (struct recorder_process_state){0};
}

static void forget_calls(struct recorder *recorder, uint32_t id)
{
    if (id >= recorder->thread_count)
        return;
    struct recorder_thread_state *thread = &recorder->threads[id];
    recorder->reallocating -= thread->reallocating;
    recorder->begun -= thread->begun;
    free(thread->calls);
    *thread = (struct recorder_thread_state){.process = thread->process};
}

static void apply_record(struct recorder *recorder, struct definition *definition)
{
    struct record_definition *self = (struct record_definition *)definition;
    struct log_record *record = &self->record;
    if (record->kind == LOG_THREAD) {
        if (recorder_grow((void **)&recorder->threads, &recorder->thread_count,
                          record->thread.thread, sizeof *recorder->threads))
            recorder->threads[record->thread.thread].process = record->thread.process;
    } else if (record->kind == LOG_THREAD_END) {
        record->thread_end.time = recorder_ticks(recorder, self->at_ns);
        forget_calls(recorder, record->thread_end.thread);
    } else if (record->kind == LOG_PROCESS_END) {
        record->process_end.time = recorder_ticks(recorder, self->at_ns);
        unwinder_drop_space(recorder->unwinder, record->process_end.process);
        forget_process(recorder, record->process_end.process);
    }
    recorder_put(recorder, record);
    free(self);
}

static void send_record(struct recorder *recorder, const struct log_record *record,
                        struct log_text text)
{
    struct record_definition *self = malloc(sizeof *self + text.size);
    if (!self)
        return;
    char *end = self->text;
    self->head = (struct definition){.apply = apply_record};
    self->record = *record;
    self->at_ns = recorder_now(recorder);
    text = text_copy(text, &end);
    if (record->kind == LOG_THREAD)
        self->record.thread.name = text;
    else if (record->kind == LOG_NOTE)
        self->record.note.text = text;
    recorder_send(recorder, &self->head);
}

void recorder_process_end(struct recorder *recorder, uint32_t process, int64_t status)
{
    struct log_record record = {
        .kind = LOG_PROCESS_END,
        .process_end = {.process = process, .status = status},
    };
    send_record(recorder, &record, text_of(""));
}

void recorder_thread(struct recorder *recorder, uint32_t thread, uint32_t process, pid_t tid,
                     const char *name)
{
    struct log_record record = {
        .kind = LOG_THREAD,
        .thread = {.thread = thread, .process = process, .tid = tid},
    };
    send_record(recorder, &record, text_of(name));
}

struct thread_fork_definition {
    struct definition head;
    uint32_t thread, parent;
};

static void apply_thread_fork(struct recorder *recorder, struct definition *definition)
{
    struct thread_fork_definition *self = (struct thread_fork_definition *)definition;
    if (self->thread < recorder->thread_count && self->parent < recorder->thread_count) {
        struct recorder_thread_state *thread = &recorder->threads[self->thread];
        const struct recorder_thread_state *parent = &recorder->threads[self->parent];
        for (size_t i = 0; i < parent->capacity; i++) {
            if (!recorder_grow((void **)&thread->calls, &thread->capacity, i,
                               sizeof *thread->calls))
                break;
            thread->calls[i] = parent->calls[i];
            thread->calls[i].begun = thread->calls[i].replaced = false;
        }
        recorder_note_reallocation(recorder, thread);
    }
    free(self);
}

void recorder_thread_fork(struct recorder *recorder, uint32_t thread, uint32_t parent)
{
    struct thread_fork_definition *self = malloc(sizeof *self);
    if (!self)
        return;
    self->head.apply = apply_thread_fork;
    self->thread = thread;
    self->parent = parent;
    recorder_send(recorder, &self->head);
}

void recorder_thread_end(struct recorder *recorder, uint32_t thread)
{
    struct log_record record = {.kind = LOG_THREAD_END, .thread_end = {.thread = thread}};
    send_record(recorder, &record, text_of(""));
}

void recorder_note(struct recorder *recorder, const char *text)
{
    struct log_record record = {.kind = LOG_NOTE};
    send_record(recorder, &record, text_of(text));
}

/* ---- Modules ---- */

struct module_definition {
    struct definition head;
    struct log_module module;
    int unwinder_fd, symbols_fd;
    char *path, *root; /* terminated copies; they point into text */
    char text[];
};

static void apply_module(struct recorder *recorder, struct definition *definition)
{
    struct module_definition *self = (struct module_definition *)definition;
    struct log_record record = {.kind = LOG_MODULE, .module = self->module};
    recorder_put(recorder, &record);
    if (self->unwinder_fd >= 0)
        error_free(unwinder_add_module(recorder->unwinder, self->module.module, self->unwinder_fd,
                                       self->path));
    if (self->symbols_fd >= 0)
        symbol_thread_module(recorder->symbols, self->module.module, self->symbols_fd, self->path,
                             self->root);
    free(self);
}

static void discard_module(struct definition *definition)
{
    struct module_definition *self = (struct module_definition *)definition;
    if (self->unwinder_fd >= 0)
        close(self->unwinder_fd);
    if (self->symbols_fd >= 0)
        close(self->symbols_fd);
    free(self);
}

void recorder_module(struct recorder *recorder, uint32_t module, int fd, const char *path,
                     const uint8_t *build_id, size_t build_id_size, const char *root)
{
    struct log_text name = {.data = path, .size = strlen(path) + 1};
    struct log_text where = {.data = root, .size = strlen(root) + 1};
    struct log_text id = {.data = (const char *)build_id, .size = build_id_size};
    struct module_definition *self = malloc(sizeof *self + name.size + where.size + id.size);
    if (!self)
        return;
    char *end = self->text;
    self->head = (struct definition){.apply = apply_module, .discard = discard_module};
    self->path = end;
    name = text_copy(name, &end);
    self->root = end;
    text_copy(where, &end);
    self->module = (struct log_module){
        .module = module,
        .path = {.data = name.data, .size = name.size - 1},
        .build_id = text_copy(id, &end),
    };
    self->unwinder_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    self->symbols_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    recorder_send(recorder, &self->head);
}

struct map_definition {
    struct definition head;
    struct log_map map;
    bool unmap;
};

static void apply_map(struct recorder *recorder, struct definition *definition)
{
    struct map_definition *self = (struct map_definition *)definition;
    const struct log_map *map = &self->map;
    struct log_record record = {.kind = self->unmap ? LOG_UNMAP : LOG_MAP, .map = *map};
    recorder_put(recorder, &record);
    if (self->unmap)
        unwinder_unmap(recorder->unwinder, map->process, map->start, map->end);
    else
        error_free(unwinder_map(recorder->unwinder, map->process, map->module, map->start, map->end,
                                map->bias));
    free(self);
}

static void send_map(struct recorder *recorder, const struct log_map *map, bool unmap)
{
    struct map_definition *self = malloc(sizeof *self);
    if (!self)
        return;
    *self = (struct map_definition){.head.apply = apply_map, .map = *map, .unmap = unmap};
    recorder_send(recorder, &self->head);
}

void recorder_map(struct recorder *recorder, const struct log_map *map)
{
    send_map(recorder, map, false);
}

void recorder_unmap(struct recorder *recorder, const struct log_map *map)
{
    send_map(recorder, map, true);
}

/* ---- Slots ---- */

struct slot_definition {
    struct definition head;
    uint32_t process;
    struct recorder_slot slot;
};

static void apply_slot(struct recorder *recorder, struct definition *definition)
{
    struct slot_definition *self = (struct slot_definition *)definition;
    struct recorder_process_state *process = process_state(recorder, self->process);
    if (process && recorder_grow((void **)&process->slots, &process->slot_capacity,
                                 process->slot_count, sizeof *process->slots)) {
        const struct recorder_slot *slot = &self->slot;
        process->slots[process->slot_count++] = *slot;
        if (!process->slots_end || slot->slot < process->slots_start)
            process->slots_start = slot->slot;
        if (slot->slot + slot->size > process->slots_end)
            process->slots_end = slot->slot + slot->size;
    }
    free(self);
}

void recorder_slot(struct recorder *recorder, uint32_t process, const struct recorder_slot *slot)
{
    struct slot_definition *self = malloc(sizeof *self);
    if (!self)
        return;
    *self = (struct slot_definition){.head.apply = apply_slot, .process = process, .slot = *slot};
    recorder_send(recorder, &self->head);
}
