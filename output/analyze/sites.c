/* SPDX-License-Identifier: MIT */
#include "output/analyze/sites.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/hash.h"
#include "output/analyze/internal_frames.h"

struct site_entry {
    struct site_key key;
    struct site site;
    UT_hash_handle hh;
};

struct site_key sites_key(const struct replay_row *row, const struct catalog_line *line,
                          enum group_key group)
{
    struct site_key key;
    memset(&key, 0, sizeof key); /* it is hashed with its padding */
    switch (group) {
    case GROUP_THREAD:
        key.thread = row ? row->thread : 0;
        break;
    case GROUP_PROCESS:
        key.process = row ? row->process : 0;
        break;
    case GROUP_MODULE:
        key.module = line->module;
        break;
    case GROUP_FILE:
        key.file = line->file;
        key.module = line->file ? NULL : line->module;
        break;
    case GROUP_LINE:
    case GROUP_FUNCTION:
    default:
        key.function = line->function;
        key.module = line->module;
        key.file = line->file;
        key.line = group == GROUP_LINE ? line->line : 0;
        break;
    }
    return key;
}

struct site_key sites_key_of(const struct site *site)
{
    struct site_key key;
    memset(&key, 0, sizeof key);
    key.function = site->function;
    key.module = site->module;
    key.file = site->file;
    key.line = site->line;
    key.thread = site->thread;
    key.process = site->process;
    return key;
}

struct site sites_of_key(const struct site_key *key)
{
    return (struct site){
        .function = key->function,
        .module = key->module,
        .file = key->file,
        .line = key->line,
        .thread = key->thread,
        .process = key->process,
    };
}

static struct site_entry *entry_of(struct site_entry **entries, const struct site_key *key)
{
    struct site_entry *entry;
    HASH_FIND(hh, *entries, key, sizeof *key, entry);
    if (entry)
        return entry;
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->key = *key;
    entry->site = sites_of_key(key);
    unsigned before = HASH_COUNT(*entries);
    HASH_ADD(hh, *entries, key, sizeof entry->key, entry);
    if (HASH_COUNT(*entries) > before)
        return entry;
    free(entry);
    return NULL;
}

static uint64_t weigh_count(const struct replay_sums *sums)
{
    return sums->count;
}

static uint64_t weigh_bytes(const struct replay_sums *sums)
{
    return sums->bytes;
}

static uint64_t weigh_peak(const struct replay_sums *sums)
{
    return sums->peak_bytes;
}

static uint64_t weigh_leaked(const struct replay_sums *sums)
{
    return sums->leaked_bytes;
}

static uint64_t weigh_temporary(const struct replay_sums *sums)
{
    return sums->temporary;
}

static uint64_t weigh_peak_blocks(const struct replay_sums *sums)
{
    return sums->peak;
}

static uint64_t weigh_leaked_blocks(const struct replay_sums *sums)
{
    return sums->leaked;
}

static uint64_t weigh_temporary_bytes(const struct replay_sums *sums)
{
    return sums->temporary_bytes;
}

sites_weight sites_metric_weight(enum metric metric)
{
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return weigh_count;
    case METRIC_PEAK:
        return weigh_peak;
    case METRIC_LEAKED:
        return weigh_leaked;
    case METRIC_TEMPORARY:
        return weigh_temporary;
    case METRIC_BYTES:
    default:
        return weigh_bytes;
    }
}

sites_weight sites_weight_beside(enum metric metric)
{
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return weigh_bytes;
    case METRIC_PEAK:
        return weigh_peak_blocks;
    case METRIC_LEAKED:
        return weigh_leaked_blocks;
    case METRIC_TEMPORARY:
        return weigh_temporary_bytes;
    case METRIC_BYTES:
    default:
        return weigh_count;
    }
}

enum metric sites_metric(const struct options *options)
{
    switch (options->sort) {
    case SORT_COUNT:
        return METRIC_ALLOCATIONS;
    case SORT_SIZE:
        return METRIC_BYTES;
    case SORT_PEAK:
        return METRIC_PEAK;
    case SORT_LEAKED:
        return METRIC_LEAKED;
    case SORT_NAME:
    case SORT_CUMULATIVE:
    case SORT_DEFAULT:
    default:
        return options->metric;
    }
}

