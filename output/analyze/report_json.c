/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/json_build.h"
#include "output/analyze/json_compare.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/json_leaks.h"
#include "output/analyze/json_stacks.h"
#include "output/analyze/json_summary.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"

static struct json_build site_of(const struct report *report, const struct site *site)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct json_build object = json_begin();
    json_put_text(&object, "function", site->function);
    json_put_text(&object, "module", site->module);
    json_put_text(&object, "file", site->file);
    json_put_number(&object, "line", site->line);
    if (site->thread) {
        json_put(&object, "thread", json_integer(catalog->threads[site->thread].tid));
        json_put_text(&object, "thread_name", catalog->threads[site->thread].name);
    }
    if (site->process) {
        json_put(&object, "process", json_integer(catalog->processes[site->process].pid));
        json_put_text(&object, "executable", catalog->processes[site->process].executable);
    }
    json_put_fields(&object, json_sum_fields, &site->sums);
    return object;
}

static json_t *seconds_or_null(double seconds)
{
    return isfinite(seconds) ? json_real(seconds) : json_null();
}

/* Which part of the log is counted. */
static json_t *selection_of(const struct replay_options *options)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:f}", "process",
                     options->pid < 0 ? json_null() : json_integer(options->pid), "thread",
                     options->tid < 0 ? json_null() : json_integer(options->tid), "from",
                     seconds_or_null(options->from), "to", seconds_or_null(options->to),
                     "older_than", options->older_than);
}

static const char *build_id_of(const struct catalog *catalog, const char *path)
{
    for (size_t i = 1; i < catalog->module_count; i++) {
        if (catalog->modules[i].path == path) /* interned */
            return catalog->modules[i].build_id;
    }
    return NULL;
}

/* What was run: the first process's program and the command that was traced. */
static struct json_build program_of(const struct report *report)
{
    const struct catalog *catalog = &report->replay->catalog;
    const struct log_header *header = report->header;
    const char *executable = catalog->process_count > 1 ? catalog->processes[1].executable : NULL;
    struct json_build object = json_begin();
    json_t *command = json_array();
    for (size_t i = 0; i < header->command_count; i++) {
        char *word = strndup(header->command[i].data, header->command[i].size);
        object.failed = !word || json_array_append_new(command, json_of_text(word)) != 0;
        free(word);
        if (object.failed)
            break;
    }
    json_put_text(&object, "executable", executable);
    json_put_text(&object, "build_id", executable ? build_id_of(catalog, executable) : NULL);
    json_put(&object, "command", command);
    json_put_number(&object, "logs", report->options->log_count);
    json_put(&object, "selection", selection_of(&report->replay->options));
    return object;
}

static struct json_build process_of(const struct catalog *catalog,
                                    const struct catalog_process *process)
{
    struct json_build object = json_begin();
    json_put(&object, "process", json_integer(process->pid));
    json_put(&object, "parent",
             process->parent ? json_integer(catalog->processes[process->parent].pid) : json_null());
    json_put_text(&object, "origin", catalog_origin_name(process->origin));
    json_put_text(&object, "executable", process->executable);
    return object;
}

/* All programs of the log, in the order in which they began, whatever --process chose. */
static struct error *print_processes(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct error *error = NULL;
    for (size_t i = 1; !error && i < catalog->process_count && !ferror(out); i++) {
        fputs(i > 1 ? ",\n  " : "\n  ", out);
        error = json_print(out, process_of(catalog, &catalog->processes[i]), 0);
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
        error = json_print(out, site_of(report, &sites->sites[i]), 0);
    }
    return error;
}

/* One object for each bucket with blocks in it. */
static struct error *print_buckets(FILE *out, const char *name, const struct buckets *buckets,
                                   size_t count, struct json_build (*describe)(unsigned bucket))
{
    struct error *error = NULL;
    bool first = true;
    fprintf(out, "\n  \"%s\": [", name);
    for (unsigned i = 0; !error && i < count; i++) {
        if (!buckets->all[i].count)
            continue;
        struct json_build object = describe(i);
        json_put_number(&object, "count", buckets->all[i].count);
        json_put_number(&object, "bytes", buckets->all[i].bytes);
        fputs(first ? "\n   " : ",\n   ", out);
        first = false;
        error = json_print(out, object, 0);
    }
    fputs("\n  ]", out);
    return error;
}

