/* SPDX-License-Identifier: MIT */
/*
 * What heaptrack_interpret writes and heaptrack_print and heaptrack_gui read, version 3 of the
 * format: a letter on each line says what the hexadecimal numbers behind it are. It is known from
 * heaptrack's sources (src/interpret/heaptrack_interpret.cpp,
 * src/analyze/accumulatedtracedata.cpp).
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"
#include "output/analyze/heaptrack_events.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/packed_stream.h"

#define HEAPTRACK_VERSION 0x10400
#define FORMAT_VERSION 3

#define MOST_TEXT 16384

static const char *const own_names[] = {
    [HEAPTRACK_NO_STACK] = "[no stack]",
    [HEAPTRACK_TEMPORARY_STACK] = "[temporary, with calls between]",
};

struct names {
    const struct catalog *catalog;
    struct key_id *numbers; /* by address: texts are interned */
    uint32_t count;
    bool failed; /* out of memory */
    FILE *out;
};

/* ---- Names ---- */

static uint32_t define_name(struct names *names, const char *text)
{
    char clean[MOST_TEXT];
    unsigned long size = text_sanitize(clean, sizeof clean, text);
    if (size >= sizeof clean)
        size = strlen(clean);
    fprintf(names->out, "s %lx %s\n", size, clean);
    return ++names->count;
}

/* A text's number, 0 for none. It is defined when first asked for. */
static uint32_t number_of(struct names *names, const char *text)
{
    if (!text || !*text)
        return 0;
    uint32_t next = names->count + 1;
    uint32_t number = key_ids_add(&names->numbers, &text, sizeof text, next);
    names->failed = names->failed || !number;
    return number == next ? define_name(names, text) : number;
}

struct location {
    uint32_t function, file, line;
};

static struct location location_of(struct names *names, uint32_t frame, size_t index)
{
    struct catalog_line line = catalog_line(names->catalog, frame, index);
    bool is_mark = line.flags & (LOG_FRAME_INCOMPLETE | LOG_FRAME_DEPTH);
    return (struct location){
        .function = line.named || is_mark ? number_of(names, line.function) : 0,
        .file = number_of(names, line.file),
        .line = line.line < INT_MAX ? (uint32_t)line.line : INT_MAX,
    };
}

/* ---- Definitions ---- */

/* The innermost function first; those that it is inlined in follow. Without a name only the address
 * and the module are told. */
static void write_frame(struct names *names, uint32_t frame)
{
    const struct catalog *catalog = names->catalog;
    uint32_t module = catalog->frames[frame].module;
    size_t count = catalog_line_count(catalog, frame);
    struct location *locations = calloc(count, sizeof *locations);
    if (!locations) {
        names->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        locations[i] = location_of(names, frame, i);
    uint32_t path = module ? number_of(names, catalog->modules[module].path) : 0;
    fprintf(names->out, "i %" PRIx64 " %" PRIx32, catalog_frame_address(catalog, frame), path);
    bool known = locations[0].function || locations[0].file;
    for (size_t i = 0; known && i < count; i++)
        fprintf(names->out, " %" PRIx32 " %" PRIx32 " %" PRIx32, locations[i].function,
                locations[i].file, locations[i].line);
    fputc('\n', names->out);
    free(locations);
}

static void write_frames(struct names *names)
{
    for (size_t i = 1; i <= HEAPTRACK_FIRST_ID; i++)
        fprintf(names->out, "i 0 0 %" PRIx32 " 0 0\n", define_name(names, own_names[i]));
    for (uint32_t i = 1; i < names->catalog->frame_count && !ferror(names->out); i++)
        write_frame(names, i);
}

static void write_stacks(const struct catalog *catalog, FILE *out)
{
    for (uint32_t i = 1; i <= HEAPTRACK_FIRST_ID; i++)
        fprintf(out, "t %" PRIx32 " 0\n", i);
    for (uint32_t i = 1; i < catalog->stack_count && !ferror(out); i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        fprintf(out, "t %" PRIx32 " %" PRIx32 "\n", stack->frame + HEAPTRACK_FIRST_ID,
                stack->parent ? stack->parent + HEAPTRACK_FIRST_ID : 0);
    }
    fprintf(out, "a 0 %x\n", HEAPTRACK_TEMPORARY_STACK); /* HEAPTRACK_TEMPORARY_INFO */
}

static struct error *write_definitions(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct names names = {.catalog = catalog, .out = out};
    fprintf(out, "v %x %x\nX ", HEAPTRACK_VERSION, FORMAT_VERSION);
    format_program(out, report->header, catalog);
    fputc('\n', out);
    if (report->header->attached)
        fputs("A\n", out);
    /* How much memory the machine had is not known. */
    fprintf(out, "I %" PRIx64 " 0\n", report->header->page_size);
    write_frames(&names);
    write_stacks(catalog, out);
    key_ids_deinit(&names.numbers);
    return names.failed ? error_no_memory() : NULL;
}

struct error *export_heaptrack(const struct report *report, FILE *out)
{
    FILE *stream;
    struct error *error = packed_stream_open(out, report->file, &stream);
    if (error)
        return error;
    error = write_definitions(report, stream);
    if (!error)
        error = heaptrack_events_write(report->observer, report->replay, stream);
    packed_stream_close(out, stream);
    return error;
}
