/* SPDX-License-Identifier: MIT */
#include "output/analyze/thread_pairs.h"

#include <stdlib.h>

#include "output/analyze/hash.h"

struct thread_pair_entry {
    struct {
        uint32_t from, to;
    } key;
    uint64_t count, bytes;
    UT_hash_handle hh;
};

void thread_pairs_deinit(struct thread_pairs *pairs)
{
    struct thread_pair_entry *entry;
    while ((entry = pairs->table)) {
        HASH_DEL(pairs->table, entry);
        free(entry);
    }
}

static struct thread_pair_entry *entry_of(struct thread_pairs *pairs, uint32_t from, uint32_t to)
{
    struct thread_pair_entry wanted = {.key = {.from = from, .to = to}};
    struct thread_pair_entry *entry;
    HASH_FIND(hh, pairs->table, &wanted.key, sizeof wanted.key, entry);
    if (entry)
        return entry;
    entry = malloc(sizeof *entry);
    if (!entry)
        return NULL;
    *entry = wanted;
    HASH_ADD(hh, pairs->table, key, sizeof entry->key, entry);
    if (entry->hh.tbl)
        return entry;
    free(entry);
    return NULL;
}

bool thread_pairs_add(struct thread_pairs *pairs, uint32_t from, uint32_t to, uint64_t bytes)
{
    struct thread_pair_entry *entry = entry_of(pairs, from, to);
    if (!entry)
        return false;
    entry->count++;
    entry->bytes += bytes;
    return true;
}

static int by_count(const void *one, const void *other)
{
    const struct thread_pair *a = one;
    const struct thread_pair *b = other;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

struct thread_pair *thread_pairs_list(const struct thread_pairs *pairs, size_t *count)
{
    size_t used = 0;
    struct thread_pair *list = calloc(HASH_COUNT(pairs->table) + 1, sizeof *list);
    const struct thread_pair_entry *entry;
    *count = 0;
    if (!list)
        return NULL;
    for (entry = pairs->table; entry; entry = entry->hh.next)
        list[used++] = (struct thread_pair){.from = entry->key.from,
                                            .to = entry->key.to,
                                            .count = entry->count,
                                            .bytes = entry->bytes};
    qsort(list, used, sizeof *list, by_count);
    *count = used;
    return list;
}
