/* SPDX-License-Identifier: MIT */
#include "output/analyze/suppressions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"

#define TYPE "leak:"
#define BLANKS " \t\r\n"

bool suppression_matches(const char *pattern, const char *text)
{
    bool first = *pattern == '^'; /* the part must begin where the text does */
    bool any = false;             /* the last character was '*' */
    if (!text || !*text)
        return false;
    pattern += first;
    while (*pattern) {
        if (*pattern == '$')
            return !*text || any;
        any = *pattern == '*';
        if (any) {
            first = false;
            pattern++;
            continue;
        }
        size_t length = strcspn(pattern, "*$");
        const char *hit = memmem(text, strlen(text), pattern, length);
        if (!hit || (first && hit != text))
            return false;
        first = false;
        text = hit + length;
        pattern += length;
    }
    return true;
}

/* ---- Files ---- */

static struct error *add(struct suppressions *suppressions, const char *pattern)
{
    size_t count = suppressions->count;
    if ((count & (count - 1)) == 0) {
        struct suppression *list =
            realloc(suppressions->list, (count ? count * 2 : 1) * sizeof *list);
        if (!list)
            return error_no_memory();
        suppressions->list = list;
    }
    char *copy = strdup(pattern);
    if (!copy)
        return error_no_memory();
    suppressions->list[suppressions->count++] = (struct suppression){.pattern = copy};
    return NULL;
}

static struct error *take_line(struct suppressions *suppressions, char *line, const char *path,
                               size_t number)
{
    size_t length = strlen(line);
    while (length && strchr(BLANKS, line[length - 1]))
        line[--length] = 0;
    line += strspn(line, BLANKS);
    if (!*line || *line == '#')
        return NULL;
    if (strncmp(line, TYPE, strlen(TYPE)) != 0)
        return error_format(ERROR_USAGE, "%s:%zu: not " TYPE "PATTERN, a comment or blank: '%s'",
                            path, number, line);
    return add(suppressions, line + strlen(TYPE));
}

struct error *suppressions_read(struct suppressions *suppressions, const char *path)
{
    struct error *error = NULL;
    char *line = NULL;
    size_t capacity = 0;
    size_t number = 0;
    FILE *file = fopen(path, "re");
    errno = file ? 0 : errno;
    while (file && !error && getline(&line, &capacity, file) >= 0)
        error = take_line(suppressions, line, path, ++number);
    if (!error && (!file || ferror(file)))
        error =
            error_format(ERROR_USAGE, "--suppressions: cannot read %s: %s", path, strerror(errno));
    if (file)
        fclose(file);
    free(line);
    return error;
}

void suppressions_deinit(struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->count; i++)
        free(suppressions->list[i].pattern);
    free(suppressions->list);
    *suppressions = (struct suppressions){0};
}

/* ---- Leaks ---- */

/* The first one that matches a text: its number from 1, 0 for none. */
static uint32_t match_text(const struct suppressions *suppressions, const char *text)
{
    for (size_t i = 0; i < suppressions->count; i++) {
        if (suppression_matches(suppressions->list[i].pattern, text))
            return (uint32_t)i + 1;
    }
    return 0;
}

static uint32_t match_frame(const struct suppressions *suppressions, const struct catalog *catalog,
                            uint32_t id, const uint32_t *modules)
{
    const struct catalog_frame *frame = &catalog->frames[id];
    uint32_t match = modules[frame->module];
    for (uint32_t i = 0; !match && i < frame->location_count; i++) {
        match = match_text(suppressions, frame->locations[i].function);
        if (!match)
            match = match_text(suppressions, frame->locations[i].file);
    }
    return match;
}

