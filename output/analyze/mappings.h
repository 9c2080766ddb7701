/* SPDX-License-Identifier: MIT */
/*
 * mappings.h - the address ranges that a process has mapped, as LOG_MMAP and LOG_MUNMAP tell.
 */
#ifndef ALLOCPTRACE_ANALYZE_MAPPINGS_H
#define ALLOCPTRACE_ANALYZE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping_range {
    uint64_t start, end;
};

struct mappings {
    struct mapping_range *ranges; /* ascending, not touching */
    size_t count, capacity;
};

void mappings_deinit(struct mappings *mappings);
uint64_t mappings_total(const struct mappings *mappings); /* bytes */
/* Both return by how many bytes the mapped total changed (negative: shrank); *ok is false when out
 * of memory. */
int64_t mappings_add(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok);
int64_t mappings_remove(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok);

#endif
