/* SPDX-License-Identifier: MIT */
/*
 * block_index.h - which block an address lies in.
 *
 * Blocks that begin near each other form a cluster; a cluster's range is cut into buckets of equal
 * length, no more than it has blocks, and each bucket knows the first block that begins in it or
 * later. So memory grows with the number of blocks, wherever they lie and however long they are,
 * and a look-up touches one bucket and mostly one block.
 *
 * Blocks may lie within each other, as those of a pool do in the chunk that it was given. An
 * address then belongs to the innermost one, which is the one that begins last. What is left of a
 * block behind one inside of it is a rest.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_BLOCK_INDEX_H
#define ALLOCPTRACE_TRACER_LEAKS_BLOCK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "tracer/leaks/live_blocks.h"

/* Blocks are told by their place in the sorted array. */
#define BLOCK_NONE UINT32_MAX

struct block_cluster {
    uint64_t low;         /* address of its first block */
    size_t buckets;       /* where its buckets begin among all */
    uint32_t last_bucket; /* its number of buckets; one more stands for all that lies behind them */
    uint8_t shift;        /* a bucket has 1 << shift bytes */
};

struct block_rest {
    uint64_t start;
    uint32_t owner;
    uint32_t next;    /* the block that begins next, or the number of blocks */
    uint32_t sibling; /* the owner's next rest, or BLOCK_NONE */
};

struct block_index {
    const struct live_block *blocks;
    size_t count;
    uint64_t low, span; /* all blocks' bytes are at low to low + span */
    struct block_cluster *clusters;
    size_t cluster_count;
    uint32_t *buckets;
    /* NULL where no block lies within another one: */
    uint32_t *parents;     /* the block around each, or BLOCK_NONE */
    uint32_t *first_rests; /* each one's, or BLOCK_NONE */
    struct block_rest *rests;
    size_t rest_count;
};

/* blocks are ascending and stay the caller's. */
struct error *block_index_init(struct block_index *index, const struct live_block *blocks,
                               size_t count);
void block_index_deinit(struct block_index *index);

/* The innermost block that address lies in, or BLOCK_NONE. A block of no bytes has its address. */
uint32_t block_index_find(const struct block_index *index, uint64_t address);

/* The same in two steps, so that others can be looked up while memory is waited for. The first
 * needs an address in index->low to index->low + index->span, and remembers in *recent where it
 * was; it begins with 0. */
static inline const uint32_t *block_index_bucket(const struct block_index *index, uint64_t address,
                                                 size_t *recent);
uint32_t block_index_in_bucket(const struct block_index *index, const uint32_t *bucket,
                               uint64_t address);

/*
 * The parts of a block that are in no block inside of it, ascending. Begins with *rest
 * BLOCK_FIRST_PART; false after the last.
 */
#define BLOCK_FIRST_PART (BLOCK_NONE - 1)
bool block_index_part(const struct block_index *index, uint32_t block, uint32_t *rest,
                      uint64_t *start, uint64_t *end);
/* The first part of start to end that is in no block, false for none. It ends where a block begins,
 * also one of no bytes. */
bool block_index_gap(const struct block_index *index, uint64_t start, uint64_t end,
                     uint64_t *gap_start, uint64_t *gap_end);

/* ---- Private ---- */

size_t block_index_cluster(const struct block_index *index, uint64_t address);

static inline const uint32_t *block_index_bucket(const struct block_index *index, uint64_t address,
                                                 size_t *recent)
{
    const struct block_cluster *cluster = &index->clusters[*recent];
    if (address < cluster->low ||
        (*recent + 1 < index->cluster_count && address >= cluster[1].low)) {
        *recent = block_index_cluster(index, address);
        cluster = &index->clusters[*recent];
    }
    uint64_t number = (address - cluster->low) >> cluster->shift;
    if (number > cluster->last_bucket)
        number = cluster->last_bucket;
    return &index->buckets[cluster->buckets + number];
}

#endif
