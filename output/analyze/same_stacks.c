/* SPDX-License-Identifier: MIT */
#include "output/analyze/same_stacks.h"

#include <stdlib.h>

#include "output/analyze/key_ids.h"

/* Texts are interned: the pointer says all of one. */
static uint64_t word_of(const char *text)
{
    return (uint64_t)(uintptr_t)text;
}

/* What is shown of a frame, as words; returns their number. */
static size_t frame_key(const struct catalog *catalog, uint32_t id, enum same_stacks_by by,
                        uint64_t *key)
{
    size_t used = 0;
    size_t count = catalog_line_count(catalog, id);
    for (size_t i = 0; i < count; i++) {
        struct catalog_line line = catalog_line(catalog, id, i);
        key[used++] = word_of(line.function);
        key[used++] = word_of(line.module);
        key[used++] = by == SAME_BY_LINES ? word_of(line.file) : 0;
        key[used++] = by == SAME_BY_LINES ? line.line : 0;
    }
    key[used++] = catalog->frames[id].flags & LOG_FRAME_ALLOCATOR;
    return used;
}

uint32_t *same_frames(const struct catalog *catalog, enum same_stacks_by by)
{
    struct key_id *table = NULL;
    uint64_t *key = NULL;
    size_t capacity = 0;
    uint32_t *frames = calloc(catalog->frame_count, sizeof *frames);
    bool done = frames != NULL;
    for (uint32_t i = 1; done && i < catalog->frame_count; i++) {
        size_t wanted = catalog_line_count(catalog, i) * 4 + 1;
        if (wanted > capacity) {
            free(key);
            key = malloc(wanted * sizeof *key);
            capacity = key ? wanted : 0;
        }
        frames[i] =
            key ? key_ids_add(&table, key, frame_key(catalog, i, by, key) * sizeof *key, i) : 0;
        done = frames[i] != 0;
    }
    free(key);
    key_ids_deinit(&table);
    if (done)
        return frames;
    free(frames);
    return NULL;
}

uint32_t *same_stacks(const struct catalog *catalog, enum same_stacks_by by)
{
    struct key_id *table = NULL;
    uint32_t *stacks = calloc(catalog->stack_count, sizeof *stacks);
    uint32_t *frames = same_frames(catalog, by);
    bool done = stacks && frames;
    /* A parent has a lower id than its children. */
    for (uint32_t i = 1; done && i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        uint64_t key = (uint64_t)stacks[stack->parent] << 32 | frames[stack->frame];
        stacks[i] = key_ids_add(&table, &key, sizeof key, i);
        done = stacks[i] != 0;
    }
    key_ids_deinit(&table);
    free(frames);
    if (done)
        return stacks;
    free(stacks);
    return NULL;
}
