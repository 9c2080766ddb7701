/* SPDX-License-Identifier: MIT */
#include "output/analyze/same_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/key_ids.h"
#include "output/analyze/text_pool.h"
#include "output/log/text.h"
#include "output/log/utf8.h"

/* How frames are compared. */
struct comparing {
    enum same_stacks_by by;
    bool logs; /* those of several logs */
};

/* Texts are interned: the pointer says all of one. In another log that was saved a text may lack
 * its bytes that are no UTF-8 (json_build.h). */
static uint64_t word_of(const struct catalog *catalog, const char *text, struct comparing how)
{
    char *clean;
    if (how.logs && text && !utf8_valid(text, strlen(text))) {
        unsigned long size = text_sanitize(NULL, 0, text) + 1;
        clean = malloc(size);
        if (!clean)
            return 0;
        text_sanitize(clean, size, text);
        text = text_pool_add(catalog->texts, clean, size);
        free(clean);
    }
    return (uint64_t)(uintptr_t)text;
}

/* Code that is in no file and has no name has another address each time. */
static bool is_passing(const struct catalog_line *line)
{
    const uint32_t stand_ins = LOG_FRAME_INCOMPLETE | LOG_FRAME_DEPTH;
    return !line->named && !*line->module && !(line->flags & stand_ins);
}

/* What is shown of a frame, as words; returns their number. */
static size_t frame_key(const struct catalog *catalog, uint32_t id, struct comparing how,
                        uint64_t *key)
{
    size_t used = 0;
    size_t count = catalog_line_count(catalog, id);
    for (size_t i = 0; i < count; i++) {
        struct catalog_line line = catalog_line(catalog, id, i);
        bool lines = how.by == SAME_BY_LINES;
        bool passing = how.logs && is_passing(&line);
        key[used++] = passing ? 0 : word_of(catalog, line.function, how);
        key[used++] = word_of(catalog, line.module, how);
        key[used++] = lines ? word_of(catalog, line.file, how) : 0;
        key[used++] = lines ? line.line : 0;
    }
    key[used++] = catalog->frames[id].flags & LOG_FRAME_ALLOCATOR;
    return used;
}

/* By frame id: a number that frames have in common that are the same, whatever their catalog. */
static bool number_frames(const struct catalog *catalog, struct comparing how,
                          struct key_id **table, uint32_t first, uint32_t *frames)
{
    uint64_t *key = NULL;
    size_t capacity = 0;
    bool done = true;
    for (uint32_t i = 1; done && i < catalog->frame_count; i++) {
        size_t wanted = catalog_line_count(catalog, i) * 4 + 1;
        if (wanted > capacity) {
            free(key);
            key = malloc(wanted * sizeof *key);
            capacity = key ? wanted : 0;
        }
        size_t size = key ? frame_key(catalog, i, how, key) * sizeof *key : 0;
        frames[i] = key ? key_ids_add(table, key, size, first + i) : 0;
        done = frames[i] != 0;
    }
    free(key);
    return done;
}

uint32_t *same_frames(const struct catalog *catalog, enum same_stacks_by by)
{
    const struct comparing how = {.by = by};
    struct key_id *table = NULL;
    uint32_t *frames = calloc(catalog->frame_count, sizeof *frames);
    bool done = frames && number_frames(catalog, how, &table, 0, frames);
    key_ids_deinit(&table);
    if (done)
        return frames;
    free(frames);
    return NULL;
}

/* same_stacks() of one catalog among several; stacks has room for its ids, which begin at first. */
static bool add_stacks(const struct catalog *catalog, const uint32_t *frames, struct key_id **table,
                       uint32_t first, uint32_t *stacks)
{
    bool done = true;
    /* A parent has a lower id than its children. */
    for (uint32_t i = 1; done && i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        uint64_t key = (uint64_t)stacks[stack->parent] << 32 | frames[stack->frame];
        stacks[i] = key_ids_add(table, &key, sizeof key, first + i);
        done = stacks[i] != 0;
    }
    return done;
}

uint32_t *same_stacks_in_all(const struct catalog *const *catalogs, size_t count,
                             enum same_stacks_by by)
{
    const struct comparing how = {.by = by, .logs = count > 1};
    struct key_id *frame_table = NULL;
    struct key_id *stack_table = NULL;
    uint32_t first_frame = 0;
    uint32_t first_stack = 0;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += catalogs[i]->stack_count;
    uint32_t *stacks = calloc(total, sizeof *stacks);
    bool done = stacks;
    for (size_t i = 0; done && i < count; i++) {
        uint32_t *frames = calloc(catalogs[i]->frame_count, sizeof *frames);
        done = frames && number_frames(catalogs[i], how, &frame_table, first_frame, frames) &&
               add_stacks(catalogs[i], frames, &stack_table, first_stack, stacks + first_stack);
        free(frames);
        first_frame += (uint32_t)catalogs[i]->frame_count;
        first_stack += (uint32_t)catalogs[i]->stack_count;
    }
    key_ids_deinit(&frame_table);
    key_ids_deinit(&stack_table);
    if (done)
        return stacks;
    free(stacks);
    return NULL;
}

uint32_t *same_stacks(const struct catalog *catalog, enum same_stacks_by by)
{
    return same_stacks_in_all(&catalog, 1, by);
}
