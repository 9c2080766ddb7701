/* SPDX-License-Identifier: MIT */
/*
 * heaptrack_infos.h - which pair of a size and a stack has which number in a heaptrack file.
 *
 * Memory is bounded: beyond HEAPTRACK_MOST_INFOS pairs all are forgotten. What is then found
 * missing is to be defined once more, which the format allows.
 */
#ifndef ALLOCPTRACE_ANALYZE_HEAPTRACK_INFOS_H
#define ALLOCPTRACE_ANALYZE_HEAPTRACK_INFOS_H

#include <stddef.h>
#include <stdint.h>

#define HEAPTRACK_MOST_INFOS (1u << 18)

struct heaptrack_info {
    uint64_t size;
    uint64_t number; /* 0: not defined yet */
    uint64_t twin;   /* a second number for the same pair, 0: none yet */
    uint32_t trace;  /* 0: a free slot */
};

struct heaptrack_infos {
    struct heaptrack_info *slots;
    size_t capacity, count; /* capacity is 0 or a power of two */
};

/* The pair's, made when first asked for; valid until the next call. trace is not 0. NULL when out
 * of memory. */
struct heaptrack_info *heaptrack_infos_find(struct heaptrack_infos *infos, uint64_t size,
                                            uint32_t trace);
void heaptrack_infos_deinit(struct heaptrack_infos *infos);

#endif