static struct json_build describe_size(unsigned bucket)
{
    struct json_build object = json_begin();
    json_put_number(&object, "up_to", buckets_size_end(bucket));
    return object;
}

static struct json_build describe_lifetime(unsigned bucket)
{
    struct json_build object = json_begin();
    uint64_t under = buckets_lifetime_end(bucket);
    json_put(&object, "under", under ? json_of_number(under) : json_null());
    json_put(&object, "freed", json_boolean(bucket != BUCKETS_NOT_FREED));
    return object;
}

static struct error *print_histograms(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    fprintf(out, ",\n \"histograms\": {\n  \"lifetime_unit\": \"%s\",",
            replay->tick_ns ? "us" : "events");
    struct error *error = print_buckets(out, "sizes", &replay->sizes, BUCKETS_SIZES, describe_size);
    fputc(',', out);
    if (!error)
        error = print_buckets(out, "lifetimes", &replay->lifetimes, BUCKETS_LIFETIMES,
                              describe_lifetime);
    fputs("\n }", out);
    return error;
}

/* Those that are given, also if they have matched nothing; or the used ones of those built in. */
static struct error *print_suppressions(const struct suppressions *suppressions, bool built_in,
                                        FILE *out)
{
    struct error *error = NULL;
    bool any = false;
    size_t end = built_in ? suppressions->count : suppressions->given;
    fprintf(out, ",\n \"%s\": [", built_in ? "built_in_suppressions" : "suppressions");
    for (size_t i = built_in ? suppressions->given : 0; !error && i < end; i++) {
        const struct suppression *suppression = &suppressions->list[i];
        if (built_in && !suppression->blocks && !suppression->check_blocks)
            continue;
        struct json_build object = json_begin();
        json_put_text(&object, "pattern", suppression->pattern);
        json_put_number(&object, "blocks", suppression->blocks);
        json_put_number(&object, "bytes", suppression->bytes);
        if (built_in) {
            json_put_number(&object, "check_blocks", suppression->check_blocks);
            json_put_number(&object, "check_bytes", suppression->check_bytes);
        }
        fputs(any ? ",\n  " : "\n  ", out);
        any = true;
        error = json_print(out, object, 0);
    }
    fputs("\n ]", out);
    return error;
}

static struct error *print_report(const struct report *report, FILE *out, bool stacks)
{
    const struct options *options = report->options;
    struct sites sites;
    struct error *error = sites_collect(report->replay, options, &sites);
    if (error)
        return error;
    sites_sort(&sites, options, sites_metric_weight(sites_metric(options)));
    fprintf(out,
            "{\n \"schema\": {\"name\": \"%s\", \"version\": %d},\n \"program\": ", JSON_SCHEMA,
            JSON_SCHEMA_VERSION);
    error = json_print(out, program_of(report), 0);
    fputs(",\n \"allocations\": [", out);
    if (!error)
        error = print_sites(report, &sites, out);
    sites_deinit(&sites);
    fputs("\n ],\n \"processes\": [", out);
    if (!error)
        error = print_processes(report, out);
    fputs("\n ],\n \"summary\": ", out);
    if (!error)
        error = json_print(out, json_summary(report), JSON_INDENT(1));
    if (!error)
        error = print_histograms(report, out);
    fputs(",\n \"leak_checks\": [", out);
    if (!error)
        error = json_leaks_print(report, out);
    fputs("\n ]", out);
    if (!error && report->suppressions && report->suppressions->given)
        error = print_suppressions(report->suppressions, false, out);
    if (!error && report->suppressions && report->suppressions->count > report->suppressions->given)
        error = print_suppressions(report->suppressions, true, out);
    if (report->comparison)
        fputs(",\n \"compare\": ", out);
    if (!error && report->comparison)
        error = json_compare_print(report, out);
    if (stacks)
        fputs(",\n \"stacks\": ", out);
    if (!error && stacks)
        error = json_stacks_print(report, out);
    fputs("\n}\n", out);
    return error;
}

struct error *report_json(const struct report *report, FILE *out)
{
    return print_report(report, out, false);
}

struct error *report_saved(const struct report *report, FILE *out)
{
    return print_report(report, out, true);
}
