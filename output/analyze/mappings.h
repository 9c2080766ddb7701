/* SPDX-License-Identifier: MIT */
/*
 * mappings.h - the address ranges that a process has mapped, as LOG_MMAP and LOG_MUNMAP tell.
 */
#ifndef ALLOCPTRACE_ANALYZE_MAPPINGS_H
#define ALLOCPTRACE_ANALYZE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of zeros is empty. */
struct mappings {
    void *tree;     /* of ranges that do not touch, tsearch(3) */
    size_t count;   /* of them */
    uint64_t total; /* bytes */
};

void mappings_deinit(struct mappings *mappings);
/* Both take time by the logarithm of the number of ranges, for each that they change. Both return
 * by how many bytes the mapped total changed (negative: shrank); *ok is false when out of memory.
 */
int64_t mappings_add(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok);
int64_t mappings_remove(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok);

#endif
