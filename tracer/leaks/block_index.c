/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/block_index.h"

#include <stdlib.h>

#include "tracer/leaks/large_array.h"

/* Blocks that begin further apart than this are in different clusters. */
#define CLUSTER_GAP (UINT64_C(1) << 20)

/* Of a block of no bytes one byte counts, else no pointer would lead to it. */
static uint64_t last_of(const struct live_block *block)
{
    uint64_t more = block->size ? block->size - 1 : 0;
    return more > UINT64_MAX - block->address ? UINT64_MAX : block->address + more;
}

static bool holds(const struct live_block *block, uint64_t address)
{
    return address >= block->address && address <= last_of(block);
}

/* The byte behind a block; UINT64_MAX also for one that ends with the address space. */
static uint64_t end_of(const struct live_block *block)
{
    return block->size > UINT64_MAX - block->address ? UINT64_MAX : block->address + block->size;
}

/* ---- Clusters ---- */

static bool begins_cluster(const struct live_block *blocks, size_t i)
{
    return i == 0 || blocks[i].address - blocks[i - 1].address > CLUSTER_GAP;
}

/* Fills in shift and number of buckets of a cluster of blocks first to end. */
static void measure_cluster(struct block_cluster *cluster, const struct live_block *blocks,
                            size_t first, size_t end)
{
    uint64_t span = blocks[end - 1].address - blocks[first].address;
    cluster->low = blocks[first].address;
    cluster->shift = 0;
    while (span >> cluster->shift >= end - first)
        cluster->shift++;
    cluster->last_bucket = (uint32_t)(span >> cluster->shift) + 1;
}

static size_t cluster_end(const struct live_block *blocks, size_t count, size_t first)
{
    size_t end = first + 1;
    while (end < count && !begins_cluster(blocks, end))
        end++;
    return end;
}

static void fill_buckets(struct block_index *index, const struct block_cluster *cluster,
                         size_t first, size_t end)
{
    uint32_t *bucket = &index->buckets[cluster->buckets];
    size_t filled = 0;
    for (size_t i = first; i < end; i++) {
        size_t number = (index->blocks[i].address - cluster->low) >> cluster->shift;
        while (filled <= number)
            bucket[filled++] = (uint32_t)i;
    }
    while (filled < (size_t)cluster->last_bucket + 2)
        bucket[filled++] = (uint32_t)end;
}

static struct error *make_clusters(struct block_index *index)
{
    const struct live_block *blocks = index->blocks;
    for (size_t i = 0; i < index->count; i++)
        index->cluster_count += begins_cluster(blocks, i);
    index->clusters = calloc(index->cluster_count, sizeof *index->clusters);
    if (!index->clusters)
        return error_no_memory();
    size_t total = 0, first = 0;
    for (size_t i = 0; i < index->cluster_count; i++) {
        struct block_cluster *cluster = &index->clusters[i];
        size_t end = cluster_end(blocks, index->count, first);
        measure_cluster(cluster, blocks, first, end);
        cluster->buckets = total;
        total += (size_t)cluster->last_bucket + 2;
        first = end;
    }
    index->buckets = large_array(total, sizeof *index->buckets);
    if (!index->buckets)
        return error_no_memory();
    first = 0;
    for (size_t i = 0; i < index->cluster_count; i++) {
        size_t end = cluster_end(blocks, index->count, first);
        fill_buckets(index, &index->clusters[i], first, end);
        first = end;
    }
    return NULL;
}

size_t block_index_cluster(const struct block_index *index, uint64_t address)
{
    size_t low = 0, high = index->cluster_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (index->clusters[middle].low <= address)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- Blocks within blocks ---- */

/* Blocks around the present address, outermost first. */
struct nest {
    struct nested {
        uint32_t block;
        uint32_t last_rest; /* so far, or BLOCK_NONE */
    } * open;
    size_t depth, capacity, rest_capacity;
};

static bool grow(void **array, size_t *capacity, size_t count, size_t element)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*array, wanted * element);
    if (!grown)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

static bool add_rest(struct block_index *index, struct nest *nest, uint64_t start, size_t next)
{
    struct nested *owner = &nest->open[nest->depth - 1];
    if (!grow((void **)&index->rests, &nest->rest_capacity, index->rest_count,
              sizeof *index->rests))
        return false;
    uint32_t number = (uint32_t)index->rest_count++;
    index->rests[number] = (struct block_rest){
        .start = start, .owner = owner->block, .next = (uint32_t)next, .sibling = BLOCK_NONE};
    if (owner->last_rest == BLOCK_NONE)
        index->first_rests[owner->block] = number;
    else
        index->rests[owner->last_rest].sibling = number;
    owner->last_rest = number;
    return true;
}

/* Closes what ends before the block next begins. */
static bool close_blocks(struct block_index *index, struct nest *nest, size_t next)
{
    const struct live_block *blocks = index->blocks;
    bool all = next == index->count;
    while (nest->depth) {
        const struct live_block *inner = &blocks[nest->open[nest->depth - 1].block];
        uint64_t last = last_of(inner);
        if (!all && last >= blocks[next].address)
            break;
        /* Those around it may have ended earlier: blocks can overlap in part. */
        while (nest->depth && last_of(&blocks[nest->open[nest->depth - 1].block]) <= last)
            nest->depth--;
        bool follows = all || end_of(inner) < blocks[next].address;
        if (nest->depth && follows && !add_rest(index, nest, end_of(inner), next))
            return false;
    }
    return true;
}

