/* SPDX-License-Identifier: MIT */
#include "output/analyze/comparison_sites.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/key_ids.h"

/* Interned texts, of one pool. */
struct place_key {
    const char *function, *module, *file, *task;
    uint64_t line;
};

/* The key of a place; its line keeps what is shown, and file is shown where it is no part of the
 * key. */
static struct place_key key_of(const struct options *options, struct catalog_line *line,
                               const char *task)
{
    enum group_key group = options->group;
    if (group == GROUP_LINE && !options->group_given)
        group = GROUP_FUNCTION;
    switch (group) {
    case GROUP_THREAD:
    case GROUP_PROCESS:
        *line = (struct catalog_line){.module = ""};
        return (struct place_key){.task = task};
    case GROUP_MODULE:
        *line = (struct catalog_line){.module = line->module};
        return (struct place_key){.module = line->module};
    case GROUP_FILE:
        *line = (struct catalog_line){.module = line->file ? "" : line->module, .file = line->file};
        return (struct place_key){.file = line->file, .module = line->file ? NULL : line->module};
    case GROUP_LINE:
        return (struct place_key){.function = line->function,
                                  .module = line->module,
                                  .file = line->file,
                                  .line = line->line};
    case GROUP_FUNCTION:
    default:
        line->line = 0;
        return (struct place_key){.function = line->function, .module = line->module};
    }
}

static bool add_stack(const struct comparison *comparison, const struct options *options,
                      const struct internal_site *places, uint32_t number, struct key_id **known,
                      struct comparison_sites *sites)
{
    const struct comparison_stack *stack = &comparison->stacks[number - 1];
    const struct catalog *catalog = comparison_catalog(comparison, stack);
    struct catalog_line line = internal_site_line(catalog, places[stack->stack]);
    if (!filter_line(options, &line))
        return true;
    struct place_key key = key_of(options, &line, stack->task);
    uint32_t next = (uint32_t)sites->count + 1;
    uint32_t place = key_ids_add(known, &key, sizeof key, next);
    if (!place)
        return false;
    struct comparison_site *site = &sites->sites[place - 1];
    if (place == next) {
        *site = (struct comparison_site){.line = line, .task = key.task};
        sites->count++;
    }
    replay_add_sums(&site->before, &stack->before);
    replay_add_sums(&site->now, &stack->now);
    sites->next_stack[number] = site->first_stack;
    site->first_stack = number;
    return true;
}

struct error *comparison_sites_collect(const struct comparison *comparison,
                                       const struct options *options,
                                       struct comparison_sites *sites)
{
    struct key_id *known = NULL;
    struct internal_site *places_now = internal_sites(&comparison->now->catalog, options);
    struct internal_site *places_before =
        internal_sites(&comparison->before.replay.catalog, options);
    *sites = (struct comparison_sites){
        .sites = calloc(comparison->count + 1, sizeof *sites->sites),
        .next_stack = calloc(comparison->count + 1, sizeof *sites->next_stack),
    };
    bool done = places_now && places_before && sites->sites && sites->next_stack;
    for (uint32_t i = 1; done && i <= comparison->count; i++) {
        bool gone = comparison->stacks[i - 1].gone;
        done = add_stack(comparison, options, gone ? places_before : places_now, i, &known, sites);
    }
    key_ids_deinit(&known);
    free(places_now);
    free(places_before);
    if (done)
        return NULL;
    comparison_sites_deinit(sites);
    return error_no_memory();
}

void comparison_sites_deinit(struct comparison_sites *sites)
{
    free(sites->sites);
    free(sites->next_stack);
    *sites = (struct comparison_sites){0};
}

struct change comparison_change(const struct replay_sums *before, const struct replay_sums *now,
                                sites_weight weigh)
{
    return (struct change){.before = weigh(before), .now = weigh(now)};
}

static uint64_t weigh_temporary_bytes(const struct replay_sums *sums)
{
    return sums->temporary_bytes;
}

bool comparison_is_shown(const struct options *options, enum metric metric,
                         const struct replay_sums *before, const struct replay_sums *now)
{
    sites_weight bytes = metric == METRIC_PEAK || metric == METRIC_LEAKED
                             ? sites_metric_weight(metric)
                         : metric == METRIC_TEMPORARY ? weigh_temporary_bytes
                                                      : sites_metric_weight(METRIC_BYTES);
    struct change count = comparison_change(before, now, sites_metric_weight(METRIC_ALLOCATIONS));
    return change_size(comparison_change(before, now, bytes)) >= options->threshold_bytes &&
           change_size(count) >= options->min_count;
}

/* Growth goes before loss, and more of each before less. */
static int compare_changes(struct change a, struct change b)
{
    bool a_grew = a.now > a.before;
    bool b_grew = b.now > b.before;
    if (a_grew != b_grew)
        return a_grew ? -1 : 1;
    if (change_size(a) != change_size(b))
        return change_size(a) < change_size(b) ? 1 : -1;
    return 0;
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_names(const struct comparison_site *a, const struct comparison_site *b)
{
    int order = compare_texts(a->line.function, b->line.function);
    if (!order)
        order = compare_texts(a->line.module, b->line.module);
    if (!order)
        order = compare_texts(a->line.file, b->line.file);
    if (!order)
        order = (a->line.line > b->line.line) - (a->line.line < b->line.line);
    return order ? order : compare_texts(a->task, b->task);
}

struct order {
    bool by_name;
    sites_weight weigh;
};

static int compare_sites(const void *one, const void *other, void *data)
{
    const struct comparison_site *a = one;
    const struct comparison_site *b = other;
    const struct order *how = data;
    int order = how->by_name ? 0
                             : compare_changes(comparison_change(&a->before, &a->now, how->weigh),
                                               comparison_change(&b->before, &b->now, how->weigh));
    return order ? order : compare_names(a, b);
}

void comparison_sites_sort(struct comparison_sites *sites, const struct options *options,
                           sites_weight weigh)
{
    struct order how = {.by_name = options->sort == SORT_NAME, .weigh = weigh};
    qsort_r(sites->sites, sites->count, sizeof *sites->sites, compare_sites, &how);
}

const struct comparison_stack *comparison_sites_stack(const struct comparison *comparison,
                                                      const struct comparison_sites *sites,
                                                      const struct comparison_site *site,
                                                      sites_weight weigh)
{
    struct change whole = comparison_change(&site->before, &site->now, weigh);
    uint32_t best = site->first_stack;
    uint64_t most = 0;
    /* The chain is in the reverse order: of equals the first in the log is kept. */
    for (uint32_t i = best; i; i = sites->next_stack[i]) {
        const struct comparison_stack *stack = &comparison->stacks[i - 1];
        struct change change = comparison_change(&stack->before, &stack->now, weigh);
        bool along = (change.now > change.before) == (whole.now > whole.before);
        if (along && change_size(change) >= most) {
            most = change_size(change);
            best = i;
        }
    }
    return &comparison->stacks[best - 1];
}
