/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_path_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/leak_paths.h"

/* The block that stands for a record's. */
struct sample {
    uint32_t check; /* 0: there is none */
    uint32_t block; /* place in the check's */
};

struct leak_path_texts {
    const struct report *report;
    const struct leak_records_query *query;
    const struct leak_records *records;
    size_t count;
    struct sample *samples;              /* by record */
    struct leak_way **ways;              /* by check, for those that have samples */
    struct internal_site *sites;         /* by stack */
    const struct leak_record **by_place; /* for bsearch(3) */
};

static int by_place(const void *one, const void *other)
{
    return leak_record_compare(*(const struct leak_record *const *)one,
                               *(const struct leak_record *const *)other);
}

/* The record among the first ones that a block is counted in, or NULL. */
static const struct leak_record *record_of(const struct leak_path_texts *texts,
                                           const struct leak_check *check,
                                           const struct leak_block *block)
{
    const struct leak_record like = {
        .reach = block->reach,
        .stack = texts->query->same[block->stack],
        .process = texts->query->by_process ? check->process : 0,
        .found = block->found,
    };
    const struct leak_record *key = &like;
    const struct leak_record **found =
        bsearch(&key, texts->by_place, texts->count, sizeof *texts->by_place, by_place);
    return found ? *found : NULL;
}

/* Of each record the largest block is shown, and the first one of these. */
static void choose_samples(struct leak_path_texts *texts)
{
    const struct leak_checks *checks = &texts->report->replay->leaks;
    for (uint32_t i = 1; i < checks->count; i++) {
        const struct leak_check *check = &checks->list[i];
        size_t count = check->shown && check->paths ? check->paths->blocks.count : 0;
        for (uint32_t j = 0; j < count; j++) {
            const struct leak_block *list = check->paths->blocks.list;
            const struct leak_record *record = NULL;
            if (list[j].reach != LOG_DEFINITELY_LOST)
                record = record_of(texts, check, &list[j]);
            if (!record)
                continue;
            struct sample *sample = &texts->samples[record - texts->records->list];
            if (!sample->check ||
                checks->list[sample->check].paths->blocks.list[sample->block].size < list[j].size)
                *sample = (struct sample){.check = i, .block = j};
        }
    }
}

static struct error *find_ways(struct leak_path_texts *texts)
{
    const struct leak_checks *checks = &texts->report->replay->leaks;
    for (size_t i = 0; i < texts->count; i++) {
        uint32_t id = texts->samples[i].check;
        if (!id || texts->ways[id])
            continue;
        texts->ways[id] = leak_ways_find(&checks->list[id].paths->blocks);
        if (!texts->ways[id])
            return error_no_memory();
    }
    return NULL;
}

struct error *leak_path_texts_create(const struct report *report,
                                     const struct leak_records_query *query,
                                     const struct leak_records *records, size_t count,
                                     struct leak_path_texts **result)
{
    const struct replay *replay = report->replay;
    struct leak_path_texts *texts = calloc(1, sizeof *texts);
    if (!texts)
        return error_no_memory();
    *texts = (struct leak_path_texts){
        .report = report,
        .query = query,
        .records = records,
        .count = count,
        .samples = calloc(count + 1, sizeof *texts->samples),
        .by_place = malloc((count + 1) * sizeof *texts->by_place),
        .ways = calloc(replay->leaks.count + 1, sizeof *texts->ways),
        .sites = internal_sites(&replay->catalog, report->options),
    };
    struct error *error = error_no_memory();
    if (texts->samples && texts->by_place && texts->ways && texts->sites) {
        for (size_t i = 0; i < count; i++)
            texts->by_place[i] = &records->list[i];
        qsort(texts->by_place, count, sizeof *texts->by_place, by_place);
        choose_samples(texts);
        error_free(error);
        error = find_ways(texts);
    }
    if (error)
        leak_path_texts_destroy(texts);
    else
        *result = texts;
    return error;
}

