/* SPDX-License-Identifier: MIT */
/* pprof's profile: a sample for each stack, with all sums as its values. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/export_stacks.h"
#include "output/analyze/pprof_writer.h"
#include "output/analyze/report.h"
#include "output/analyze/stack_sums.h"

#define VALUES 8

/* alloc_* and inuse_* are the names that heap profiles have by custom. */
static const struct sample_type {
    const char *type, *unit;
} sample_types[VALUES] = {
    {"alloc_objects", "count"},     {"alloc_space", "bytes"},     {"inuse_objects", "count"},
    {"inuse_space", "bytes"},       {"peak_objects", "count"},    {"peak_space", "bytes"},
    {"temporary_objects", "count"}, {"temporary_space", "bytes"},
};

static const char *default_type(enum metric metric)
{
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return "alloc_objects";
    case METRIC_PEAK:
        return "peak_space";
    case METRIC_LEAKED:
        return "inuse_space";
    case METRIC_TEMPORARY:
        return "temporary_objects";
    case METRIC_BYTES:
    default:
        return "alloc_space";
    }
}

struct export
{
    const struct report *report;
    const struct catalog *catalog;
    struct pprof_writer writer;
    struct export_stacks stacks;
    /* A location is a frame, or the part of it that begins with a site's line; then there are two
     * that stand for no frame. By id. */
    bool *used;
    uint32_t *first_line; /* by frame: that of its second location */
    char **labels;        /* by process or thread: its text, as it was first needed */
};

static uint64_t whole_frame(uint32_t frame)
{
    return frame;
}

static uint64_t site_frame(const struct export *export, uint32_t frame)
{
    return export->catalog->frame_count + frame;
}

static uint64_t no_stack(const struct export *export)
{
    return 2 * (uint64_t) export->catalog->frame_count;
}

static uint64_t more_callers(const struct export *export)
{
    return no_stack(export) + 1;
}

