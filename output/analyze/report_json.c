/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output/analyze/json_build.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"

static struct json_build site_of(const struct report *report, const struct site *site)
{
    const struct catalog *catalog = &report->replay->catalog;
    const struct replay_sums *sums = &site->sums;
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
    json_put_number(&object, "count", sums->count);
    json_put_number(&object, "total_bytes", sums->bytes);
    json_put_number(&object, "peak_bytes", sums->peak_bytes);
    json_put_number(&object, "peak_count", sums->peak);
    json_put_number(&object, "leaked_bytes", sums->leaked_bytes);
    json_put_number(&object, "leaked_count", sums->leaked);
    json_put_number(&object, "temporary", sums->temporary);
    json_put_number(&object, "temporary_bytes", sums->temporary_bytes);
    json_put_number(&object, "reallocations", sums->reallocations);
    json_put_number(&object, "failed", sums->failed);
    return object;
}

static struct json_build summary_of(const struct report *report)
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
    struct json_build object = json_begin();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_put_number(&object, numbers[i].name, numbers[i].value);
    json_put(&object, "attached", json_boolean(report->header->attached));
    json_put(&object, "truncated", json_boolean(report->truncated));
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

static struct json_build process_of(const struct catalog *catalog,
                                    const struct catalog_process *process)
{
    struct json_build object = json_begin();
    json_put(&object, "process", json_integer(process->pid));
    json_put(&object, "parent",
             process->parent ? json_integer(catalog->processes[process->parent].pid) : json_null());
    json_put_text(&object, "origin", origin_name(process->origin));
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
        error = json_print(out, summary_of(report), JSON_INDENT(1));
    fputs("\n}\n", out);
    return error;
}
