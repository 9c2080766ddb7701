/* SPDX-License-Identifier: MIT */
/*
 * speedscope's file format (file-format-schema.json in its package): frames, and for each metric a
 * "sampled" profile, whose samples are stacks, outermost frame first.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/export_stacks.h"
#include "output/analyze/hash.h"
#include "output/analyze/json_text.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"

static const struct view {
    enum metric metric;
    const char *name, *unit;
} views[] = {
    {METRIC_BYTES, "bytes allocated", "bytes"},
    {METRIC_ALLOCATIONS, "allocations", "none"},
    {METRIC_PEAK, "bytes alive at the peak", "bytes"},
    {METRIC_LEAKED, "bytes not freed", "bytes"},
    {METRIC_TEMPORARY, "temporary allocations", "none"},
};

#define VIEWS (sizeof views / sizeof *views)

/*
 * A frame of the file: a function, numbered in the order of first use. speedscope takes frames that
 * differ in anything for different functions, so the line of a call is not told.
 */
struct frame {
    struct {
        const char *name, *file; /* interned or literal; file may be NULL */
    } key;
    uint32_t number; /* from 1 */
    UT_hash_handle hh;
};

struct export
{
    const struct catalog *catalog;
    struct export_stacks stacks;
    struct stack_sums sums;
    struct frame *frames;
    size_t *first_line; /* by catalog frame: of its first line in numbers */
    uint32_t *numbers;  /* by line: its frame's number, 0 if it was not used yet */
    bool failed;        /* out of memory */
};

static uint32_t number_of(struct export *export, const char *name, const char *file)
{
    struct frame *frame;
    struct frame wanted = {.key = {.name = name, .file = file}};
    HASH_FIND(hh, export->frames, &wanted.key, sizeof wanted.key, frame);
    if (frame)
        return frame->number;
    frame = malloc(sizeof *frame);
    if (frame) {
        *frame = wanted;
        frame->number = HASH_COUNT(export->frames) + 1;
        HASH_ADD(hh, export->frames, key, sizeof frame->key, frame);
    }
    if (!frame || !frame->hh.tbl) {
        free(frame);
        export->failed = true;
        return 1;
    }
    return frame->number;
}

static uint32_t number_of_line(struct export *export, uint32_t frame, size_t index)
{
    uint32_t *number = &export->numbers[export->first_line[frame] + index];
    if (!*number) {
        struct catalog_line line = catalog_line(export->catalog, frame, index);
        const char *module = *line.module ? line.module : NULL;
        *number = number_of(export, line.function, line.file ? line.file : module);
    }
    return *number;
}

/* The numbers of a stack's frames, innermost first; returns how many. */
static size_t number_stack(struct export *export, const struct stack_sum *sum, uint32_t *numbers)
{
    const struct catalog *catalog = export->catalog;
    size_t count = 0;
    size_t index = export_stacks_line(&export->stacks, sum->stack);
    uint32_t id = export->stacks.first[sum->stack];
    while (id && count < EXPORT_MOST_DEPTH) {
        uint32_t frame = catalog->stacks[id].frame;
        numbers[count++] = number_of_line(export, frame, index++);
        if (index == catalog_line_count(catalog, frame)) {
            id = catalog->stacks[id].parent;
            index = 0;
        }
    }
    if (id)
        numbers[count++] = number_of(export, EXPORT_MORE_CALLERS, NULL);
    if (!count)
        numbers[count++] = number_of(export, "[no stack]", NULL);
    if (sum->process)
        numbers[count++] = number_of(export, catalog->processes[sum->process].name, NULL);
    return count;
}

static void print_samples(struct export *export, FILE *out, sites_weight weigh)
{
    uint32_t numbers[EXPORT_MOST_DEPTH + 2];
    bool first = true;
    for (size_t i = 0; i < export->sums.count && !ferror(out); i++) {
        const struct stack_sum *sum = &export->sums.sums[i];
        if (!weigh(&sum->sums))
            continue;
        fputs(first ? "\n[" : ",\n[", out);
        first = false;
        for (size_t j = number_stack(export, sum, numbers); j-- > 0;)
            fprintf(out, "%" PRIu32 "%s", numbers[j] - 1, j ? "," : "");
        fputc(']', out);
    }
}

