/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_leaks.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/json_build.h"
#include "output/analyze/leak_records.h"
#include "output/analyze/leak_samples.h"
#include "output/analyze/same_stacks.h"

/* What the objects of a check's sites are made from. */
struct maker {
    const struct report *report;
    const struct internal_site *sites; /* by stack */
    const struct leak_samples *samples;
};

/* Lines of a stack that are written, innermost first: a log may have a site for each depth of a
 * very deep one. */
#define MOST_LINES 256

static json_t *finished(struct json_build object)
{
    if (!object.failed)
        return object.json;
    json_decref(object.json);
    return NULL;
}

static json_t *amount_of(const struct leak_amount *amount)
{
    struct json_build object = json_begin();
    json_put_number(&object, "bytes", amount->bytes);
    json_put_number(&object, "blocks", amount->blocks);
    return finished(object);
}

/* The functions' names, innermost first. */
static json_t *stack_of(const struct catalog *catalog, uint32_t stack)
{
    json_t *array = json_array();
    size_t written = 0;
    bool failed = !array;
    for (; !failed && stack && written < MOST_LINES; stack = catalog->stacks[stack].parent) {
        uint32_t frame = catalog->stacks[stack].frame;
        size_t count = catalog_line_count(catalog, frame);
        for (size_t i = 0; !failed && i < count && written < MOST_LINES; i++, written++) {
            struct catalog_line line = catalog_line(catalog, frame, i);
            failed = json_array_append_new(array, json_of_text(line.function)) != 0;
        }
    }
    if (!failed)
        return array;
    json_decref(array);
    return NULL;
}

/* ---- Paths ---- */

