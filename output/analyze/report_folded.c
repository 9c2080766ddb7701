/* SPDX-License-Identifier: MIT */
/* Folded stacks: FRAME;FRAME;... WEIGHT on a line, outermost frame first, as flamegraph.pl's
 * stackcollapse scripts write them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/report.h"
#include "output/analyze/sites.h"

/* A growing text; failed stays set once memory ran out. */
struct text {
    char *characters;
    size_t size, capacity;
    bool failed;
};

static void append(struct text *text, const char *from, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        size_t capacity = (text->size + size + 1) * 2;
        char *characters = realloc(text->characters, capacity);
        if (!characters) {
            text->failed = true;
            return;
        }
        text->characters = characters;
        text->capacity = capacity;
    }
    memcpy(text->characters + text->size, from, size);
    text->size += size;
    text->characters[text->size] = 0;
}

/* ';' and line ends separate frames and stacks; other control characters have no place in a name
 * either, for the file may end up on a terminal. */
static void append_name(struct text *text, const char *name)
{
    for (; *name; name++) {
        unsigned char byte = (unsigned char)*name;
        char written = byte == ';' ? ':' : byte < 0x20 || byte == 0x7f ? '?' : *name;
        append(text, &written, 1);
    }
}

static bool is_hidden(const struct report *report, const struct catalog_line *line)
{
    return (line->flags & LOG_FRAME_ALLOCATOR) && !report->options->verbose;
}

static void append_stack(const struct report *report, struct text *text, uint32_t stack)
{
    const struct catalog *catalog = &report->replay->catalog;
    size_t depth = 0;
    for (uint32_t at = stack; at; at = catalog->stacks[at].parent)
        depth++;
    uint32_t *frames = malloc((depth + 1) * sizeof *frames);
    if (!frames) {
        text->failed = true;
        return;
    }
    for (size_t i = depth; i-- > 0; stack = catalog->stacks[stack].parent)
        frames[i] = catalog->stacks[stack].frame;
    for (size_t i = 0; i < depth; i++) {
        for (size_t k = catalog_line_count(catalog, frames[i]); k-- > 0;) {
            struct catalog_line line = catalog_line(catalog, frames[i], k);
            if (is_hidden(report, &line))
                continue;
            if (text->size)
                append(text, ";", 1);
            append_name(text, line.function);
        }
    }
    free(frames);
}

static bool matches(const struct options *options, const struct replay_row *row,
                    const struct text *text)
{
    return row->sums.count >= options->min_count && row->sums.bytes >= options->threshold_bytes &&
           (!options->has_filter ||
            (text->size && regexec(&options->filter, text->characters, 0, NULL, 0) == 0));
}

struct folded {
    char *stack;
    uint64_t weight;
};

static int compare(const void *one, const void *other)
{
    return strcmp(((const struct folded *)one)->stack, ((const struct folded *)other)->stack);
}

static struct error *collect(const struct report *report, struct folded *lines, size_t *count)
{
    const struct replay *replay = report->replay;
    sites_weight weigh = sites_metric_weight(report->options->metric);
    bool several = replay->catalog.process_count > 2;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        uint64_t weight = weigh(&row->sums);
        struct text text = {0};
        if (!weight)
            continue;
        if (several && row->group)
            append_name(&text, replay->catalog.processes[row->group].name);
        append_stack(report, &text, row->stack);
        if (text.failed) {
            free(text.characters);
            return error_no_memory();
        }
        if (text.size && matches(report->options, row, &text))
            lines[(*count)++] = (struct folded){.stack = text.characters, .weight = weight};
        else
            free(text.characters);
    }
    return NULL;
}

struct error *report_folded(const struct report *report, FILE *out)
{
    size_t count = 0;
    struct folded *lines = calloc(report->replay->row_count, sizeof *lines);
    struct error *error = lines ? collect(report, lines, &count) : error_no_memory();
    if (!error)
        qsort(lines, count, sizeof *lines, compare);
    for (size_t i = 0; !error && i < count; i++) {
        /* Stacks that differ in addresses only have become the same line. */
        uint64_t weight = lines[i].weight;
        while (i + 1 < count && strcmp(lines[i].stack, lines[i + 1].stack) == 0)
            weight += lines[++i].weight;
        fprintf(out, "%s %" PRIu64 "\n", lines[i].stack, weight);
    }
    for (size_t i = 0; i < count; i++)
        free(lines[i].stack);
    free(lines);
    return error;
}