static void print_weights(const struct export *export, FILE *out, sites_weight weigh)
{
    bool first = true;
    for (size_t i = 0; i < export->sums.count && !ferror(out); i++) {
        uint64_t weight = weigh(&export->sums.sums[i].sums);
        if (!weight)
            continue;
        fprintf(out, "%s%" PRIu64, first ? "" : ",\n", weight);
        first = false;
    }
}

static void print_view(struct export *export, FILE *out, const struct view *view)
{
    sites_weight weigh = sites_metric_weight(view->metric);
    uint64_t total = 0;
    for (size_t i = 0; i < export->sums.count; i++)
        total += weigh(&export->sums.sums[i].sums);
    fprintf(out,
            "{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,"
            "\"endValue\":%" PRIu64 ",\"samples\":[",
            view->name, view->unit, total);
    print_samples(export, out, weigh);
    fputs("],\n\"weights\":[", out);
    print_weights(export, out, weigh);
    fputs("]}", out);
}

static void print_frames(const struct export *export, FILE *out)
{
    /* The order in a table is that of insertion, and so of the numbers. */
    for (const struct frame *frame = export->frames; frame; frame = frame->hh.next) {
        fputs(frame->number > 1 ? ",\n{\"name\":" : "\n{\"name\":", out);
        json_text_print(out, frame->key.name);
        if (frame->key.file) {
            fputs(",\"file\":", out);
            json_text_print(out, frame->key.file);
        }
        fputc('}', out);
    }
}

static void print_file(struct export *export, const struct report *report, FILE *out)
{
    const struct catalog *catalog = export->catalog;
    size_t active = 0;
    while (active + 1 < VIEWS && views[active].metric != report->options->metric)
        active++;
    fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
          "\"exporter\":\"allocptrace-analyze " ALLOCPTRACE_VERSION "\",\n\"name\":",
          out);
    json_text_print(out, catalog->process_count > 1 ? catalog->processes[1].name : "");
    fprintf(out, ",\n\"activeProfileIndex\":%zu,\n\"profiles\":[", active);
    for (size_t i = 0; i < VIEWS && !export->failed; i++) {
        fputs(i ? ",\n" : "\n", out);
        print_view(export, out, &views[i]);
    }
    /* Last, when all that are needed are known. */
    fputs("],\n\"shared\":{\"frames\":[", out);
    print_frames(export, out);
    fputs("]}}\n", out);
}

/* What print_file() needs; false when out of memory. */
static bool prepare(struct export *export)
{
    const struct catalog *catalog = export->catalog;
    size_t lines = 0;
    export->first_line = calloc(catalog->frame_count, sizeof *export->first_line);
    for (uint32_t i = 1; export->first_line && i < catalog->frame_count; i++) {
        export->first_line[i] = lines;
        lines += catalog_line_count(catalog, i);
    }
    export->numbers = calloc(lines + 1, sizeof *export->numbers);
    return export->first_line && export->numbers;
}

static struct error *collect(const struct report *report, struct stack_sums *sums)
{
    const struct catalog *catalog = &report->replay->catalog;
    uint32_t *same = same_stacks(catalog, SAME_BY_LINES);
    if (!same)
        return error_no_memory();
    const struct stack_sums_query query = {
        .by = catalog->process_count > 2 ? REPLAY_BY_PROCESS : REPLAY_BY_STACK, .same = same};
    struct error *error = stack_sums_collect(report, &query, sums);
    free(same);
    if (!error)
        stack_sums_limit(sums, report->options, false);
    return error;
}

struct error *export_speedscope(const struct report *report, FILE *out)
{
    struct export export = {.catalog = &report->replay->catalog};
    struct frame *frame;
    struct error *error = collect(report, &export.sums);
    if (!error)
        error = export_stacks_init(&export.stacks, report);
    if (!error && !prepare(&export))
        error = error_no_memory();
    if (!error)
        print_file(&export, report, out);
    if (!error && export.failed)
        error = error_no_memory();
    while ((frame = export.frames)) {
        HASH_DEL(export.frames, frame);
        free(frame);
    }
    free(export.numbers);
    free(export.first_line);
    export_stacks_deinit(&export.stacks);
    stack_sums_deinit(&export.sums);
    return error;
}
