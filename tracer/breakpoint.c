/* SPDX-License-Identifier: MIT */
#include "tracer/breakpoint.h"

#include <stdlib.h>

#define FIRST_CAPACITY 64

void breakpoint_table_init(struct breakpoint_table *table)
{
    *table = (struct breakpoint_table){0};
}

void breakpoint_table_deinit(struct breakpoint_table *table)
{
    for (size_t i = 0; i < table->capacity; i++)
        free(table->buckets[i]);
    free(table->buckets);
    breakpoint_table_init(table);
}

static size_t bucket_of(const struct breakpoint_table *table, uint64_t address)
{
    return (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (table->capacity - 1);
}

struct breakpoint *breakpoint_at(const struct breakpoint_table *table, uint64_t address)
{
    if (!table->capacity)
        return NULL;
    for (size_t i = bucket_of(table, address);; i = (i + 1) & (table->capacity - 1)) {
        struct breakpoint *breakpoint = table->buckets[i];
        if (!breakpoint || breakpoint->address == address)
            return breakpoint;
    }
}

struct breakpoint *breakpoint_find(struct breakpoint_table *table, uint64_t address)
{
    if (table->last && table->last->address == address)
        return table->last;
    struct breakpoint *breakpoint = breakpoint_at(table, address);
    if (breakpoint)
        table->last = breakpoint;
    return breakpoint;
}

static void place(struct breakpoint_table *table, struct breakpoint *breakpoint)
{
    size_t i = bucket_of(table, breakpoint->address);
    while (table->buckets[i])
        i = (i + 1) & (table->capacity - 1);
    table->buckets[i] = breakpoint;
}

static bool rebuild(struct breakpoint_table *table, size_t capacity)
{
    struct breakpoint_table bigger = {.capacity = capacity, .count = table->count};
    bigger.buckets = calloc(capacity, sizeof(struct breakpoint *));
    if (!bigger.buckets)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->buckets[i])
            place(&bigger, table->buckets[i]);
    }
    free(table->buckets);
    *table = bigger;
    return true;
}

struct breakpoint *breakpoint_add(struct breakpoint_table *table, uint64_t address)
{
    if (table->count * 2 >= table->capacity &&
        !rebuild(table, table->capacity ? table->capacity * 2 : FIRST_CAPACITY))
        return NULL;
    struct breakpoint *breakpoint = calloc(1, sizeof *breakpoint);
    if (!breakpoint)
        return NULL;
    breakpoint->address = address;
    place(table, breakpoint);
    table->count++;
    return breakpoint;
}

bool breakpoint_table_copy(const struct breakpoint_table *from, struct breakpoint_table *to)
{
    breakpoint_table_init(to);
    for (size_t i = 0; i < from->capacity; i++) {
        if (!from->buckets[i])
            continue;
        struct breakpoint *copy = breakpoint_add(to, from->buckets[i]->address);
        if (!copy) {
            breakpoint_table_deinit(to);
            return false;
        }
        *copy = *from->buckets[i];
    }
    return true;
}

struct breakpoint *breakpoint_of_slot(const struct breakpoint_table *table, uint64_t address)
{
    for (size_t i = 0; i < table->capacity; i++) {
        struct breakpoint *breakpoint = table->buckets[i];
        if (breakpoint && breakpoint->slot && address >= breakpoint->slot &&
            address < breakpoint->slot + breakpoint->slot_size)
            return breakpoint;
    }
    return NULL;
}

struct breakpoint *breakpoint_next(const struct breakpoint_table *table, size_t *index)
{
    while (*index < table->capacity) {
        struct breakpoint *breakpoint = table->buckets[(*index)++];
        if (breakpoint)
            return breakpoint;
    }
    return NULL;
}
