/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_compare.h"

#include "output/analyze/comparison_sites.h"
#include "output/analyze/json_build.h"
#include "output/analyze/json_fields.h"

/* Adds the fields of both sides: {"before": ..., "now": ...} each. */
static void put_pairs(struct json_build *object, const struct json_field *fields,
                      const void *before, const void *now)
{
    for (const struct json_field *field = fields; field->name; field++) {
        struct json_build pair = json_begin();
        json_put_number(&pair, "before", json_field_get(field, before));
        json_put_number(&pair, "now", json_field_get(field, now));
        object->failed = object->failed || pair.failed;
        json_put(object, field->name, pair.json);
    }
}

static struct json_build summary_of(const struct report *report)
{
    const struct replay_totals *before = &report->comparison->before.replay.totals;
    const struct replay_totals *now = &report->replay->totals;
    struct json_build object = json_begin();
    put_pairs(&object, json_total_fields, before, now);
    if (before->leak_checks && now->leak_checks)
        put_pairs(&object, json_leak_fields, before, now);
    return object;
}

static json_t *baseline_of(const struct comparison *comparison)
{
    const struct catalog *catalog = &comparison->before.replay.catalog;
    struct json_build object = json_begin();
    json_put_text(&object, "file", comparison->name);
    json_put_text(&object, "executable",
                  catalog->process_count > 1 ? catalog->processes[1].executable : NULL);
    json_put(&object, "truncated", json_boolean(comparison->before.truncated));
    if (!object.failed)
        return object.json;
    json_decref(object.json);
    return NULL;
}

static struct json_build site_of(const struct comparison_site *site, enum group_key group)
{
    struct json_build object = json_begin();
    json_put_text(&object, "function", site->line.function);
    json_put_text(&object, "module", site->line.module);
    json_put_text(&object, "file", site->line.file);
    json_put_number(&object, "line", site->line.line);
    if (site->task)
        json_put_text(&object, group == GROUP_THREAD ? "thread_name" : "executable", site->task);
    put_pairs(&object, json_sum_fields, &site->before, &site->now);
    return object;
}

static bool has_changed(const struct comparison_site *site)
{
    for (const struct json_field *field = json_sum_fields; field->name; field++) {
        if (json_field_get(field, &site->before) != json_field_get(field, &site->now))
            return true;
    }
    return false;
}

static struct error *print_sites(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    enum metric metric = sites_metric(options);
    struct comparison_sites sites;
    struct error *error = comparison_sites_collect(report->comparison, options, &sites);
    if (error)
        return error;
    size_t shown = 0;
    comparison_sites_sort(&sites, options, sites_metric_weight(metric));
    for (size_t i = 0; !error && i < sites.count && !ferror(out); i++) {
        const struct comparison_site *site = &sites.sites[i];
        if (!has_changed(site) || !comparison_is_shown(options, metric, &site->before, &site->now))
            continue;
        if (options->limit_given && shown >= options->limit)
            break;
        fputs(shown++ ? ",\n   " : "\n   ", out);
        error = json_print(out, site_of(site, options->group), 0);
    }
    comparison_sites_deinit(&sites);
    return error;
}

struct error *json_compare_print(const struct report *report, FILE *out)
{
    const struct comparison *comparison = report->comparison;
    fputs("{\n  \"baseline\": ", out);
    struct error *error = json_print_value(out, baseline_of(comparison), 0);
    fputs(",\n  \"summary\": ", out);
    if (!error)
        error = json_print(out, summary_of(report), 0);
    fputs(",\n  \"allocations\": [", out);
    if (!error)
        error = print_sites(report, out);
    fputs("\n  ]\n }", out);
    return error;
}
