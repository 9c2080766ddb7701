/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_stacks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/json_build.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"

/* What is written, and the numbers that it gets there. */
struct saving {
    const struct catalog *catalog;
    struct stack_sums sums;
    uint32_t *same;            /* same_stacks() */
    uint32_t *stacks, *frames; /* by id: the number, 0 if it is not needed */
    struct key_id *strings;    /* by address of the interned text: its number, from 1 */
    const char **texts;        /* by number */
    uint32_t text_count;       /* element 0 counts */
    bool failed;               /* out of memory */
};

static uint64_t limited(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : number; /* as json_of_number() does */
}

/* The number of an interned text, given when it is first asked for. */
static uint32_t string(struct saving *saving, const char *text)
{
    if (!text || !*text)
        return 0;
    uint32_t next = saving->text_count;
    uint32_t number = key_ids_add(&saving->strings, &text, sizeof text, next);
    if (number == next) {
        if ((next & (next - 1)) == 0) {
            const char **texts = realloc(saving->texts, (size_t)next * 2 * sizeof *texts);
            if (!texts) {
                saving->failed = true;
                return 0;
            }
            saving->texts = texts;
        }
        saving->texts[saving->text_count++] = text;
    }
    saving->failed = saving->failed || !number;
    return number;
}

/* Numbers the stacks that have sums, with their callers, and the frames of these. */
static void number_all(struct saving *saving)
{
    const struct catalog *catalog = saving->catalog;
    uint32_t stack_count = 0;
    uint32_t frame_count = 0;
    for (size_t i = 0; i < saving->sums.count; i++)
        saving->stacks[saving->sums.sums[i].stack] = 1;
    saving->stacks[0] = 0;
    /* A caller has a lower id than what it calls. */
    for (size_t i = catalog->stack_count; i-- > 1;) {
        if (saving->stacks[i])
            saving->stacks[saving->same[catalog->stacks[i].parent]] = 1;
    }
    saving->stacks[0] = 0;
    for (size_t i = 1; i < catalog->stack_count; i++) {
        if (!saving->stacks[i])
            continue;
        saving->stacks[i] = ++stack_count;
        saving->frames[catalog->stacks[i].frame] = 1;
    }
    for (size_t i = 1; i < catalog->frame_count; i++) {
        if (saving->frames[i])
            saving->frames[i] = ++frame_count;
    }
}

static struct error *prepare(struct saving *saving, const struct report *report)
{
    const struct options everything = {.metric = METRIC_BYTES};
    struct report all = *report;
    all.options = &everything;
    *saving = (struct saving){.catalog = &report->replay->catalog, .text_count = 1};
    saving->same = same_stacks(saving->catalog, SAME_BY_LINES);
    saving->stacks = calloc(saving->catalog->stack_count, sizeof *saving->stacks);
    saving->frames = calloc(saving->catalog->frame_count, sizeof *saving->frames);
    saving->texts = calloc(1, sizeof *saving->texts);
    if (!saving->same || !saving->stacks || !saving->frames || !saving->texts)
        return error_no_memory();
    saving->texts[0] = "";
    const struct stack_sums_query query = {.by = report->replay->options.split,
                                           .same = saving->same};
    struct error *error = stack_sums_collect(&all, &query, &saving->sums);
    if (!error)
        number_all(saving);
    return error;
}

static void finish(struct saving *saving)
{
    stack_sums_deinit(&saving->sums);
    free(saving->same);
    free(saving->stacks);
    free(saving->frames);
    free(saving->texts);
    key_ids_deinit(&saving->strings);
}

/* Between elements, in lines that are not too long. */
static void print_comma(FILE *out, bool *first)
{
    fputs(*first ? "\n   " : ",\n   ", out);
    *first = false;
}

