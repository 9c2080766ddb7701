/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "output/analyze/report.h"
#include "output/analyze/sites.h"
#include "output/log/utf8.h"

/* An object under construction; failed stays set once memory ran out. */
struct object {
    json_t *json;
    bool failed;
};

static struct object object_begin(void)
{
    json_t *json = json_object();
    return (struct object){.json = json, .failed = !json};
}

/* Takes value over. */
static void put(struct object *object, const char *key, json_t *value)
{
    object->failed = json_object_set_new(object->json, key, value) != 0 || object->failed;
}

/* JSON texts are UTF-8: names that are not are neutralized first. NULL becomes null. */
static void put_text(struct object *object, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (!value) {
        unsigned long size = text_sanitize(NULL, 0, text) + 1;
        char *clean = malloc(size);
        if (clean)
            text_sanitize(clean, size, text);
        value = clean ? json_string(clean) : NULL;
        free(clean);
    }
    put(object, key, value);
}

static void put_number(struct object *object, const char *key, uint64_t number)
{
    /* JSON integers of the library are signed; sums of honest logs are far below. */
    put(object, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

static struct object site_of(const struct report *report, const struct site *site)
{
    const struct catalog *catalog = &report->replay->catalog;
    const struct replay_sums *sums = &site->sums;
    struct object object = object_begin();
    put_text(&object, "function", site->function);
    put_text(&object, "module", site->module);
    put_text(&object, "file", site->file);
    put_number(&object, "line", site->line);
    if (site->thread) {
        put(&object, "thread", json_integer(catalog->threads[site->thread].tid));
        put_text(&object, "thread_name", catalog->threads[site->thread].name);
    }
    if (site->process) {
        put(&object, "process", json_integer(catalog->processes[site->process].pid));
        put_text(&object, "executable", catalog->processes[site->process].executable);
    }
    put_number(&object, "count", sums->count);
    put_number(&object, "total_bytes", sums->bytes);
    put_number(&object, "peak_bytes", sums->peak_bytes);
    put_number(&object, "peak_count", sums->peak);
    put_number(&object, "leaked_bytes", sums->leaked_bytes);
    put_number(&object, "leaked_count", sums->leaked);
    put_number(&object, "temporary", sums->temporary);
    put_number(&object, "temporary_bytes", sums->temporary_bytes);
    put_number(&object, "reallocations", sums->reallocations);
    put_number(&object, "failed", sums->failed);
    return object;
}

static struct object summary_of(const struct report *report)
{
    const struct replay_totals *totals = &report->replay->totals;
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"total_allocations", totals->allocations},
        {"total_deallocations", totals->deallocations},
        {"total_reallocations", totals->reallocations},
        {"total_bytes_allocated", totals->bytes},
        {"peak_memory", totals->peak_bytes},
        {"peak_blocks", totals->peak_blocks},
        {"current_memory", totals->left_bytes},
        {"leaked_bytes", totals->leaked_bytes},
        {"leaked_blocks", totals->leaked},
        {"temporary_allocations", totals->temporary},
        {"temporary_bytes", totals->temporary_bytes},
        {"failed_allocations", totals->failed},
        {"unknown_frees", totals->unknown_frees},
        {"inherited_frees", totals->inherited_frees},
        {"missed_frees", totals->missed_frees},
        {"mapped_bytes", totals->mapped_bytes},
        {"mapped_peak", totals->mapped_peak},
        {"mapped_at_end", totals->mapped_end},
        {"processes", report->replay->catalog.process_count - 1},
        {"threads", report->replay->catalog.thread_count - 1},
        {"events", totals->events},
    };
    struct object object = object_begin();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(&object, numbers[i].name, numbers[i].value);
    put(&object, "attached", json_boolean(report->header->attached));
    put(&object, "truncated", json_boolean(report->truncated));
    return object;
}

static const char *origin_name(uint32_t origin)
{
    static const char *const names[] = {
        [LOG_ORIGIN_LAUNCH] = "launch", [LOG_ORIGIN_ATTACH] = "attach", [LOG_ORIGIN_FORK] = "fork",
        [LOG_ORIGIN_EXEC] = "exec",     [LOG_ORIGIN_CLONE] = "clone",
    };
    return origin < sizeof names / sizeof *names ? names[origin] : NULL;
}

static struct object process_of(const struct catalog *catalog,
                                const struct catalog_process *process)
{
    struct object object = object_begin();
    put(&object, "process", json_integer(process->pid));
    put(&object, "parent",
        process->parent ? json_integer(catalog->processes[process->parent].pid) : json_null());
    put_text(&object, "origin", origin_name(process->origin));
    put_text(&object, "executable", process->executable);
    return object;
}

/* JSON escapes C0 only: other characters that are not for a terminal (text.h), all of which stand
 * in strings and have a code point of four digits, are escaped here. */
static void print_dump(FILE *out, const char *dump)
{
    for (size_t left = strlen(dump); left;) {
        bool safe;
        size_t length = text_character(dump, left, &safe);
        while (safe && length < left && dump[length] >= ' ' && dump[length] <= '~')
            length++;
        if (safe || *dump == '\n')
            fwrite(dump, 1, length, out);
        else
            fprintf(out, "\\u%04x", utf8_code_point(dump, length));
        dump += length;
        left -= length;
    }
}

/* Takes the object over. A failed write is found by who opened out. */
static struct error *print_object(FILE *out, struct object object, size_t flags)
{
    char *dump = object.failed ? NULL : json_dumps(object.json, flags);
    json_decref(object.json);
    if (!dump)
        return error_no_memory();
    print_dump(out, dump);
    free(dump);
    return NULL;
}

/* All programs of the log, in the order in which they began, whatever --process chose. */
static struct error *print_processes(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct error *error = NULL;
    for (size_t i = 1; !error && i < catalog->process_count && !ferror(out); i++) {
        fputs(i > 1 ? ",\n  " : "\n  ", out);
        error = print_object(out, process_of(catalog, &catalog->processes[i]), 0);
    }
    return error;
}

/* Site by site, for there may be many, and their objects are large. */
static struct error *print_sites(const struct report *report, const struct sites *sites, FILE *out)
{
    const struct options *options = report->options;
    struct error *error = NULL;
    for (size_t i = 0; !error && i < sites->count && !ferror(out); i++) {
        if (options->limit_given && i >= options->limit)
            break;
        fputs(i ? ",\n  " : "\n  ", out);
        error = print_object(out, site_of(report, &sites->sites[i]), 0);
    }
    return error;
}

struct error *report_json(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    struct sites sites;
    struct error *error = sites_collect(report->replay, options, &sites);
    if (error)
        return error;
    sites_sort(&sites, options, sites_metric_weight(sites_metric(options)));
    fputs("{\n \"allocations\": [", out);
    error = print_sites(report, &sites, out);
    sites_deinit(&sites);
    fputs("\n ],\n \"processes\": [", out);
    if (!error)
        error = print_processes(report, out);
    fputs("\n ],\n \"summary\": ", out);
    if (!error)
        error = print_object(out, summary_of(report), JSON_INDENT(1));
    fputs("\n}\n", out);
    return error;
}
