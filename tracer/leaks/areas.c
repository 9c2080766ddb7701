/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/areas.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first area that ends above address. */
static size_t first_above(const struct areas *areas, uint64_t address)
{
    size_t low = 0, high = areas->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (areas->list[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool make_room(struct areas *areas)
{
    if (areas->count < areas->capacity)
        return true;
    size_t capacity = areas->capacity ? areas->capacity * 2 : 16;
    struct area *list = realloc(areas->list, capacity * sizeof *list);
    if (!list)
        return false;
    areas->list = list;
    areas->capacity = capacity;
    return true;
}

void areas_add(struct areas *areas, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    /* From first on, those up to last (not included) touch the new one. */
    size_t first = start ? first_above(areas, start - 1) : 0;
    size_t last = first;
    while (last < areas->count && areas->list[last].start <= end)
        last++;
    if (first == last) {
        if (!make_room(areas)) {
            areas->failed = true;
            return;
        }
        memmove(&areas->list[first + 1], &areas->list[first],
                (areas->count - first) * sizeof *areas->list);
        areas->list[first] = (struct area){start, end};
        areas->count++;
        return;
    }
    struct area *merged = &areas->list[first];
    if (start < merged->start)
        merged->start = start;
    merged->end = areas->list[last - 1].end > end ? areas->list[last - 1].end : end;
    memmove(merged + 1, &areas->list[last], (areas->count - last) * sizeof *merged);
    areas->count -= last - first - 1;
}

void areas_remove(struct areas *areas, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    size_t first = first_above(areas, start);
    struct area *cut = first < areas->count ? &areas->list[first] : NULL;
    /* In the midst of one: what is behind becomes one of its own. */
    if (cut && cut->start < start && cut->end > end) {
        uint64_t rest = cut->end;
        cut->end = start;
        areas_add(areas, end, rest);
        return;
    }
    if (cut && cut->start < start) {
        cut->end = start;
        first++;
    }
    size_t last = first;
    while (last < areas->count && areas->list[last].end <= end)
        last++;
    if (last < areas->count && areas->list[last].start < end)
        areas->list[last].start = end;
    if (first == last)
        return;
    memmove(&areas->list[first], &areas->list[last], (areas->count - last) * sizeof *areas->list);
    areas->count -= last - first;
}

bool areas_copy(const struct areas *from, struct areas *to)
{
    *to = (struct areas){.failed = from->failed};
    if (!from->count)
        return true;
    to->list = malloc(from->count * sizeof *to->list);
    if (!to->list)
        return false;
    memcpy(to->list, from->list, from->count * sizeof *to->list);
    to->count = to->capacity = from->count;
    return true;
}

void areas_deinit(struct areas *areas)
{
    free(areas->list);
    *areas = (struct areas){0};
}

const struct area *areas_find(const struct areas *areas, uint64_t address)
{
    size_t index = first_above(areas, address);
    return index < areas->count && areas->list[index].start <= address ? &areas->list[index] : NULL;
}

uint64_t areas_next(const struct areas *areas, uint64_t address)
{
    size_t index = first_above(areas, address);
    return index < areas->count ? areas->list[index].start : UINT64_MAX;
}

void areas_gaps(const struct areas *areas, uint64_t start, uint64_t end,
                void (*visit)(uint64_t start, uint64_t end, void *data), void *data)
{
    for (size_t i = first_above(areas, start); start < end; i++) {
        const struct area *area = i < areas->count ? &areas->list[i] : NULL;
        uint64_t stop = area && area->start < end ? area->start : end;
        if (start < stop)
            visit(start, stop, data);
        if (!area || area->start >= end)
            return;
        start = area->end;
    }
}
