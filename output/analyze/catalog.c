/* SPDX-License-Identifier: MIT */
#include "output/analyze/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/text_pool.h"

struct error *catalog_init(struct catalog *catalog, struct text_pool *texts)
{
    *catalog = (struct catalog){.module_count = 1,
                                .frame_count = 1,
                                .stack_count = 1,
                                .thread_count = 1,
                                .process_count = 1};
    catalog->borrowed = texts;
    catalog->texts = texts ? texts : text_pool_create();
    catalog->modules = calloc(1, sizeof *catalog->modules);
    catalog->frames = calloc(1, sizeof *catalog->frames);
    catalog->stacks = calloc(1, sizeof *catalog->stacks);
    catalog->threads = calloc(1, sizeof *catalog->threads);
    catalog->processes = calloc(1, sizeof *catalog->processes);
    if (catalog->texts && catalog->modules && catalog->frames && catalog->stacks &&
        catalog->threads && catalog->processes)
        return NULL;
    catalog_deinit(catalog);
    return error_no_memory();
}

void catalog_deinit(struct catalog *catalog)
{
    for (size_t i = 0; catalog->frames && i < catalog->frame_count; i++)
        free(catalog->frames[i].locations);
    free(catalog->modules);
    free(catalog->frames);
    free(catalog->stacks);
    free(catalog->threads);
    free(catalog->processes);
    free(catalog->notes);
    if (!catalog->borrowed)
        text_pool_destroy(catalog->texts);
    *catalog = (struct catalog){0};
}

/* Makes room for element id, which must be the next one. Arrays double at each power of two. */
static struct error *next_element(void *array, size_t *count, size_t size, uint32_t id,
                                  const char *what)
{
    void **elements = array;
    if (id != *count)
        return error_format(ERROR_CORRUPT, "%s %u is defined out of order (%zu was next)", what, id,
                            *count);
    if ((*count & (*count - 1)) == 0) {
        void *grown = realloc(*elements, *count * 2 * size);
        if (!grown)
            return error_no_memory();
        *elements = grown;
    }
    memset((char *)*elements + *count * size, 0, size);
    ++*count;
    return NULL;
}

static struct error *check_id(uint32_t id, size_t count, bool optional, const char *what)
{
    if (id < count && (id || optional))
        return NULL;
    return error_format(ERROR_CORRUPT, "%s %u is used and was not defined", what, id);
}

/* NULL when out of memory. */
static const char *last_part(struct catalog *catalog, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *part = slash && slash[1] ? slash + 1 : path;
    return text_pool_add(catalog->texts, part, strlen(part));
}

const char *catalog_text(struct catalog *catalog, struct log_text text)
{
    return text_pool_add(catalog->texts, text.data, text.size);
}

/* More than any linker writes; the rest of a longer one is left out. */
#define MOST_BUILD_ID 64

const char *catalog_build_id(struct catalog *catalog, struct log_text bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * MOST_BUILD_ID];
    size_t used = 0;
    for (size_t i = 0; i < bytes.size && i < MOST_BUILD_ID; i++) {
        text[used++] = digits[(unsigned char)bytes.data[i] >> 4];
        text[used++] = digits[bytes.data[i] & 15];
    }
    return text_pool_add(catalog->texts, text, used);
}

static struct error *add_module(struct catalog *catalog, const struct log_module *module)
{
    const char *path = catalog_text(catalog, module->path);
    const char *build_id = catalog_build_id(catalog, module->build_id);
    const char *name = path ? last_part(catalog, path) : NULL;
    if (!name || !build_id)
        return error_no_memory();
    struct error *error = next_element(&catalog->modules, &catalog->module_count,
                                       sizeof *catalog->modules, module->module, "module");
    if (!error)
        catalog->modules[module->module] =
            (struct catalog_module){.path = path, .name = name, .build_id = build_id};
    return error;
}

static struct error *add_map(struct catalog *catalog, const struct log_map *map)
{
    struct error *error = check_id(map->module, catalog->module_count, false, "module");
    if (error || catalog->modules[map->module].mapped || map->end <= map->start)
        return error;
    struct catalog_module *module = &catalog->modules[map->module];
    module->mapped = true;
    module->start = map->start;
    module->end = map->end;
    module->bias = map->bias;
    return NULL;
}

static struct error *add_frame(struct catalog *catalog, const struct log_frame *frame)
{
    struct error *error = check_id(frame->module, catalog->module_count, true, "module");
    if (!error)
        error = next_element(&catalog->frames, &catalog->frame_count, sizeof *catalog->frames,
                             frame->frame, "frame");
    if (!error)
        catalog->frames[frame->frame] = (struct catalog_frame){
            .module = frame->module, .flags = frame->flags, .address = frame->address};
    return error;
}

static struct error *add_symbol(struct catalog *catalog, const struct log_symbol *symbol)
{
    struct error *error = check_id(symbol->frame, catalog->frame_count, false, "frame");
    if (error || !symbol->location_count)
        return error;
    struct catalog_frame *frame = &catalog->frames[symbol->frame];
    struct catalog_location *locations = calloc(symbol->location_count, sizeof *locations);
    if (!locations)
        return error_no_memory();
    free(frame->locations);
    frame->locations = locations;
    frame->location_count = (uint32_t)symbol->location_count;
    for (size_t i = 0; i < symbol->location_count; i++) {
        const struct log_location *from = &symbol->locations[i];
        locations[i].line = from->line;
        if (from->function.size && !(locations[i].function = catalog_text(catalog, from->function)))
            return error_no_memory();
        if (from->file.size && !(locations[i].file = catalog_text(catalog, from->file)))
            return error_no_memory();
    }
    return NULL;
}