/* Zero-sized blocks leak too: where bytes are equal, blocks decide. */
static uint64_t tie_of(const struct replay_sums *sums)
{
    return sums->leaked ? sums->leaked : sums->count;
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_names(const struct site *a, const struct site *b)
{
    int order = compare_texts(a->function, b->function);
    if (!order)
        order = compare_texts(a->module, b->module);
    if (!order)
        order = compare_texts(a->file, b->file);
    if (!order)
        order = (a->line > b->line) - (a->line < b->line);
    if (!order)
        order = (a->thread > b->thread) - (a->thread < b->thread);
    if (!order)
        order = (a->process > b->process) - (a->process < b->process);
    return order;
}

struct order {
    enum sort_key key;
    sites_weight weigh;
};

static uint64_t weight_of(const struct order *order, const struct site *site)
{
    return order->key == SORT_CUMULATIVE ? site->cumulative : order->weigh(&site->sums);
}

static int compare_sites(const void *one, const void *other, void *data)
{
    const struct site *a = one;
    const struct site *b = other;
    const struct order *order = data;
    uint64_t weight_a = weight_of(order, a);
    uint64_t weight_b = weight_of(order, b);
    if (order->key == SORT_NAME || weight_a == weight_b) {
        uint64_t tie_a = tie_of(&a->sums);
        uint64_t tie_b = tie_of(&b->sums);
        if (order->key != SORT_NAME && tie_a != tie_b)
            return tie_a < tie_b ? 1 : -1;
        return compare_names(a, b);
    }
    return weight_a < weight_b ? 1 : -1;
}

bool sites_are_empty(const struct replay_sums *sums)
{
    return !sums->count && !sums->failed && !sums->peak && !sums->leaked;
}

/* Adds the rows that pass the filter to the entries of their sites. */
static struct error *group_rows(const struct replay *replay, const struct options *options,
                                const struct internal_site *places, struct site_entry **entries,
                                struct sites *sites)
{
    for (uint32_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (sites_are_empty(&row->sums))
            continue;
        struct catalog_line line = internal_site_line(&replay->catalog, places[row->stack]);
        if (!filter_line(options, &line))
            continue;
        struct site_key key = sites_key(row, &line, options->group);
        struct site_entry *entry = entry_of(entries, &key);
        if (!entry)
            return error_no_memory();
        entry->site.named = line.named;
        replay_add_sums(&entry->site.sums, &row->sums);
        sites->next_row[i] = entry->site.first_row;
        entry->site.first_row = i;
    }
    return NULL;
}

struct error *sites_collect(const struct replay *replay, const struct options *options,
                            struct sites *sites)
{
    struct site_entry *entries = NULL;
    struct site_entry *entry;
    struct internal_site *places = internal_sites(&replay->catalog, options);
    *sites = (struct sites){.next_row = calloc(replay->row_count, sizeof *sites->next_row)};
    struct error *error = places && sites->next_row
                              ? group_rows(replay, options, places, &entries, sites)
                              : error_no_memory();
    free(places);
    sites->sites = calloc(HASH_COUNT(entries) + 1, sizeof *sites->sites);
    if (!sites->sites && !error)
        error = error_no_memory();
    while ((entry = entries)) {
        const struct replay_sums *sums = &entry->site.sums;
        if (!error && sums->count >= options->min_count && sums->bytes >= options->threshold_bytes)
            sites->sites[sites->count++] = entry->site;
        HASH_DEL(entries, entry);
        free(entry);
    }
    if (error)
        sites_deinit(sites);
    return error;
}

void sites_deinit(struct sites *sites)
{
    free(sites->sites);
    free(sites->next_row);
    *sites = (struct sites){0};
}

void sites_sort(struct sites *sites, const struct options *options, sites_weight weigh)
{
    struct order order = {.key = options->sort, .weigh = weigh};
    qsort_r(sites->sites, sites->count, sizeof *sites->sites, compare_sites, &order);
}

uint32_t sites_heaviest_row(const struct sites *sites, const struct replay *replay,
                            const struct site *site, sites_weight weigh)
{
    uint32_t heaviest = site->first_row;
    for (uint32_t id = heaviest; id; id = sites->next_row[id]) {
        const struct replay_row *row = &replay->rows[id];
        const struct replay_row *best = &replay->rows[heaviest];
        uint64_t weight = weigh(&row->sums);
        uint64_t most = weigh(&best->sums);
        /* Of equals the first stack in the log, whatever the rows' order. */
        bool earlier = row->stack < best->stack ||
                       (row->stack == best->stack &&
                        (row->process < best->process ||
                         (row->process == best->process && row->thread < best->thread)));
        if (weight > most || (weight == most && earlier))
            heaviest = id;
    }
    return heaviest;
}
