/* SPDX-License-Identifier: MIT */
#include "output/analyze/key_ids.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"

struct key_id {
    uint32_t id;
    UT_hash_handle hh;
    uint64_t key[];
};

uint32_t key_ids_find(struct key_id *table, const void *key, size_t size)
{
    struct key_id *entry;
    HASH_FIND(hh, table, key, size, entry);
    return entry ? entry->id : 0;
}

uint32_t key_ids_add(struct key_id **table, const void *key, size_t size, uint32_t id)
{
    uint32_t known = key_ids_find(*table, key, size);
    if (known)
        return known;
    struct key_id *entry = malloc(sizeof *entry + size);
    if (!entry)
        return 0;
    entry->id = id;
    memcpy(entry->key, key, size);
    HASH_ADD_KEYPTR(hh, *table, entry->key, size, entry);
    if (entry->hh.tbl)
        return id;
    free(entry);
    return 0;
}

void key_ids_deinit(struct key_id **table)
{
    struct key_id *entry;
    while ((entry = *table)) {
        HASH_DEL(*table, entry);
        free(entry);
    }
}
