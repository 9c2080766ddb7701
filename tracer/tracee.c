/* SPDX-License-Identifier: MIT */
#include "tracer/tracee.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    struct tracee tracee; /* first: a tracee is its entry */
    struct tracee_table *table;
    UT_hash_handle hh;
};

struct tracee_table {
    struct entry *entries;
    struct entry *last; /* found last: stops of one thread come in runs */
    bool kept_stops;    /* some tracee may have one */
};

struct tracee_table *tracee_table_create(void)
{
    return calloc(1, sizeof(struct tracee_table));
}

void tracee_table_destroy(struct tracee_table *table)
{
    if (!table)
        return;
    struct entry *entry;
    while ((entry = table->entries))
        tracee_remove(table, &entry->tracee);
    free(table);
}

struct tracee *tracee_find(struct tracee_table *table, pid_t tid)
{
    if (table->last && table->last->tracee.tid == tid)
        return &table->last->tracee;
    struct entry *entry;
    HASH_FIND_INT(table->entries, &tid, entry);
    if (!entry)
        return NULL;
    table->last = entry;
    return &entry->tracee;
}

struct tracee *tracee_add(struct tracee_table *table, pid_t tid)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->tracee.tid = tid;
    entry->table = table;
    inflight_init(&entry->tracee.calls);
    inflight_init(&entry->tracee.mappings);
    unsigned before = HASH_COUNT(table->entries);
    HASH_ADD_INT(table->entries, tracee.tid, entry);
    if (HASH_COUNT(table->entries) == before) {
        free(entry);
        return NULL;
    }
    return &entry->tracee;
}

void tracee_remove(struct tracee_table *table, struct tracee *tracee)
{
    struct entry *entry = (struct entry *)tracee;
    if (table->last == entry)
        table->last = NULL;
    HASH_DEL(table->entries, entry);
    inflight_deinit(&tracee->calls);
    inflight_deinit(&tracee->mappings);
    free(entry);
}

size_t tracee_count(const struct tracee_table *table)
{
    return HASH_COUNT(table->entries);
}

struct tracee *tracee_next(const struct tracee_table *table, const struct tracee *after)
{
    struct entry *entry = after ? ((const struct entry *)after)->hh.next : table->entries;
    return entry ? &entry->tracee : NULL;
}

bool tracee_in_vfork(const struct tracee *tracee)
{
    return tracee->vforking && !tracee->stopped;
}

void tracee_keep_stop(struct tracee *tracee, int status)
{
    tracee->has_pending = true;
    tracee->pending_status = status;
    ((struct entry *)tracee)->table->kept_stops = true;
}

struct tracee *tracee_take_kept(struct tracee_table *table, int *status)
{
    if (!table->kept_stops)
        return NULL;
    for (struct tracee *tracee = tracee_next(table, NULL); tracee;
         tracee = tracee_next(table, tracee)) {
        if (!tracee->has_pending)
            continue;
        tracee->has_pending = false;
        *status = tracee->pending_status;
        return tracee;
    }
    table->kept_stops = false;
    return NULL;
}