static bool is_nested(const struct live_block *blocks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (last_of(&blocks[i - 1]) >= blocks[i].address)
            return true;
    }
    return false;
}

static struct error *find_rests(struct block_index *index)
{
    index->parents = large_array(index->count, sizeof *index->parents);
    index->first_rests = large_array(index->count, sizeof *index->first_rests);
    if (!index->parents || !index->first_rests)
        return error_no_memory();
    struct nest nest = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < index->count; i++) {
        index->first_rests[i] = BLOCK_NONE;
        ok = close_blocks(index, &nest, i) &&
             grow((void **)&nest.open, &nest.capacity, nest.depth, sizeof *nest.open);
        if (!ok)
            break;
        index->parents[i] = nest.depth ? nest.open[nest.depth - 1].block : BLOCK_NONE;
        nest.open[nest.depth++] = (struct nested){.block = (uint32_t)i, .last_rest = BLOCK_NONE};
    }
    ok = ok && close_blocks(index, &nest, index->count);
    free(nest.open);
    return ok ? NULL : error_no_memory();
}

/* ---- Init ---- */

struct error *block_index_init(struct block_index *index, const struct live_block *blocks,
                               size_t count)
{
    *index = (struct block_index){.blocks = blocks, .count = count};
    if (count >= BLOCK_FIRST_PART)
        return error_format(ERROR_UNSUPPORTED, "%zu blocks are too many for a leak check", count);
    if (!count)
        return NULL;
    uint64_t high = 0;
    for (size_t i = 0; i < count; i++) {
        if (last_of(&blocks[i]) > high)
            high = last_of(&blocks[i]);
    }
    index->low = blocks[0].address;
    index->span = high - index->low;
    struct error *error = make_clusters(index);
    if (!error && is_nested(blocks, count))
        error = find_rests(index);
    if (error)
        block_index_deinit(index);
    return error;
}

void block_index_deinit(struct block_index *index)
{
    free(index->clusters);
    free(index->buckets);
    free(index->parents);
    free(index->first_rests);
    free(index->rests);
    *index = (struct block_index){0};
}

/* ---- Look-up ---- */

/* The last block that begins at address or before, which is not below the first. */
static uint32_t floor_of(const struct block_index *index, const uint32_t *bucket, uint64_t address)
{
    uint32_t low = bucket[0], high = bucket[1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->blocks[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

/* The last rest that begins at address or before, or BLOCK_NONE. */
static uint32_t rest_at(const struct block_index *index, uint64_t address)
{
    size_t low = 0, high = index->rest_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->rests[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? (uint32_t)(low - 1) : BLOCK_NONE;
}

uint32_t block_index_in_bucket(const struct block_index *index, const uint32_t *bucket,
                               uint64_t address)
{
    uint32_t block = floor_of(index, bucket, address);
    if (holds(&index->blocks[block], address))
        return block;
    uint32_t number = index->rest_count ? rest_at(index, address) : BLOCK_NONE;
    if (number == BLOCK_NONE)
        return BLOCK_NONE;
    const struct block_rest *rest = &index->rests[number];
    bool is_later = rest->start >= index->blocks[block].address;
    return is_later && holds(&index->blocks[rest->owner], address) ? rest->owner : BLOCK_NONE;
}

uint32_t block_index_find(const struct block_index *index, uint64_t address)
{
    if (!index->count || address - index->low > index->span)
        return BLOCK_NONE;
    size_t recent = 0;
    return block_index_in_bucket(index, block_index_bucket(index, address, &recent), address);
}

/* ---- Parts ---- */

bool block_index_part(const struct block_index *index, uint32_t block, uint32_t *rest,
                      uint64_t *start, uint64_t *end)
{
    size_t next = block + 1;
    uint32_t number = *rest;
    if (number == BLOCK_NONE)
        return false;
    *end = end_of(&index->blocks[block]);
    if (number == BLOCK_FIRST_PART) {
        *start = index->blocks[block].address;
        *rest = index->first_rests ? index->first_rests[block] : BLOCK_NONE;
    } else {
        *start = index->rests[number].start;
        *rest = index->rests[number].sibling;
        next = index->rests[number].next;
    }
    if (next < index->count && index->blocks[next].address < *end)
        *end = index->blocks[next].address;
    return true;
}

/* The innermost block that holds the byte at address; one of no bytes holds none. */
static uint32_t owner_of(const struct block_index *index, const uint32_t *bucket, uint64_t address)
{
    uint32_t block = block_index_in_bucket(index, bucket, address);
    while (block != BLOCK_NONE && !index->blocks[block].size) {
        block = index->parents ? index->parents[block] : BLOCK_NONE;
        if (block != BLOCK_NONE && !holds(&index->blocks[block], address))
            block = BLOCK_NONE;
    }
    return block;
}

bool block_index_gap(const struct block_index *index, uint64_t start, uint64_t end,
                     uint64_t *gap_start, uint64_t *gap_end)
{
    size_t next = 0;
    while (index->count && start < end && start >= index->low) {
        size_t recent = 0;
        const uint32_t *bucket = block_index_bucket(index, start, &recent);
        uint32_t owner = owner_of(index, bucket, start);
        if (owner == BLOCK_NONE) {
            next = (size_t)floor_of(index, bucket, start) + 1;
            break;
        }
        if (last_of(&index->blocks[owner]) == UINT64_MAX)
            return false;
        start = last_of(&index->blocks[owner]) + 1;
    }
    *gap_start = start;
    *gap_end = end;
    if (next < index->count && index->blocks[next].address < end)
        *gap_end = index->blocks[next].address;
    return start < end;
}
