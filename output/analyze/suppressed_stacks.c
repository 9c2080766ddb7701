/* SPDX-License-Identifier: MIT */
#include "output/analyze/suppressed_stacks.h"

#include <stdlib.h>

/* What is known while stacks are matched. */
struct matching {
    const struct suppressions *suppressions;
    const struct catalog *catalog;
    uint32_t *modules; /* by id: what their paths are suppressed by */
    uint32_t *frames;  /* by id: what they are suppressed by */
    bool *library;     /* by id: modules that are the C library's */
    bool *allocates;   /* by id: modules with an allocator */
};

/* The first one of these that matches a text: its number from 1, 0 for none. */
static uint32_t match_text(const struct suppressions *suppressions, size_t first, size_t end,
                           const char *text)
{
    for (size_t i = first; i < end; i++) {
        if (suppression_matches(suppressions->list[i].pattern, text))
            return (uint32_t)i + 1;
    }
    return 0;
}

/* ---- What is given ---- */

static uint32_t match_frame(const struct matching *matching, uint32_t id)
{
    const struct suppressions *suppressions = matching->suppressions;
    const struct catalog_frame *frame = &matching->catalog->frames[id];
    size_t given = suppressions->given;
    uint32_t match = matching->modules[frame->module];
    for (uint32_t i = 0; !match && i < frame->location_count; i++) {
        match = match_text(suppressions, 0, given, frame->locations[i].function);
        if (!match)
            match = match_text(suppressions, 0, given, frame->locations[i].file);
    }
    return match;
}

static void match_given(struct matching *matching, uint32_t *stacks)
{
    const struct suppressions *suppressions = matching->suppressions;
    const struct catalog *catalog = matching->catalog;
    if (!suppressions->given)
        return;
    for (size_t i = 1; i < catalog->module_count; i++)
        matching->modules[i] =
            match_text(suppressions, 0, suppressions->given, catalog->modules[i].path);
    for (size_t i = 1; i < catalog->frame_count; i++)
        matching->frames[i] = match_frame(matching, (uint32_t)i);
    /* A caller has a lower id than what it calls. */
    for (size_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        uint32_t match = matching->frames[stack->frame];
        stacks[i] = match ? match : stacks[stack->parent];
    }
}

/* ---- What is built in ---- */

static bool is_library(const struct suppressions *suppressions, const char *path)
{
    for (size_t i = 0; i < suppressions->module_count; i++) {
        if (suppression_matches(suppressions->modules[i], path))
            return true;
    }
    return false;
}

static void look_at_modules(struct matching *matching)
{
    const struct suppressions *suppressions = matching->suppressions;
    const struct catalog *catalog = matching->catalog;
    for (size_t i = 1; i < catalog->module_count; i++) {
        const char *path = catalog->modules[i].path;
        matching->library[i] = is_library(suppressions, path);
        matching->modules[i] = matching->library[i] ? match_text(suppressions, suppressions->given,
                                                                 suppressions->count, path)
                                                    : 0;
    }
    for (size_t i = 1; i < catalog->frame_count; i++) {
        if (catalog->frames[i].flags & LOG_FRAME_ALLOCATOR)
            matching->allocates[catalog->frames[i].module] = true;
    }
}

static uint32_t match_library_frame(const struct matching *matching, uint32_t id)
{
    const struct suppressions *suppressions = matching->suppressions;
    const struct catalog_frame *frame = &matching->catalog->frames[id];
    uint32_t match = matching->modules[frame->module];
    /* Frames of other modules are not asked about. */
    if (!matching->library[frame->module] && !matching->allocates[frame->module])
        return 0;
    for (uint32_t i = 0; !match && i < frame->location_count; i++)
        match = match_text(suppressions, suppressions->given, suppressions->count,
                           frame->locations[i].function);
    return match;
}

/* Fills in those that nothing given matches. */
static void match_built_in(struct matching *matching, uint32_t *built_in)
{
    const struct catalog *catalog = matching->catalog;
    look_at_modules(matching);
    for (size_t i = 1; i < catalog->frame_count; i++)
        matching->frames[i] = match_library_frame(matching, (uint32_t)i);
    for (size_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        const struct catalog_stack *caller = &catalog->stacks[stack->parent];
        uint32_t module = catalog->frames[stack->frame].module;
        uint32_t from = stack->parent ? catalog->frames[caller->frame].module : 0;
        built_in[i] = matching->frames[stack->frame];
        if (!built_in[i] && from && (matching->library[from] || from == module))
            built_in[i] = built_in[stack->parent];
    }
}

static bool allocate(struct matching *matching)
{
    const struct catalog *catalog = matching->catalog;
    matching->modules = calloc(catalog->module_count, sizeof *matching->modules);
    matching->frames = calloc(catalog->frame_count, sizeof *matching->frames);
    matching->library = calloc(catalog->module_count, sizeof *matching->library);
    matching->allocates = calloc(catalog->module_count, sizeof *matching->allocates);
    return matching->modules && matching->frames && matching->library && matching->allocates;
}

uint32_t *suppressed_stacks(const struct suppressions *suppressions, const struct catalog *catalog)
{
    struct matching matching = {.suppressions = suppressions, .catalog = catalog};
    uint32_t *stacks = calloc(catalog->stack_count, sizeof *stacks);
    uint32_t *built_in = calloc(catalog->stack_count, sizeof *built_in);
    bool done = allocate(&matching) && stacks && built_in;
    if (done) {
        match_given(&matching, stacks);
        match_built_in(&matching, built_in);
        for (size_t i = 1; i < catalog->stack_count; i++)
            stacks[i] = stacks[i] ? stacks[i] : built_in[i];
    } else {
        free(stacks);
        stacks = NULL;
    }
    free(built_in);
    free(matching.modules);
    free(matching.frames);
    free(matching.library);
    free(matching.allocates);
    return stacks;
}
