/* SPDX-License-Identifier: MIT */
#include <jansson.h>

#include "output/analyze/report.h"
#include "output/analyze/sites.h"

/* JSON texts are UTF-8: names that are not are neutralized first. */
static json_t *text_of(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char clean[4096];
    text_sanitize(clean, sizeof clean, text);
    return json_string(clean);
}

static json_t *number_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *site_of(const struct report *report, const struct site *site)
{
    const struct replay_sums *sums = &site->sums;
    json_t *object = json_object();
    json_object_set_new(object, "function", text_of(site->function));
    json_object_set_new(object, "module", text_of(site->module));
    json_object_set_new(object, "file", text_of(site->file));
    json_object_set_new(object, "line", number_of(site->line));
    if (site->thread) {
        const struct catalog_thread *thread = &report->replay->catalog.threads[site->thread];
        json_object_set_new(object, "thread", json_integer(thread->tid));
        json_object_set_new(object, "thread_name", text_of(thread->name));
    }
    if (site->process) {
        const struct catalog_process *process = &report->replay->catalog.processes[site->process];
        json_object_set_new(object, "process", json_integer(process->pid));
        json_object_set_new(object, "executable", text_of(process->executable));
    }
    json_object_set_new(object, "count", number_of(sums->count));
    json_object_set_new(object, "total_bytes", number_of(sums->bytes));
    json_object_set_new(object, "peak_bytes", number_of(sums->peak_bytes));
    json_object_set_new(object, "peak_count", number_of(sums->peak));
    json_object_set_new(object, "leaked_bytes", number_of(sums->leaked_bytes));
    json_object_set_new(object, "leaked_count", number_of(sums->leaked));
    json_object_set_new(object, "temporary", number_of(sums->temporary));
    json_object_set_new(object, "reallocations", number_of(sums->reallocations));
    json_object_set_new(object, "failed", number_of(sums->failed));
    return object;
}

static json_t *summary_of(const struct report *report)
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
        {"current_memory", totals->leaked_bytes},
        {"leaked_bytes", totals->leaked_bytes},
        {"leaked_blocks", totals->leaked},
        {"temporary_allocations", totals->temporary},
        {"failed_allocations", totals->failed},
        {"unknown_frees", totals->unknown_frees},
        {"missed_frees", totals->missed_frees},
        {"mapped_bytes", totals->mapped_bytes},
        {"mapped_peak", totals->mapped_peak},
        {"mapped_now", totals->mapped_now},
        {"processes", report->replay->catalog.process_count - 1},
        {"threads", report->replay->catalog.thread_count - 1},
        {"events", totals->events},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(object, numbers[i].name, number_of(numbers[i].value));
    json_object_set_new(object, "truncated", json_boolean(report->truncated));
    return object;
}

struct error *report_json(const struct report *report, FILE *out)
{
    struct options options = *report->options;
    struct sites sites;
    if (!options.limit_given)
        options.limit = OPTIONS_NO_LIMIT;
    struct error *error =
        sites_collect(report->replay, &options, sites_metric_weight(options.metric), &sites);
    if (error)
        return error;
    json_t *array = json_array();
    for (size_t i = 0; i < sites.count; i++)
        json_array_append_new(array, site_of(report, &sites.sites[i]));
    json_t *root = json_object();
    json_object_set_new(root, "allocations", array);
    json_object_set_new(root, "summary", summary_of(report));
    sites_deinit(&sites);
    int failure = root ? json_dumpf(root, out, JSON_INDENT(1)) : -1;
    json_decref(root);
    fputc('\n', out);
    return failure ? error_format(ERROR_SYSTEM, "the JSON could not be written") : NULL;
}
