/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_path_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/leak_samples.h"

struct leak_path_texts {
    const struct report *report;
    struct leak_samples *samples;
    struct internal_site *sites; /* by stack */
};

struct error *leak_path_texts_create(const struct report *report,
                                     const struct leak_records_query *query,
                                     const struct leak_records *records, size_t count,
                                     struct leak_path_texts **result)
{
    struct leak_path_texts *texts = calloc(1, sizeof *texts);
    if (!texts)
        return error_no_memory();
    texts->report = report;
    texts->sites = internal_sites(&report->replay->catalog, report->options);
    struct error *error = texts->sites
                              ? leak_samples_create(report, query, records, count, &texts->samples)
                              : error_no_memory();
    if (error)
        leak_path_texts_destroy(texts);
    else
        *result = texts;
    return error;
}

void leak_path_texts_destroy(struct leak_path_texts *texts)
{
    leak_samples_destroy(texts->samples);
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
    struct leak_sample sample;
    if (!leak_samples_get(texts->samples, record, &sample))
        return;
    const struct leak_path *path = &sample.path;
    fputs("  reached from\n    ", out);
    if (path->root)
        print_root(out, &texts->report->replay->catalog, path->root);
    else
        fputs("a lost block", out);
    fputc('\n', out);
    for (size_t i = 0; i < path->count; i++)
        print_step(texts, out, sample.blocks, &path->steps[i], i + 1 == path->count, sample.middle);
}
