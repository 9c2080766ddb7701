/* SPDX-License-Identifier: MIT */
#include "output/analyze/sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "output/analyze/internal_frames.h"

/* Interned texts: equal keys have equal pointers. */
struct site_key {
    const char *function, *module, *file;
    uint64_t line;
    uint32_t thread, process;
};

struct site_entry {
    struct site_key key;
    struct site site;
    UT_hash_handle hh;
};

static struct site_key key_of(const struct replay *replay, const struct replay_row *row,
                              enum group_key group)
{
    struct site_key key;
    memset(&key, 0, sizeof key); /* it is hashed with its padding */
    if (group == GROUP_THREAD) {
        key.thread = row->group;
        return key;
    }
    if (group == GROUP_PROCESS) {
        key.process = row->group;
        return key;
    }
    struct catalog_line line = internal_site(&replay->catalog, row->stack);
    if (group == GROUP_FILE) {
        key.file = line.file;
        key.module = line.file ? NULL : line.module;
        return key;
    }
    key.module = line.module;
    if (group == GROUP_MODULE)
        return key;
    key.function = line.function;
    key.file = line.file;
    if (group == GROUP_LINE)
        key.line = line.line;
    return key;
}

static void add_sums(struct replay_sums *to, const struct replay_sums *from)
{
    to->count += from->count;
    to->bytes += from->bytes;
    to->reallocations += from->reallocations;
    to->failed += from->failed;
    to->temporary += from->temporary;
    to->temporary_bytes += from->temporary_bytes;
    to->live += from->live;
    to->live_bytes += from->live_bytes;
    to->peak += from->peak;
    to->peak_bytes += from->peak_bytes;
    to->leaked += from->leaked;
    to->leaked_bytes += from->leaked_bytes;
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
    entry->site = (struct site){
        .function = key->function,
        .module = key->module,
        .file = key->file,
        .line = key->line,
        .thread = key->thread,
        .process = key->process,
    };
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

static sites_weight sort_weight(enum sort_key sort, sites_weight fallback)
{
    switch (sort) {
    case SORT_COUNT:
        return weigh_count;
    case SORT_SIZE:
        return weigh_bytes;
    case SORT_PEAK:
        return weigh_peak;
    case SORT_LEAKED:
        return weigh_leaked;
    case SORT_NAME:
    case SORT_DEFAULT:
    default:
        return fallback;
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
    bool by_name;
    sites_weight weigh;
};

static int compare_sites(const void *one, const void *other, void *data)
{
    const struct site *a = one;
    const struct site *b = other;
    const struct order *order = data;
    uint64_t weight_a = order->weigh(&a->sums);
    uint64_t weight_b = order->weigh(&b->sums);
    if (order->by_name || weight_a == weight_b) {
        uint64_t tie_a = tie_of(&a->sums);
        uint64_t tie_b = tie_of(&b->sums);
        if (!order->by_name && tie_a != tie_b)
            return tie_a < tie_b ? 1 : -1;
        return compare_names(a, b);
    }
    return weight_a < weight_b ? 1 : -1;
}

static bool is_shown(const struct options *options, const struct site *site)
{
    if (site->sums.count < options->min_count || site->sums.bytes < options->threshold_bytes)
        return false;
    if (!options->has_filter)
        return true;
    const char *const texts[] = {site->function, site->file, site->module};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] && regexec(&options->filter, texts[i], 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

struct error *sites_collect(const struct replay *replay, const struct options *options,
                            sites_weight weigh, struct sites *sites)
{
    struct order order = {.by_name = options->sort == SORT_NAME,
                          .weigh = sort_weight(options->sort, weigh)};
    struct site_entry *entries = NULL;
    struct error *error = NULL;
    *sites = (struct sites){0};
    for (size_t i = 1; !error && i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        struct site_key key = key_of(replay, row, options->group);
        struct site_entry *entry = entry_of(&entries, &key);
        if (!entry) {
            error = error_no_memory();
            break;
        }
        add_sums(&entry->site.sums, &row->sums);
        uint64_t weight = order.weigh(&row->sums);
        if (!entry->site.heaviest_row || weight > entry->site.heaviest_weight) {
            entry->site.heaviest_row = (uint32_t)i;
            entry->site.heaviest_weight = weight;
        }
    }
    sites->sites = calloc(HASH_COUNT(entries) + 1, sizeof *sites->sites);
    if (!sites->sites && !error)
        error = error_no_memory();
    struct site_entry *entry;
    while ((entry = entries)) {
        if (!error && is_shown(options, &entry->site))
            sites->sites[sites->count++] = entry->site;
        HASH_DEL(entries, entry);
        free(entry);
    }
    if (error) {
        sites_deinit(sites);
        return error;
    }
    qsort_r(sites->sites, sites->count, sizeof *sites->sites, compare_sites, &order);
    if (sites->count > options->limit) {
        sites->left_out = sites->count - options->limit;
        sites->count = options->limit;
    }
    return NULL;
}

void sites_deinit(struct sites *sites)
{
    free(sites->sites);
    *sites = (struct sites){0};
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *site_name(const struct replay *replay, const struct site *site, bool with_file)
{
    char *name = NULL;
    int length = -1;
    if (site->thread) {
        const struct catalog_thread *thread = &replay->catalog.threads[site->thread];
        length = asprintf(&name, "thread %" PRId64 " (%s)", thread->tid, thread->name);
    } else if (site->process) {
        const struct catalog_process *process = &replay->catalog.processes[site->process];
        length = asprintf(&name, "process %" PRId64 " (%s)", process->pid, process->name);
    } else if (!site->function) {
        length = asprintf(&name, "%s", site->file ? site->file : site->module);
    } else if (site->file && site->line) {
        length = asprintf(&name, "%s (%s:%" PRIu64 ")", site->function,
                          with_file ? site->file : last_part(site->file), site->line);
    } else {
        length = asprintf(&name, "%s (%s)", site->function,
                          site->file && with_file ? site->file : site->module);
    }
    return length < 0 ? NULL : name;
}