static void print_frames(struct saving *saving, FILE *out)
{
    const struct catalog *catalog = saving->catalog;
    bool first = true;
    fputs("  \"frames\": [", out);
    for (size_t i = 1; i < catalog->frame_count && !ferror(out); i++) {
        const struct catalog_frame *frame = &catalog->frames[i];
        if (!saving->frames[i])
            continue;
        print_comma(out, &first);
        fprintf(out, "[%" PRIu32 ",%" PRIu32 ",%" PRIu64, frame->flags,
                frame->module ? string(saving, catalog->modules[frame->module].path) : 0,
                frame->location_count ? 0 : limited(frame->address));
        for (uint32_t n = 0; n < frame->location_count; n++) {
            const struct catalog_location *location = &frame->locations[n];
            fprintf(out, ",%" PRIu32, string(saving, location->function));
            fprintf(out, ",%" PRIu32 ",%" PRIu64, string(saving, location->file),
                    limited(location->line));
        }
        fputc(']', out);
    }
    fputs("],\n", out);
}

static void print_stacks(const struct saving *saving, FILE *out)
{
    const struct catalog *catalog = saving->catalog;
    bool first = true;
    fputs("  \"stacks\": [", out);
    for (size_t i = 1; i < catalog->stack_count && !ferror(out); i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        if (!saving->stacks[i])
            continue;
        print_comma(out, &first);
        fprintf(out, "[%" PRIu32 ",%" PRIu32 "]", saving->stacks[saving->same[stack->parent]],
                saving->frames[stack->frame]);
    }
    fputs("],\n", out);
}

static void print_tasks(struct saving *saving, FILE *out)
{
    const struct catalog *catalog = saving->catalog;
    bool first = true;
    fputs("  \"processes\": [", out);
    for (size_t i = 1; i < catalog->process_count && !ferror(out); i++) {
        const struct catalog_process *process = &catalog->processes[i];
        print_comma(out, &first);
        fprintf(out, "[%" PRId64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 "]", process->pid,
                process->parent, process->origin, string(saving, process->executable));
    }
    fputs("],\n  \"threads\": [", out);
    first = true;
    for (size_t i = 1; i < catalog->thread_count && !ferror(out); i++) {
        const struct catalog_thread *thread = &catalog->threads[i];
        print_comma(out, &first);
        fprintf(out, "[%" PRId64 ",%" PRIu32 ",%" PRIu32 "]", thread->tid, thread->process,
                string(saving, thread->name));
    }
    fputs("],\n", out);
}

static void print_rows(const struct saving *saving, enum replay_split split, FILE *out)
{
    static const char *const splits[] = JSON_SPLITS;
    bool first = true;
    fprintf(out, "  \"split\": \"%s\",\n  \"columns\": [\"stack\",\"process\",\"thread\"",
            splits[split]);
    for (const struct json_field *field = json_sum_fields; field->name; field++)
        fprintf(out, ",\"%s\"", field->name);
    fputs("],\n  \"rows\": [", out);
    for (size_t i = 0; i < saving->sums.count && !ferror(out); i++) {
        const struct stack_sum *sum = &saving->sums.sums[i];
        print_comma(out, &first);
        fprintf(out, "[%" PRIu32 ",%" PRIu32 ",%" PRIu32, saving->stacks[sum->stack], sum->process,
                sum->thread);
        for (const struct json_field *field = json_sum_fields; field->name; field++)
            fprintf(out, ",%" PRIu64, limited(json_field_get(field, &sum->sums)));
        fputc(']', out);
    }
    fputs("],\n", out);
}

static struct error *print_strings(const struct saving *saving, FILE *out)
{
    struct error *error = NULL;
    bool first = true;
    fputs("  \"strings\": [", out);
    for (uint32_t i = 0; !error && i < saving->text_count && !ferror(out); i++) {
        print_comma(out, &first);
        error = json_print_value(out, json_of_text(saving->texts[i]), 0);
    }
    fputs("]\n", out);
    return error;
}

struct error *json_stacks_print(const struct report *report, FILE *out)
{
    struct saving saving;
    struct error *error = prepare(&saving, report);
    if (!error) {
        fputs("{\n", out);
        print_frames(&saving, out);
        print_stacks(&saving, out);
        print_tasks(&saving, out);
        print_rows(&saving, report->replay->options.split, out);
        error = saving.failed ? error_no_memory() : print_strings(&saving, out);
        fputs(" }", out);
    }
    finish(&saving);
    return error;
}
