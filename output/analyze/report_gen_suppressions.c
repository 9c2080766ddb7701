/* SPDX-License-Identifier: MIT */
/*
 * --leaks --gen-suppressions: a file of suppressions (suppressions.h), one for each leak that is
 * listed, which match these leaks and none of those that --filter and the like left out. The leaks
 * themselves are comments.
 */
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"
#include "output/analyze/suppressions.h"
#include "output/log/text.h"

/* A stack is looked at so far from its innermost frame: deeper ones are the same for all leaks. */
#define MOST_FRAMES 4096

/* So many patterns with '*' are compared with all names that are not to match. */
#define MOST_WILD 1000

struct generating {
    const struct catalog *catalog;
    struct key_id *others; /* by interned text: modules, functions and files of the other leaks */
    const char **texts;    /* the same */
    size_t text_count;
    size_t wild;
    char *pattern;
};

/* ---- Names that must not match ---- */

static bool add_text(struct generating *generating, const char *text)
{
    uint32_t next = (uint32_t)generating->text_count + 1;
    size_t count = generating->text_count;
    if (!text || !*text)
        return true;
    uint32_t place = key_ids_add(&generating->others, &text, sizeof text, next);
    if (place != next)
        return place;
    if ((count & (count - 1)) == 0) {
        const char **texts = realloc(generating->texts, (count ? count * 2 : 1) * sizeof *texts);
        if (!texts)
            return false;
        generating->texts = texts;
    }
    generating->texts[generating->text_count++] = text;
    return true;
}

static bool add_frame(struct generating *generating, uint32_t id)
{
    const struct catalog_frame *frame = &generating->catalog->frames[id];
    bool done = add_text(generating, generating->catalog->modules[frame->module].path);
    for (uint32_t i = 0; done && i < frame->location_count; i++) {
        done = add_text(generating, frame->locations[i].function) &&
               add_text(generating, frame->locations[i].file);
    }
    return done;
}

/* All leaks but the first listed ones of leaks; same is same_stacks(). */
static bool add_others(struct generating *generating, const struct replay *replay,
                       const struct stack_sums *leaks, size_t listed, const uint32_t *same)
{
    const struct catalog *catalog = generating->catalog;
    enum { LISTED = 1, SEEN = 2 };
    char *marks = calloc(catalog->stack_count, 1);
    bool done = marks;
    for (size_t i = 0; done && i < listed; i++)
        marks[leaks->sums[i].stack] |= LISTED;
    for (size_t i = 1; done && i < replay->row_count; i++) {
        uint32_t stack = same[replay->rows[i].stack];
        if (!replay->rows[i].sums.leaked || marks[stack] & LISTED)
            continue;
        for (; done && stack && !(marks[stack] & SEEN); stack = catalog->stacks[stack].parent) {
            marks[stack] |= SEEN;
            done = add_frame(generating, catalog->stacks[stack].frame);
        }
    }
    free(marks);
    return done;
}

/* ---- Patterns ---- */

/* Makes a pattern of a whole name; '*' stands for what a pattern or a line cannot hold. False when
 * out of memory. */
static bool make_pattern(struct generating *generating, const char *name, bool *wild)
{
    size_t size = strlen(name);
    char *pattern = malloc(size + 3);
    char *at = pattern;
    free(generating->pattern);
    generating->pattern = pattern;
    if (!pattern)
        return false;
    *wild = strchr(name, '*');
    *at++ = '^';
    while (size) {
        bool safe;
        size_t length = text_character(name, size, &safe);
        bool plain = safe && *name != '$';
        if (plain)
            memcpy(at, name, length);
        else
            *at = '*';
        *wild = *wild || !plain;
        at += plain ? length : 1;
        name += length;
        size -= length;
    }
    memcpy(at, "$", 2);
    return true;
}

/* Whether the pattern of a name, which is made, matches none of the other leaks. */
static bool is_apart(struct generating *generating, const char *name, bool *failed)
{
    bool wild;
    if (!name || !*name || key_ids_find(generating->others, &name, sizeof name))
        return false;
    if (!make_pattern(generating, name, &wild)) {
        *failed = true;
        return false;
    }
    if (!wild)
        return true;
    if (generating->wild++ >= MOST_WILD || !suppression_matches(generating->pattern, name))
        return false;
    for (size_t i = 0; i < generating->text_count; i++) {
        if (suppression_matches(generating->pattern, generating->texts[i]))
            return false;
    }
    return true;
}

enum part { FUNCTION, FILE_NAME, MODULE, PARTS };

/* The first frame of a stack, of the kind looked for, that tells it from the other leaks. */
static bool find_frame(struct generating *generating, uint32_t stack, enum part part, bool *failed)
{
    const struct catalog *catalog = generating->catalog;
    size_t frames = 0;
    for (; stack && frames < MOST_FRAMES; stack = catalog->stacks[stack].parent, frames++) {
        uint32_t id = catalog->stacks[stack].frame;
        size_t count = catalog_line_count(catalog, id);
        for (size_t i = 0; i < count && !*failed; i++) {
            struct catalog_line line = catalog_line(catalog, id, i);
            if (internal_frame(&line))
                continue;
            const char *const names[] = {
                [FUNCTION] = line.named ? line.function : NULL,
                [FILE_NAME] = line.file,
                [MODULE] = catalog->modules[catalog->frames[id].module].path,
            };
            if (is_apart(generating, names[part], failed))
                return true;
        }
    }
    return false;
}

/* ---- The file ---- */

static struct error *print_leak(struct generating *generating, const struct report *report,
                                FILE *out, const struct stack_sum *leak, struct key_id **printed,
                                uint32_t number)
{
    char bytes[64], blocks[32];
    bool failed = false;
    bool found = false;
    fprintf(out, "\n# %s in %s block%s\n",
            format_bytes(leak->sums.leaked_bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(leak->sums.leaked, blocks, sizeof blocks),
            leak->sums.leaked == 1 ? "" : "s");
    format_stack(out, report->replay, leak->stack, "#   ", report->options->verbose > 1);
    for (enum part part = FUNCTION; !found && !failed && part < PARTS; part++)
        found = find_frame(generating, leak->stack, part, &failed);
    if (failed)
        return error_no_memory();
    if (!found) {
        fputs("# Nothing tells it from leaks that are not listed.\n", out);
        return NULL;
    }
    uint32_t first = key_ids_add(printed, generating->pattern, strlen(generating->pattern), number);
    fprintf(out, "%sleak:%s\n", first == number ? "" : "# ", generating->pattern);
    return first ? NULL : error_no_memory();
}

struct error *report_gen_suppressions(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    struct generating generating = {.catalog = &report->replay->catalog};
    struct stack_sums leaks = {0};
    struct key_id *printed = NULL;
    uint32_t *same = same_stacks(generating.catalog, SAME_BY_LINES);
    const struct stack_sums_query query = {.same = same, .leaked = true};
    struct error *error = same ? stack_sums_collect(report, &query, &leaks) : error_no_memory();
    stack_sums_sort(&leaks, options, true);
    size_t listed =
        options->limit_given && leaks.count > options->limit ? options->limit : leaks.count;
    if (!error && !add_others(&generating, report->replay, &leaks, listed, same))
        error = error_no_memory();
    for (size_t i = 0; !error && i < listed && !ferror(out); i++)
        error = print_leak(&generating, report, out, &leaks.sums[i], &printed, (uint32_t)i + 1);
    key_ids_deinit(&printed);
    key_ids_deinit(&generating.others);
    free(generating.texts);
    free(generating.pattern);
    stack_sums_deinit(&leaks);
    free(same);
    return error;
}