static const char *root_kind(uint32_t kind)
{
    static const char *const names[] = {"register", "stack", "global", "tls", "mapping"};
    return kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

static json_t *root_of(const struct catalog *catalog, const struct leak_root *root)
{
    if (!root)
        return json_null();
    struct json_build object = json_begin();
    bool word = root->kind != LOG_ROOT_REGISTER;
    json_put_text(&object, "kind", root_kind(root->kind));
    json_put_text(&object, "name", *root->name ? root->name : NULL);
    json_put_text(&object, "module", root->module ? catalog->modules[root->module].path : NULL);
    json_put(&object, "address", word ? json_of_number(root->address) : json_null());
    json_put(&object, "thread",
             root->thread ? json_integer(catalog->threads[root->thread].tid) : json_null());
    return finished(object);
}

static json_t *step_of(const struct maker *maker, const struct leak_sample *sample,
                       const struct leak_step *step)
{
    const struct leak_block *list = sample->blocks->list;
    const struct leak_block *block = &list[step->block];
    bool held = block->parent != LEAK_NO_BLOCK;
    struct json_build object = json_begin();
    json_put_number(&object, "left_out", step->left_out);
    json_put(&object, "offset",
             held ? json_of_number(block->holder - list[block->parent].address) : json_null());
    json_put(&object, "into", json_boolean(step->block == sample->middle));
    json_put_number(&object, "bytes", block->size);
    json_put_text(
        &object, "function",
        internal_site_line(&maker->report->replay->catalog, maker->sites[block->stack]).function);
    return finished(object);
}

static json_t *path_of(const struct maker *maker, size_t record)
{
    struct leak_sample sample;
    if (!leak_samples_get(maker->samples, record, &sample))
        return json_null();
    json_t *steps = json_array();
    for (size_t i = 0; steps && i < sample.path.count; i++) {
        if (json_array_append_new(steps, step_of(maker, &sample, &sample.path.steps[i])) != 0) {
            json_decref(steps);
            steps = NULL;
        }
    }
    struct json_build object = json_begin();
    json_put(&object, "root", root_of(&maker->report->replay->catalog, sample.path.root));
    json_put(&object, "blocks", steps);
    return finished(object);
}

/* ---- Checks ---- */

static struct json_build site_of(const struct maker *maker, const struct leak_record *record,
                                 size_t number)
{
    const struct catalog *catalog = &maker->report->replay->catalog;
    struct json_build object = json_begin();
    json_put_text(&object, "kind", leak_kind_name(record->reach));
    json_put_number(&object, "bytes", record->direct.bytes);
    json_put_number(&object, "blocks", record->direct.blocks);
    if (record->reach == LOG_DEFINITELY_LOST) {
        json_put_number(&object, "indirect_bytes", record->indirect.bytes);
        json_put_number(&object, "indirect_blocks", record->indirect.blocks);
    }
    json_put(&object, "before_attach", json_boolean(record->found));
    struct catalog_line line = internal_site_line(catalog, maker->sites[record->stack]);
    json_put_text(&object, "function", line.function);
    json_put_text(&object, "module", line.module);
    json_put_text(&object, "file", line.file);
    json_put_number(&object, "line", line.line);
    json_put(&object, "stack", stack_of(catalog, record->stack));
    if (maker->report->replay->leaks.keep_paths)
        json_put(&object, "path", path_of(maker, number));
    return object;
}

struct json_build json_leaks_check(const struct report *report, uint32_t id)
{
    const struct replay *replay = report->replay;
    const struct leak_check *check = &replay->leaks.list[id];
    struct json_build object = json_begin();
    json_put_number(&object, "check", id);
    json_put_number(&object, "process", check->process);
    json_put(&object, "pid", json_integer(replay->catalog.processes[check->process].pid));
    json_put_text(&object, "executable", replay->catalog.processes[check->process].executable);
    json_put_text(&object, "moment", leak_moment_name(check->moment));
    json_put(&object, "time", json_real(replay_seconds(replay, check->time)));
    json_put(&object, "complete", json_boolean(check->ended));
    json_put(&object, "shown", json_boolean(check->shown));
    for (int reach = LOG_DEFINITELY_LOST; reach >= LOG_REACHABLE; reach--)
        json_put(&object, leak_kind_name((enum log_reach)reach), amount_of(&check->kinds[reach]));
    json_put(&object, "suppressed", amount_of(&check->suppressed));
    json_put(&object, "suppressed_built_in", amount_of(&check->built_in));
    for (size_t i = 0; i < LEAK_NUMBERS; i++)
        json_put_number(&object, leak_number_names[i], check->numbers[i]);
    return object;
}

static struct error *print_sites(const struct report *report, FILE *out,
                                 const struct leak_records_query *query,
                                 const struct internal_site *sites)
{
    const struct options *options = report->options;
    struct leak_records records;
    struct leak_samples *samples = NULL;
    struct error *error = leak_records_collect(report, query, &records);
    if (error)
        return error;
    size_t count = records.count;
    if (options->limit_given && count > options->limit)
        count = options->limit;
    error = leak_samples_create(report, query, &records, count, &samples);
    const struct maker maker = {.report = report, .sites = sites, .samples = samples};
    for (size_t i = 0; !error && i < count && !ferror(out); i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        error = json_print(out, site_of(&maker, &records.list[i], i), 0);
    }
    leak_samples_destroy(samples);
    leak_records_deinit(&records);
    return error;
}

/* The object of a check, and inside of it, before its end, its sites one by one. */
static struct error *print_check(const struct report *report, FILE *out,
                                 const struct leak_records_query *query,
                                 const struct internal_site *sites)
{
    struct json_build object = json_leaks_check(report, query->check);
    char *text = object.failed ? NULL : json_dumps(object.json, 0);
    json_decref(object.json);
    if (!text)
        return error_no_memory();
    struct error *error = NULL;
    if (report->replay->leaks.list[query->check].shown) {
        fprintf(out, "%.*s, \"sites\": [", (int)(strlen(text) - 1), text);
        error = print_sites(report, out, query, sites);
        fputs("\n   ]}", out);
    } else {
        fputs(text, out);
    }
    free(text);
    return error;
}

struct error *json_leaks_print(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    if (replay->leaks.count < 2)
        return NULL;
    const struct options *options = report->options;
    uint32_t *same = same_stacks(&replay->catalog, SAME_BY_LINES);
    bool *wanted = filter_stacks(options, &replay->catalog);
    struct internal_site *sites = internal_sites(&replay->catalog, options);
    struct error *error = same && wanted && sites ? NULL : error_no_memory();
    for (uint32_t i = 1; !error && i < replay->leaks.count && !ferror(out); i++) {
        const struct leak_records_query query = {
            .check = i,
            .kinds = options->leak_kinds ? options->leak_kinds : LEAK_ALL_KINDS,
            .same = same,
            .wanted = wanted,
        };
        fputs(i > 1 ? ",\n  " : "\n  ", out);
        error = print_check(report, out, &query, sites);
    }
    free(same);
    free(wanted);
    free(sites);
    return error;
}
