/* SPDX-License-Identifier: MIT */
#include "output/analyze/buckets.h"

#include <stdlib.h>

#include "output/analyze/rows.h"

#define SMALLEST_BITS 3 /* 8 bytes */

unsigned buckets_of_size(uint64_t bytes)
{
    if (!bytes)
        return 0;
    unsigned bits = bytes == 1 ? 0 : 64 - (unsigned)__builtin_clzll(bytes - 1);
    unsigned bucket = bits <= SMALLEST_BITS ? 1 : bits - SMALLEST_BITS + 1;
    return bucket < BUCKETS_SIZES ? bucket : BUCKETS_SIZES - 1;
}

uint64_t buckets_size_end(unsigned bucket)
{
    return bucket ? UINT64_C(1) << (bucket - 1 + SMALLEST_BITS) : 0;
}

unsigned buckets_of_lifetime(uint64_t length)
{
    unsigned bucket = 0;
    for (; length && bucket < BUCKETS_NOT_FREED - 1; length /= 10)
        bucket++;
    return bucket;
}

uint64_t buckets_lifetime_end(unsigned bucket)
{
    uint64_t end = 1;
    if (bucket >= BUCKETS_NOT_FREED - 1)
        return 0;
    for (unsigned i = 0; i < bucket; i++)
        end *= 10;
    return end;
}

void buckets_deinit(struct buckets *buckets)
{
    for (size_t i = 0; i < buckets->row_count; i++)
        free(buckets->rows[i].entries);
    free(buckets->rows);
    *buckets = (struct buckets){.row_count = 0};
}

static bool add_to_row(struct bucket_row *row, unsigned bucket, uint64_t bytes)
{
    uint32_t i = 0;
    while (i < row->count && row->entries[i].bucket != bucket)
        i++;
    if (i == row->capacity) {
        uint32_t capacity = row->capacity ? row->capacity * 2 : 1;
        struct bucket_entry *entries = realloc(row->entries, capacity * sizeof *entries);
        if (!entries)
            return false;
        row->entries = entries;
        row->capacity = capacity;
    }
    if (i == row->count)
        row->entries[row->count++] = (struct bucket_entry){.bucket = bucket};
    row->entries[i].sum.count++;
    row->entries[i].sum.bytes += bytes;
    return true;
}

bool buckets_add(struct buckets *buckets, bool by_row, uint32_t row, unsigned bucket,
                 uint64_t bytes)
{
    buckets->all[bucket].count++;
    buckets->all[bucket].bytes += bytes;
    return !by_row ||
           (replay_grow(&buckets->rows, &buckets->row_count, row, sizeof *buckets->rows) &&
            add_to_row(&buckets->rows[row], bucket, bytes));
}
