/* SPDX-License-Identifier: MIT */
#include "output/analyze/filter.h"

#include <stdlib.h>

bool filter_matches(const regex_t *regex, const struct catalog_line *line)
{
    const char *const texts[] = {line->function, line->module, line->file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] && regexec(regex, texts[i], 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

bool filter_line(const struct options *options, const struct catalog_line *line)
{
    return !options->has_filter || filter_matches(&options->filter, line);
}

static bool filter_frame(const struct options *options, const struct catalog *catalog,
                         uint32_t frame)
{
    size_t count = catalog_line_count(catalog, frame);
    for (size_t i = 0; i < count; i++) {
        struct catalog_line line = catalog_line(catalog, frame, i);
        if (filter_line(options, &line))
            return true;
    }
    return false;
}

bool *filter_stacks(const struct options *options, const struct catalog *catalog)
{
    bool *frames = calloc(catalog->frame_count, sizeof *frames);
    bool *stacks = calloc(catalog->stack_count, sizeof *stacks);
    if (!frames || !stacks) {
        free(frames);
        free(stacks);
        return NULL;
    }
    for (uint32_t i = 1; i < catalog->frame_count; i++)
        frames[i] = !options->has_filter || filter_frame(options, catalog, i);
    stacks[0] = !options->has_filter;
    /* A parent has a lower id than its children. */
    for (size_t i = 1; i < catalog->stack_count; i++)
        stacks[i] = frames[catalog->stacks[i].frame] || stacks[catalog->stacks[i].parent];
    free(frames);
    return stacks;
}