static struct error *add_stack(struct catalog *catalog, const struct log_stack *stack)
{
    struct error *error = check_id(stack->frame, catalog->frame_count, false, "frame");
    if (!error)
        error = check_id(stack->parent, catalog->stack_count, true, "stack");
    if (!error)
        error = next_element(&catalog->stacks, &catalog->stack_count, sizeof *catalog->stacks,
                             stack->stack, "stack");
    if (!error)
        catalog->stacks[stack->stack] =
            (struct catalog_stack){.parent = stack->parent, .frame = stack->frame};
    return error;
}

static struct error *add_thread(struct catalog *catalog, const struct log_thread *thread)
{
    const char *name = catalog_text(catalog, thread->name);
    if (!name)
        return error_no_memory();
    struct error *error = check_id(thread->process, catalog->process_count, false, "process");
    if (!error)
        error = next_element(&catalog->threads, &catalog->thread_count, sizeof *catalog->threads,
                             thread->thread, "thread");
    if (!error)
        catalog->threads[thread->thread] =
            (struct catalog_thread){.process = thread->process, .tid = thread->tid, .name = name};
    return error;
}

static struct error *add_process(struct catalog *catalog, const struct log_process *process)
{
    const char *executable = catalog_text(catalog, process->executable);
    const char *name = executable ? last_part(catalog, executable) : NULL;
    if (!name)
        return error_no_memory();
    struct error *error = check_id(process->parent, catalog->process_count, true, "process");
    if (!error)
        error = next_element(&catalog->processes, &catalog->process_count,
                             sizeof *catalog->processes, process->process, "process");
    if (!error)
        catalog->processes[process->process] = (struct catalog_process){
            .parent = process->parent,
            .origin = process->origin,
            .pid = process->pid,
            .executable = executable,
            .name = name,
        };
    return error;
}

static struct error *add_note(struct catalog *catalog, const struct log_note *note)
{
    const char *text = catalog_text(catalog, note->text);
    size_t count = catalog->note_count;
    if ((count & (count - 1)) == 0) {
        const char **notes = realloc(catalog->notes, (count ? count * 2 : 1) * sizeof *notes);
        if (!notes)
            return error_no_memory();
        catalog->notes = notes;
    }
    if (!text)
        return error_no_memory();
    catalog->notes[catalog->note_count++] = text;
    return NULL;
}

struct error *catalog_add(struct catalog *catalog, const struct log_record *record)
{
    switch (record->kind) {
    case LOG_PROCESS:
        return add_process(catalog, &record->process);
    case LOG_THREAD:
        return add_thread(catalog, &record->thread);
    case LOG_MODULE:
        return add_module(catalog, &record->module);
    case LOG_MAP:
        return add_map(catalog, &record->map);
    case LOG_FRAME:
        return add_frame(catalog, &record->frame);
    case LOG_SYMBOL:
        return add_symbol(catalog, &record->symbol);
    case LOG_STACK:
        return add_stack(catalog, &record->stack);
    case LOG_NOTE:
        return add_note(catalog, &record->note);
    default:
        return NULL;
    }
}

const char *catalog_origin_name(uint32_t origin)
{
    static const char *const names[] = {
        [LOG_ORIGIN_LAUNCH] = "launch", [LOG_ORIGIN_ATTACH] = "attach", [LOG_ORIGIN_FORK] = "fork",
        [LOG_ORIGIN_EXEC] = "exec",     [LOG_ORIGIN_CLONE] = "clone",
    };
    return origin < sizeof names / sizeof *names ? names[origin] : NULL;
}

uint64_t catalog_frame_address(const struct catalog *catalog, uint32_t frame)
{
    const struct catalog_frame *at = &catalog->frames[frame];
    if (at->flags & (LOG_FRAME_INCOMPLETE | LOG_FRAME_DEPTH))
        return 0;
    /* A return address is the call's end, and may be another line's or function's. */
    uint64_t address = at->flags & LOG_FRAME_EXACT ? at->address : at->address - 1;
    return at->module ? address + catalog->modules[at->module].bias : address;
}

size_t catalog_line_count(const struct catalog *catalog, uint32_t frame)
{
    uint32_t count = catalog->frames[frame].location_count;
    return count ? count : 1;
}

/* module+0xoffset, or the bare address; interned like all texts. */
static const char *address_name(const struct catalog *catalog, const struct catalog_frame *frame)
{
    char text[512];
    if (frame->flags & LOG_FRAME_INCOMPLETE)
        return "[incomplete]";
    if (frame->flags & LOG_FRAME_DEPTH)
        return "[deeper frames left out]";
    if (frame->module)
        snprintf(text, sizeof text, "%s+0x%llx", catalog->modules[frame->module].name,
                 (unsigned long long)frame->address);
    else
        snprintf(text, sizeof text, "0x%llx", (unsigned long long)frame->address);
    const char *name = text_pool_add(catalog->texts, text, sizeof text);
    return name ? name : "[out of memory]";
}

struct catalog_line catalog_line(const struct catalog *catalog, uint32_t id, size_t index)
{
    const struct catalog_frame *frame = &catalog->frames[id];
    struct catalog_line line = {
        .module = frame->module ? catalog->modules[frame->module].name : "",
        .flags = frame->flags,
    };
    if (index < frame->location_count) {
        line.function = frame->locations[index].function;
        line.file = frame->locations[index].file;
        line.line = frame->locations[index].line;
    }
    line.named = line.function != NULL;
    if (!line.named)
        line.function = address_name(catalog, frame);
    return line;
}
