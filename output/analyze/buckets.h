/* SPDX-License-Identifier: MIT */
/*
 * buckets.h - histograms of block sizes and lifetimes, of all blocks and of each row's.
 */
#ifndef ALLOCPTRACE_ANALYZE_BUCKETS_H
#define ALLOCPTRACE_ANALYZE_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes: bucket 0 is of blocks of no bytes, 1 of up to 8 bytes, each further one of twice as many.
 */
#define BUCKETS_SIZES 58
/* Lifetimes: bucket 0 is below 1 microsecond (or event), each further one ten times as long; the
 * last but one has no end, the last is of blocks that were not freed. */
#define BUCKETS_LIFETIMES 12
#define BUCKETS_NOT_FREED (BUCKETS_LIFETIMES - 1)
#define BUCKETS_MOST BUCKETS_SIZES

struct bucket {
    uint64_t count, bytes;
};

/* Which bucket a block belongs to. */
unsigned buckets_of_size(uint64_t bytes);
/* In microseconds or, in a log without times, events. */
unsigned buckets_of_lifetime(uint64_t length);
/* The largest size of a bucket, in bytes. */
uint64_t buckets_size_end(unsigned bucket);
/* What the lifetimes of a bucket are below; 0 for those that have no end. */
uint64_t buckets_lifetime_end(unsigned bucket);

/* A row's blocks in one bucket. */
struct bucket_entry {
    uint32_t bucket;
    struct bucket sum;
};

struct bucket_row {
    struct bucket_entry *entries; /* in no order */
    uint32_t count, capacity;
};

/* A histogram; one of zeros is empty. */
struct buckets {
    struct bucket all[BUCKETS_MOST];
    struct bucket_row *rows; /* by row id, where wanted */
    size_t row_count;
};

void buckets_deinit(struct buckets *buckets);
/* Counts a block; by_row: in its row as well, which takes memory. False when out of memory. */
bool buckets_add(struct buckets *buckets, bool by_row, uint32_t row, unsigned bucket,
                 uint64_t bytes);

#endif
