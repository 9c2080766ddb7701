/* SPDX-License-Identifier: MIT */
#include "output/analyze/suppressions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/embedded.h"
#include "output/analyze/format.h"
#include "output/analyze/suppressed_stacks.h"

#define TYPE "leak:"
#define MODULE_TYPE "module:" /* in what is built in */
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
        const char *hit = text;
        if (!first)
            hit = memmem(text, strlen(text), pattern, length);
        else if (strncmp(text, pattern, length) != 0)
            hit = NULL;
        if (!hit)
            return false;
        first = false;
        text = hit + length;
        pattern += length;
    }
    return true;
}

/* ---- Files ---- */

/* Without the blanks around it. */
static char *trim(char *line)
{
    size_t length = strlen(line);
    while (length && strchr(BLANKS, line[length - 1]))
        line[--length] = 0;
    return line + strspn(line, BLANKS);
}

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
    line = trim(line);
    if (!*line || *line == '#')
        return NULL;
    if (strncmp(line, TYPE, strlen(TYPE)) != 0)
        return error_format(ERROR_USAGE, "%s:%zu: not " TYPE "PATTERN, a comment or blank: '%s'",
                            path, number, line);
    suppressions->given++;
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

static struct error *add_module(struct suppressions *suppressions, const char *pattern)
{
    size_t count = suppressions->module_count;
    char **modules = realloc(suppressions->modules, (count + 1) * sizeof *modules);
    if (!modules)
        return error_no_memory();
    suppressions->modules = modules;
    modules[count] = strdup(pattern);
    suppressions->module_count += modules[count] != NULL;
    return modules[count] ? NULL : error_no_memory();
}

struct error *suppressions_add_built_in(struct suppressions *suppressions)
{
    struct error *error = NULL;
    char *rest = NULL;
    char *text = strdup(text_builtin_supp);
    if (!text)
        return error_no_memory();
    for (char *line = strtok_r(text, "\n", &rest); line && !error;
         line = strtok_r(NULL, "\n", &rest)) {
        line = trim(line);
        if (strncmp(line, MODULE_TYPE, strlen(MODULE_TYPE)) == 0)
            error = add_module(suppressions, line + strlen(MODULE_TYPE));
        else if (strncmp(line, TYPE, strlen(TYPE)) == 0)
            error = add(suppressions, line + strlen(TYPE));
    }
    free(text);
    return error;
}

void suppressions_deinit(struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->module_count; i++)
        free(suppressions->modules[i]);
    free(suppressions->modules);
    for (size_t i = 0; i < suppressions->count; i++)
        free(suppressions->list[i].pattern);
    free(suppressions->list);
    *suppressions = (struct suppressions){0};
}

/* ---- Leaks ---- */

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
        if (match <= suppressions->given) {
            totals->suppressed += sums->leaked;
            totals->suppressed_bytes += sums->leaked_bytes;
        } else {
            totals->built_in += sums->leaked;
            totals->built_in_bytes += sums->leaked_bytes;
        }
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
        sum->suppressed = match <= suppressions->given ? LEAK_SUPPRESSED : LEAK_BUILT_IN_SUPPRESSED;
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
    uint32_t *matches = suppressed_stacks(suppressions, &replay->catalog);
    if (!matches)
        return error_no_memory();
    apply_to_rows(suppressions, matches, replay, count);
    for (size_t i = 1; i < replay->leaks.count; i++)
        apply_to_check(suppressions, matches, &replay->leaks.list[i], count);
    /* A saved baseline has their totals and none of them. */
    if (replay->leaks.count)
        replay_sum_up_leaks(replay);
    free(matches);
    return NULL;
}

static void print_used(const struct suppressions *suppressions, size_t first, size_t end,
                       enum suppressed_of of, const char *title, FILE *out)
{
    bool any = false;
    for (size_t i = first; i < end; i++) {
        const struct suppression *suppression = &suppressions->list[i];
        bool unfreed = of == SUPPRESSED_UNFREED;
        uint64_t blocks = unfreed ? suppression->blocks : suppression->check_blocks;
        uint64_t bytes = unfreed ? suppression->bytes : suppression->check_bytes;
        char blocks_text[32], bytes_text[32];
        if (!blocks)
            continue;
        if (!any)
            fprintf(out, "\n%s used\n%12s %15s  pattern\n", title, "blocks", "bytes");
        any = true;
        fprintf(out, "%12s %15s  ", format_number(blocks, blocks_text, sizeof blocks_text),
                format_number(bytes, bytes_text, sizeof bytes_text));
        format_text(out, suppression->pattern);
        fputc('\n', out);
    }
}

void suppressions_print(const struct suppressions *suppressions, enum suppressed_of of,
                        bool built_in, FILE *out)
{
    if (!suppressions)
        return;
    print_used(suppressions, 0, suppressions->given, of, "Suppressions", out);
    if (built_in)
        print_used(suppressions, suppressions->given, suppressions->count, of,
                   "Built-in suppressions", out);
}

void suppressions_print_built_in(const struct suppressions *suppressions, bool exact, FILE *out)
{
    uint64_t blocks = 0;
    uint64_t bytes = 0;
    char blocks_text[32], bytes_text[64];
    for (size_t i = suppressions ? suppressions->given : 0; suppressions && i < suppressions->count;
         i++) {
        blocks += suppressions->list[i].blocks;
        bytes += suppressions->list[i].bytes;
    }
    if (blocks)
        fprintf(out, "\nsuppressed (built-in): %s in %s block%s\n",
                format_bytes_both(bytes, exact, bytes_text, sizeof bytes_text),
                format_number(blocks, blocks_text, sizeof blocks_text), blocks == 1 ? "" : "s");
}
