/* SPDX-License-Identifier: MIT */
/*
 * areas.h - a set of addresses, kept as ascending areas that neither touch nor overlap.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_AREAS_H
#define ALLOCPTRACE_TRACER_LEAKS_AREAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct area {
    uint64_t start, end; /* end is one past */
};

struct areas {
    struct area *list;
    size_t count, capacity;
    bool failed; /* out of memory: the set lacks something */
};

/* An empty area changes nothing. Cheap where areas come in ascending order. */
void areas_add(struct areas *areas, uint64_t start, uint64_t end);
void areas_remove(struct areas *areas, uint64_t start, uint64_t end);
/* Into an empty set; false when out of memory. */
bool areas_copy(const struct areas *from, struct areas *to);
void areas_deinit(struct areas *areas);

/* The area that holds address, or NULL. */
const struct area *areas_find(const struct areas *areas, uint64_t address);
/* Start of the first area that ends above address, or UINT64_MAX. */
uint64_t areas_next(const struct areas *areas, uint64_t address);

/* Calls visit for each part from start to end that is in no area, ascending. */
void areas_gaps(const struct areas *areas, uint64_t start, uint64_t end,
                void (*visit)(uint64_t start, uint64_t end, void *data), void *data);

#endif
