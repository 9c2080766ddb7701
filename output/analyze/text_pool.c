/* SPDX-License-Identifier: MIT */
#include "output/analyze/text_pool.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"

struct text {
    UT_hash_handle hh;
    char characters[];
};

struct text_pool {
    struct text *texts;
};

struct text_pool *text_pool_create(void)
{
    return calloc(1, sizeof(struct text_pool));
}

void text_pool_destroy(struct text_pool *pool)
{
    if (!pool)
        return;
    struct text *text;
    while ((text = pool->texts)) {
        HASH_DEL(pool->texts, text);
        free(text);
    }
    free(pool);
}

const char *text_pool_add(struct text_pool *pool, const char *text, size_t size)
{
    struct text *entry;
    size = size ? strnlen(text, size) : 0;
    if (!size)
        text = ""; /* an absent text has no address */
    HASH_FIND(hh, pool->texts, text, size, entry);
    if (entry)
        return entry->characters;
    entry = calloc(1, sizeof *entry + size + 1);
    if (!entry)
        return NULL;
    memcpy(entry->characters, text, size);
    unsigned before = HASH_COUNT(pool->texts);
    HASH_ADD_KEYPTR(hh, pool->texts, entry->characters, size, entry);
    if (HASH_COUNT(pool->texts) == before) {
        free(entry);
        return NULL;
    }
    return entry->characters;
}
