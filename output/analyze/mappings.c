/* SPDX-License-Identifier: MIT */
#include "output/analyze/mappings.h"

#include <search.h>
#include <stdlib.h>

struct range {
    uint64_t start, end;
};

void mappings_deinit(struct mappings *mappings)
{
    tdestroy(mappings->tree, free);
    *mappings = (struct mappings){0};
}

static uint64_t end_of(uint64_t start, uint64_t size)
{
    return start + size < start ? UINT64_MAX : start + size;
}

/* Ranges that overlap, or that touch, compare equal: there is at most one of each in the tree. */
static int by_overlap(const void *one, const void *other)
{
    const struct range *a = one;
    const struct range *b = other;
    return a->end <= b->start ? -1 : a->start >= b->end ? 1 : 0;
}

static int by_touch(const void *one, const void *other)
{
    const struct range *a = one;
    const struct range *b = other;
    return a->end < b->start ? -1 : a->start > b->end ? 1 : 0;
}

/* Takes any range out that compares equal to key; false if there is none. */
static bool take(struct mappings *mappings, const struct range *key,
                 int (*compare)(const void *, const void *), struct range *taken)
{
    struct range **node = (struct range **)tfind(key, &mappings->tree, compare);
    if (!node)
        return false;
    struct range *range = *node;
    *taken = *range;
    tdelete(range, &mappings->tree, by_touch);
    free(range);
    mappings->count--;
    mappings->total -= taken->end - taken->start;
    return true;
}

static bool insert(struct mappings *mappings, uint64_t start, uint64_t end)
{
    struct range *range = malloc(sizeof *range);
    if (!range)
        return false;
    *range = (struct range){.start = start, .end = end};
    if (!tsearch(range, &mappings->tree, by_touch)) {
        free(range);
        return false;
    }
    mappings->count++;
    mappings->total += end - start;
    return true;
}

int64_t mappings_add(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok)
{
    struct range merged = {.start = start, .end = end_of(start, size)};
    uint64_t before = mappings->total;
    struct range old;
    *ok = true;
    if (!size)
        return 0;
    while (take(mappings, &merged, by_touch, &old)) {
        if (old.start < merged.start)
            merged.start = old.start;
        if (old.end > merged.end)
            merged.end = old.end;
    }
    *ok = insert(mappings, merged.start, merged.end);
    return *ok ? (int64_t)(mappings->total - before) : 0;
}

int64_t mappings_remove(struct mappings *mappings, uint64_t start, uint64_t size, bool *ok)
{
    struct range gone = {.start = start, .end = end_of(start, size)};
    uint64_t before = mappings->total;
    struct range old;
    *ok = true;
    if (!size)
        return 0;
    while (*ok && take(mappings, &gone, by_overlap, &old)) {
        if (old.start < gone.start)
            *ok = insert(mappings, old.start, gone.start);
        if (*ok && old.end > gone.end)
            *ok = insert(mappings, gone.end, old.end);
    }
    return *ok ? (int64_t)(mappings->total - before) : 0;
}
