/* SPDX-License-Identifier: MIT */
#include "output/analyze/mappings.h"

#include <stdlib.h>
#include <string.h>

void mappings_deinit(struct mappings *mappings)
{
    free(mappings->ranges);
    *mappings = (struct mappings){0};
}

uint64_t mappings_total(const struct mappings *mappings)
{
    uint64_t total = 0;
    for (size_t i = 0; i < mappings->count; i++)
        total += mappings->ranges[i].end - mappings->ranges[i].start;
    return total;
}

static uint64_t end_of(uint64_t start, uint64_t size)
{
    return start + size < start ? UINT64_MAX : start + size;
}

/* The first range that ends at or behind address. */
static size_t find(const struct mappings *mappings, uint64_t address)
{
    size_t low = 0;
    size_t high = mappings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mappings->ranges[middle].end < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Replaces count ranges from index on by those given. */
static bool splice(struct mappings *mappings, size_t index, size_t count,
                   const struct mapping_range *with, size_t with_count)
{
    size_t total = mappings->count - count + with_count;
    if (total > mappings->capacity) {
        size_t capacity = total * 2;
        struct mapping_range *ranges = realloc(mappings->ranges, capacity * sizeof *ranges);
        if (!ranges)
            return false;
        mappings->ranges = ranges;
        mappings->capacity = capacity;
    }
    if (!mappings->ranges)
        return true;
    memmove(&mappings->ranges[index + with_count], &mappings->ranges[index + count],
            (mappings->count - index - count) * sizeof *mappings->ranges);
    if (with_count)
        memcpy(&mappings->ranges[index], with, with_count * sizeof *with);
    mappings->count = total;
    return true;
}

int64_t mappings_add(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok)
{
    struct mapping_range merged = {.start = start, .end = end_of(start, size)};
    uint64_t before = 0;
    *ok = true;
    if (!size)
        return 0;
    size_t first = find(mappings, start);
    size_t last = first;
    for (; last < mappings->count && mappings->ranges[last].start <= merged.end; last++) {
        const struct mapping_range *range = &mappings->ranges[last];
        before += range->end - range->start;
        if (range->start < merged.start)
            merged.start = range->start;
        if (range->end > merged.end)
            merged.end = range->end;
    }
    *ok = splice(mappings, first, last - first, &merged, 1);
    return *ok ? (int64_t)(merged.end - merged.start - before) : 0;
}

int64_t mappings_remove(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok)
{
    uint64_t end = end_of(start, size);
    struct mapping_range rest[2];
    size_t rest_count = 0;
    uint64_t removed = 0;
    *ok = true;
    if (!size)
        return 0;
    size_t first = find(mappings, start);
    size_t last = first;
    for (; last < mappings->count && mappings->ranges[last].start < end; last++) {
        const struct mapping_range *range = &mappings->ranges[last];
        if (range->start < start)
            rest[rest_count++] = (struct mapping_range){range->start, start};
        if (range->end > end)
            rest[rest_count++] = (struct mapping_range){end, range->end};
        uint64_t from = range->start > start ? range->start : start;
        uint64_t to = range->end < end ? range->end : end;
        removed += to > from ? to - from : 0;
    }
    *ok = splice(mappings, first, last - first, rest, rest_count);
    return *ok ? -(int64_t)removed : 0;
}