static int64_t clamp(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* ---- Samples ---- */

/* The ids of a stack's locations, innermost first; returns their number. */
static size_t locate(struct export *export, uint32_t id, uint64_t *locations)
{
    const struct catalog *catalog = export->catalog;
    size_t count = 0;
    uint32_t line = export_stacks_line(&export->stacks, id);
    for (id = export->stacks.first[id]; id && count < EXPORT_MOST_DEPTH;
         id = catalog->stacks[id].parent) {
        uint32_t frame = catalog->stacks[id].frame;
        if (!count && line)
            export->first_line[frame] = line;
        locations[count] = !count && line ? site_frame(export, frame) : whole_frame(frame);
        count++;
    }
    if (id)
        locations[count++] = more_callers(export);
    if (!count)
        locations[count++] = no_stack(export);
    for (size_t i = 0; i < count; i++)
        export->used[locations[i]] = true;
    return count;
}

/* "NAME (ID)" */
static int64_t task_text(struct export *export, uint32_t id, const char *name, int64_t number)
{
    if (!export->labels[id] &&
        asprintf(&export->labels[id], "%s (%" PRId64 ")", name, number) < 0) {
        export->labels[id] = NULL;
        export->writer.failed = true;
    }
    return pprof_text(&export->writer, export->labels[id]);
}

static void write_sample(struct export *export, const struct stack_sum *sum)
{
    const struct catalog *catalog = export->catalog;
    const struct replay_sums *sums = &sum->sums;
    uint64_t locations[EXPORT_MOST_DEPTH + 1];
    int64_t values[VALUES] = {
        clamp(sums->count),     clamp(sums->bytes),
        clamp(sums->leaked),    clamp(sums->leaked_bytes),
        clamp(sums->peak),      clamp(sums->peak_bytes),
        clamp(sums->temporary), clamp(sums->temporary_bytes),
    };
    Pprof__Label label = PPROF__LABEL__INIT;
    if (sum->thread) {
        const struct catalog_thread *thread = &catalog->threads[sum->thread];
        label.key = pprof_text(&export->writer, "thread");
        label.str = task_text(export, sum->thread, thread->name, thread->tid);
    } else if (sum->process) {
        const struct catalog_process *process = &catalog->processes[sum->process];
        label.key = pprof_text(&export->writer, "process");
        label.str = task_text(export, sum->process, process->name, process->pid);
    }
    Pprof__Label *labels = &label;
    Pprof__Sample sample = PPROF__SAMPLE__INIT;
    sample.n_location_id = locate(export, sum->stack, locations);
    sample.location_id = locations;
    sample.n_value = VALUES;
    sample.value = values;
    sample.n_label = label.key ? 1 : 0;
    sample.label = &labels;
    Pprof__Sample *samples = &sample;
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_sample = 1;
    part.sample = &samples;
    pprof_write(&export->writer, &part);
}

static struct error *write_samples(struct export *export, FILE *out)
{
    const struct catalog *catalog = export->catalog;
    bool by_thread = export->report->options->group == GROUP_THREAD;
    bool by_process = catalog->process_count > 2;
    const struct stack_sums_query query = {.by = by_thread    ? REPLAY_BY_THREAD
                                                 : by_process ? REPLAY_BY_PROCESS
                                                              : REPLAY_BY_STACK};
    struct stack_sums sums;
    struct error *error = stack_sums_collect(export->report, &query, &sums);
    if (error)
        return error;
    stack_sums_limit(&sums, export->report->options, false);
    for (size_t i = 0; i < sums.count && !ferror(out); i++)
        write_sample(export, &sums.sums[i]);
    stack_sums_deinit(&sums);
    return NULL;
}

/* ---- What samples refer to ---- */

static void write_location(struct export *export, Pprof__Location *location)
{
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_location = 1;
    part.location = &location;
    pprof_write(&export->writer, &part);
}

static void write_frame(struct export *export, uint64_t id, uint32_t frame, size_t first_line)
{
    const struct catalog *catalog = export->catalog;
    size_t count = catalog_line_count(catalog, frame) - first_line;
    Pprof__Line *lines = calloc(count, sizeof *lines);
    Pprof__Line **pointers = calloc(count, sizeof *pointers);
    if (!lines || !pointers) {
        export->writer.failed = true;
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct catalog_line line = catalog_line(catalog, frame, first_line + i);
        pprof__line__init(&lines[i]);
        lines[i].function_id = pprof_function(&export->writer, line.function, line.file);
        lines[i].line = clamp(line.line);
        pointers[i] = &lines[i];
    }
    Pprof__Location location = PPROF__LOCATION__INIT;
    location.id = id;
    location.mapping_id = catalog->frames[frame].module;
    location.address = catalog_frame_address(catalog, frame);
    location.n_line = count;
    location.line = pointers;
    write_location(export, &location);
    free(pointers);
    free(lines);
}

static void write_name(struct export *export, uint64_t id, const char *name)
{
    Pprof__Line line = PPROF__LINE__INIT;
    Pprof__Line *lines = &line;
    Pprof__Location location = PPROF__LOCATION__INIT;
    line.function_id = pprof_function(&export->writer, name, NULL);
    location.id = id;
    location.n_line = 1;
    location.line = &lines;
    write_location(export, &location);
}

static void write_locations(struct export *export, FILE *out)
{
    const struct catalog *catalog = export->catalog;
    for (uint32_t i = 1; i < catalog->frame_count && !ferror(out); i++) {
        if (export->used[whole_frame(i)])
            write_frame(export, whole_frame(i), i, 0);
        if (export->used[site_frame(export, i)])
            write_frame(export, site_frame(export, i), i, export->first_line[i]);
    }
    if (export->used[no_stack(export)])
        write_name(export, no_stack(export), "[no stack]");
    if (export->used[more_callers(export)])
        write_name(export, more_callers(export), EXPORT_MORE_CALLERS);
}

/* What is known of the functions of a module; pprof looks for itself where nothing is. */
static void note_frames(const struct catalog *catalog, Pprof__Mapping *mappings)
{
    for (size_t i = 1; i < catalog->frame_count; i++) {
        const struct catalog_frame *frame = &catalog->frames[i];
        Pprof__Mapping *mapping = &mappings[frame->module];
        for (size_t j = 0; j < frame->location_count; j++) {
            mapping->has_functions |= frame->locations[j].function != NULL;
            mapping->has_filenames |= frame->locations[j].file != NULL;
            mapping->has_line_numbers |= frame->locations[j].line != 0;
            mapping->has_inline_frames |= frame->locations[j].file != NULL;
        }
    }
}

static void write_mapping(struct export *export, Pprof__Mapping *mapping)
{
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_mapping = 1;
    part.mapping = &mapping;
    pprof_write(&export->writer, &part);
}

/* The first mapping is taken for the main program's. */
static void write_mappings(struct export *export)
{
    const struct catalog *catalog = export->catalog;
    const char *program = catalog->process_count > 1 ? catalog->processes[1].executable : NULL;
    size_t first = 0;
    Pprof__Mapping *mappings = calloc(catalog->module_count, sizeof *mappings);
    if (!mappings) {
        export->writer.failed = true;
        return;
    }
    for (size_t i = 0; i < catalog->module_count; i++)
        pprof__mapping__init(&mappings[i]);
    note_frames(catalog, mappings);
    for (size_t i = 1; i < catalog->module_count; i++) {
        const struct catalog_module *module = &catalog->modules[i];
        mappings[i].id = i;
        mappings[i].memory_start = module->start;
        mappings[i].memory_limit = module->end;
        mappings[i].filename = pprof_text(&export->writer, module->path);
        mappings[i].build_id = pprof_text(&export->writer, module->build_id);
        if (!first && module->path == program) /* texts are interned */
            first = i;
    }
    if (first)
        write_mapping(export, &mappings[first]);
    for (size_t i = 1; i < catalog->module_count; i++) {
        if (i != first)
            write_mapping(export, &mappings[i]);
    }
    free(mappings);
}

/* ---- The profile itself ---- */

static void write_types(struct export *export)
{
    struct pprof_writer *writer = &export->writer;
    Pprof__ValueType types[VALUES];
    Pprof__ValueType *pointers[VALUES];
    for (size_t i = 0; i < VALUES; i++) {
        pprof__value_type__init(&types[i]);
        types[i].type = pprof_text(writer, sample_types[i].type);
        types[i].unit = pprof_text(writer, sample_types[i].unit);
        pointers[i] = &types[i];
    }
    Pprof__ValueType period = PPROF__VALUE_TYPE__INIT;
    period.type = pprof_text(writer, "space");
    period.unit = pprof_text(writer, "bytes");
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_sample_type = VALUES;
    part.sample_type = pointers;
    part.period_type = &period;
    part.period = 1; /* every byte is seen */
    part.default_sample_type = pprof_text(writer, default_type(export->report->options->metric));
    pprof_write(writer, &part);
}

static void write_comment(struct export *export, const char *text)
{
    int64_t comment = pprof_text(&export->writer, text);
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_comment = 1;
    part.comment = &comment;
    pprof_write(&export->writer, &part);
}

static void write_facts(struct export *export)
{
    const struct report *report = export->report;
    const struct catalog *catalog = export->catalog;
    const struct replay_totals *totals = &report->replay->totals;
    uint64_t duration;
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.time_nanos = clamp(report->header->started_ns);
    if (__builtin_mul_overflow(totals->last_time, report->header->tick_ns, &duration))
        duration = INT64_MAX;
    part.duration_nanos = clamp(duration);
    pprof_write(&export->writer, &part);
    write_comment(export, "allocptrace-analyze " ALLOCPTRACE_VERSION);
    if (report->truncated)
        write_comment(export, "The log was cut off.");
    for (size_t i = 0; i < catalog->note_count; i++)
        write_comment(export, catalog->notes[i]);
}

static struct error *write_profile(struct export *export, FILE *out)
{
    struct error *error = pprof_writer_init(&export->writer, out);
    if (error)
        return error;
    write_types(export);
    write_facts(export);
    write_mappings(export);
    error = write_samples(export, out);
    if (!error)
        write_locations(export, out);
    struct error *failure = pprof_writer_finish(&export->writer);
    if (!error)
        return failure;
    error_free(failure);
    return error;
}

struct error *export_pprof(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    size_t tasks = catalog->thread_count + catalog->process_count;
    struct export export = {
        .report = report,
        .catalog = catalog,
        .used = calloc(2 * catalog->frame_count + 2, sizeof *export.used),
        .first_line = calloc(catalog->frame_count, sizeof *export.first_line),
        .labels = calloc(tasks, sizeof *export.labels),
    };
    struct error *error = export.used && export.first_line && export.labels
                              ? export_stacks_init(&export.stacks, report)
                              : error_no_memory();
    if (!error)
        error = write_profile(&export, out);
    export_stacks_deinit(&export.stacks);
    for (size_t i = 0; export.labels && i < tasks; i++)
        free(export.labels[i]);
    free(export.labels);
    free(export.first_line);
    free(export.used);
    return error;
}
