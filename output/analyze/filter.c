/* SPDX-License-Identifier: MIT */
#include "output/analyze/filter.h"

bool filter_line(const struct options *options, const struct catalog_line *line)
{
    if (!options->has_filter)
        return true;
    const char *const texts[] = {line->function, line->module, line->file};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i] && regexec(&options->filter, texts[i], 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

bool filter_stack(const struct options *options, const struct catalog *catalog, uint32_t stack)
{
    for (; options->has_filter && stack; stack = catalog->stacks[stack].parent) {
        uint32_t frame = catalog->stacks[stack].frame;
        size_t count = catalog_line_count(catalog, frame);
        for (size_t i = 0; i < count; i++) {
            struct catalog_line line = catalog_line(catalog, frame, i);
            if (filter_line(options, &line))
                return true;
        }
    }
    return !options->has_filter;
}