void leak_path_texts_destroy(struct leak_path_texts *texts)
{
    for (size_t i = 0; texts->ways && i < texts->report->replay->leaks.count; i++)
        free(texts->ways[i]);
    free(texts->ways);
    free(texts->samples);
    free(texts->by_place);
    free(texts->sites);
    free(texts);
}

/* ---- Roots ---- */

static void print_owner(FILE *out, const struct catalog *catalog, uint32_t thread)
{
    fputs(" of ", out);
    if (thread)
        format_thread(out, catalog, thread);
    else
        fputs("an unknown thread", out);
}

/* A word, by its name or its address. */
static void print_word(FILE *out, const struct leak_root *root, const char *named,
                       const char *unnamed)
{
    if (*root->name) {
        fputs(named, out);
        format_text(out, root->name);
    } else {
        fprintf(out, "%s at 0x%" PRIx64, unnamed, root->address);
    }
}

static void print_root(FILE *out, const struct catalog *catalog, const struct leak_root *root)
{
    switch (root->kind) {
    case LOG_ROOT_REGISTER:
        fputs("register ", out);
        format_text(out, *root->name ? root->name : "[unknown]");
        print_owner(out, catalog, root->thread);
        break;
    case LOG_ROOT_STACK:
        print_word(out, root, "stack, ", "stack");
        print_owner(out, catalog, root->thread);
        break;
    case LOG_ROOT_TLS:
        print_word(out, root, "thread-local ", "thread-local data");
        print_owner(out, catalog, root->thread);
        break;
    case LOG_ROOT_GLOBAL:
        print_word(out, root, "global ", "global data");
        if (root->module) {
            fputs(" in ", out);
            format_text(out, catalog->modules[root->module].name);
        }
        break;
    default:
        print_word(out, root, "mapping ", "memory outside the heap");
        break;
    }
}

/* ---- Blocks ---- */

static void print_block(const struct leak_path_texts *texts, FILE *out,
                        const struct leak_block *block, bool itself)
{
    const struct report *report = texts->report;
    const struct catalog *catalog = &report->replay->catalog;
    char bytes[64];
    fputs(format_bytes(block->size, report->options->verbose > 0, bytes, sizeof bytes), out);
    if (itself) {
        fputs(" of these", out);
    } else {
        struct catalog_line line = internal_site_line(catalog, texts->sites[block->stack]);
        fputs(" from ", out);
        format_line(out, &line, report->options->verbose > 1);
    }
}

/* "-> block", or if the word that points to it is in a block "+16 -> block". */
static void print_step(const struct leak_path_texts *texts, FILE *out,
                       const struct leak_blocks *blocks, const struct leak_step *step, bool is_last,
                       uint32_t middle)
{
    const struct leak_block *block = &blocks->list[step->block];
    char number[32];
    if (step->left_out)
        fprintf(out, "      -> [%s more block%s]\n",
                format_number(step->left_out, number, sizeof number),
                step->left_out == 1 ? "" : "s");
    fputs("      ", out);
    if (block->parent != LEAK_NO_BLOCK)
        fprintf(out, "+%" PRIu64 " ", block->holder - blocks->list[block->parent].address);
    fputs(step->block == middle ? "-> into " : "-> ", out);
    print_block(texts, out, block, is_last);
    fputc('\n', out);
}

void leak_path_texts_print(const struct leak_path_texts *texts, size_t record, FILE *out)
{
    const struct leak_checks *checks = &texts->report->replay->leaks;
    const struct sample *sample = &texts->samples[record];
    if (!sample->check)
        return;
    const struct leak_paths *paths = checks->list[sample->check].paths;
    const struct leak_way *way = &texts->ways[sample->check][sample->block];
    const struct leak_path path = leak_path_to(paths, texts->ways[sample->check], sample->block);
    if (!path.count || (!path.root && path.count == 1))
        return;
    fputs("  reached from\n    ", out);
    if (path.root)
        print_root(out, &texts->report->replay->catalog, path.root);
    else
        fputs("a lost block", out);
    fputc('\n', out);
    for (size_t i = 0; i < path.count; i++)
        print_step(texts, out, &paths->blocks, &path.steps[i], i + 1 == path.count, way->middle);
}
