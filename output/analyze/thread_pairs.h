/* SPDX-License-Identifier: MIT */
/*
 * thread_pairs.h - blocks that another thread freed than the one that allocated them, by pair.
 */
#ifndef ALLOCPTRACE_ANALYZE_THREAD_PAIRS_H
#define ALLOCPTRACE_ANALYZE_THREAD_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread_pair {
    uint32_t from, to; /* thread ids: who allocated, who freed */
    uint64_t count, bytes;
};

struct thread_pair_entry;

/* NULL is empty. */
struct thread_pairs {
    struct thread_pair_entry *table;
};

void thread_pairs_deinit(struct thread_pairs *pairs);
/* False when out of memory. */
bool thread_pairs_add(struct thread_pairs *pairs, uint32_t from, uint32_t to, uint64_t bytes);
/* All pairs, malloc'd, *count of them, the most blocks first; NULL when out of memory. */
struct thread_pair *thread_pairs_list(const struct thread_pairs *pairs, size_t *count);

#endif