/* By stack id: the number of the suppression that it is suppressed by; NULL when out of memory. */
static uint32_t *match_stacks(const struct suppressions *suppressions,
                              const struct catalog *catalog)
{
    uint32_t *modules = calloc(catalog->module_count, sizeof *modules);
    uint32_t *frames = calloc(catalog->frame_count, sizeof *frames);
    uint32_t *stacks = calloc(catalog->stack_count, sizeof *stacks);
    if (modules && frames && stacks) {
        for (size_t i = 1; i < catalog->module_count; i++)
            modules[i] = match_text(suppressions, catalog->modules[i].path);
        for (size_t i = 1; i < catalog->frame_count; i++)
            frames[i] = match_frame(suppressions, catalog, (uint32_t)i, modules);
        /* A caller has a lower id than what it calls. */
        for (size_t i = 1; i < catalog->stack_count; i++) {
            const struct catalog_stack *stack = &catalog->stacks[i];
            stacks[i] = frames[stack->frame] ? frames[stack->frame] : stacks[stack->parent];
        }
    } else {
        free(stacks);
        stacks = NULL;
    }
    free(modules);
    free(frames);
    return stacks;
}

static void apply_to_rows(struct suppressions *suppressions, const uint32_t *matches,
                          struct replay *replay, bool count)
{
    struct replay_totals *totals = &replay->totals;
    for (size_t i = 1; i < replay->row_count; i++) {
        struct replay_sums *sums = &replay->rows[i].sums;
        uint32_t match = matches[replay->rows[i].stack];
        if (!match || !sums->leaked)
            continue;
        if (count) {
            suppressions->list[match - 1].blocks += sums->leaked;
            suppressions->list[match - 1].bytes += sums->leaked_bytes;
        }
        totals->suppressed += sums->leaked;
        totals->suppressed_bytes += sums->leaked_bytes;
        totals->leaked -= sums->leaked;
        totals->leaked_bytes -= sums->leaked_bytes;
        sums->leaked = 0;
        sums->leaked_bytes = 0;
        sums->leaked_age = 0;
        sums->leaked_oldest = 0;
        sums->leaked_held = 0;
    }
}

static void apply_to_check(struct suppressions *suppressions, const uint32_t *matches,
                           struct leak_check *check, bool count)
{
    for (size_t i = 0; i < check->sum_count; i++) {
        struct leak_sum *sum = &check->sums[i];
        uint32_t match = matches[sum->stack];
        if (!match && sum->has_owner)
            match = matches[sum->owner_stack];
        if (!match)
            continue;
        sum->suppressed = LEAK_SUPPRESSED;
        if (!count || !check->shown)
            continue;
        suppressions->list[match - 1].check_blocks += sum->amount.blocks;
        suppressions->list[match - 1].check_bytes += sum->amount.bytes;
    }
}

struct error *suppressions_apply(struct suppressions *suppressions, struct replay *replay,
                                 bool count)
{
    if (!suppressions->count)
        return NULL;
    uint32_t *matches = match_stacks(suppressions, &replay->catalog);
    if (!matches)
        return error_no_memory();
    apply_to_rows(suppressions, matches, replay, count);
    for (size_t i = 1; i < replay->leaks.count; i++)
        apply_to_check(suppressions, matches, &replay->leaks.list[i], count);
    replay_sum_up_leaks(replay);
    free(matches);
    return NULL;
}

void suppressions_print(const struct suppressions *suppressions, enum suppressed_of of, FILE *out)
{
    bool any = false;
    for (size_t i = 0; suppressions && i < suppressions->count; i++) {
        const struct suppression *suppression = &suppressions->list[i];
        bool unfreed = of == SUPPRESSED_UNFREED;
        uint64_t blocks = unfreed ? suppression->blocks : suppression->check_blocks;
        uint64_t bytes = unfreed ? suppression->bytes : suppression->check_bytes;
        char blocks_text[32], bytes_text[32];
        if (!blocks)
            continue;
        if (!any)
            fprintf(out, "\nSuppressions used\n%12s %15s  pattern\n", "blocks", "bytes");
        any = true;
        fprintf(out, "%12s %15s  ", format_number(blocks, blocks_text, sizeof blocks_text),
                format_number(bytes, bytes_text, sizeof bytes_text));
        format_text(out, suppression->pattern);
        fputc('\n', out);
    }
}
