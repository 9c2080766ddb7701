/* SPDX-License-Identifier: MIT */
#include "output/analyze/massif_tree.h"

#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/same_stacks.h"
#include "output/analyze/valgrind_line.h"

/* massif's defaults: --depth and --threshold. */
#define MOST_DEPTH 30
#define THRESHOLD_PERCENT 1

/* So many siblings can have THRESHOLD_PERCENT each, and one stands for the rest. */
#define MOST_GROUPS (100 / THRESHOLD_PERCENT + 1)

/* One weight on its way outwards. */
struct entry {
    uint32_t stack;     /* whose frame comes next; 0: there is none */
    uint32_t line;      /* of that frame */
    uint32_t key_frame; /* what the line looks like, with line */
    uint32_t number;    /* of the weight, for a fixed order */
    uint64_t bytes;
};

/* Entries whose next line is the same; places > 0: what is below the threshold. */
struct group {
    size_t begin, end;
    uint64_t bytes;
    size_t places;
};

struct printer {
    const struct massif_tree *tree;
    uint64_t heap;
    FILE *out;
};

struct error *massif_tree_init(struct massif_tree *tree, const struct report *report)
{
    *tree = (struct massif_tree){.report = report,
                                 .frames = same_frames(&report->replay->catalog, SAME_BY_LINES)};
    struct error *error =
        tree->frames ? export_stacks_init(&tree->stacks, report) : error_no_memory();
    if (error)
        massif_tree_deinit(tree);
    return error;
}

void massif_tree_deinit(struct massif_tree *tree)
{
    export_stacks_deinit(&tree->stacks);
    free(tree->frames);
    *tree = (struct massif_tree){0};
}

static bool is_significant(const struct printer *printer, uint64_t bytes)
{
    return (unsigned __int128)bytes * 100 >= (unsigned __int128)printer->heap * THRESHOLD_PERCENT &&
           bytes;
}

static int by_line(const void *one, const void *other)
{
    const struct entry *a = one;
    const struct entry *b = other;
    if (a->key_frame != b->key_frame)
        return a->key_frame < b->key_frame ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int by_bytes(const void *one, const void *other)
{
    const struct group *a = one;
    const struct group *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return (a->begin > b->begin) - (a->begin < b->begin);
}

/* Sorts entries by their next lines. The groups are in the order in which they are printed; their
 * number is returned. */
static size_t make_groups(struct entry *entries, size_t count, const struct printer *printer,
                          struct group *groups)
{
    size_t used = 0;
    struct group rest = {.begin = count, .end = count};
    qsort(entries, count, sizeof *entries, by_line);
    for (size_t i = 0; i < count;) {
        struct group group = {.begin = i};
        for (; i < count && entries[i].key_frame == entries[group.begin].key_frame &&
               entries[i].line == entries[group.begin].line;
             i++)
            group.bytes += entries[i].bytes;
        group.end = i;
        if (!entries[group.begin].stack)
            continue; /* no caller */
        if (is_significant(printer, group.bytes)) {
            groups[used++] = group;
        } else {
            rest.bytes += group.bytes;
            rest.places++;
        }
    }
    if (rest.places)
        groups[used++] = rest;
    qsort(groups, used, sizeof *groups, by_bytes);
    return used;
}

/* Takes a step outwards. */
static void advance(const struct printer *printer, struct entry *entry)
{
    const struct catalog *catalog = &printer->tree->report->replay->catalog;
    if (!entry->stack)
        return;
    if (++entry->line < catalog_line_count(catalog, catalog->stacks[entry->stack].frame))
        return;
    entry->stack = catalog->stacks[entry->stack].parent;
    entry->line = 0;
    entry->key_frame = printer->tree->frames[catalog->stacks[entry->stack].frame];
}

static void indent(const struct printer *printer, size_t depth)
{
    fprintf(printer->out, "%*s", (int)depth, "");
}

static void print_rest(const struct printer *printer, const struct group *rest, size_t depth)
{
    indent(printer, depth);
    if (rest->places == 1)
        fprintf(printer->out, "n0: %" PRIu64 " in 1 place, below", rest->bytes);
    else
        fprintf(printer->out, "n0: %" PRIu64 " in %zu places, all below", rest->bytes,
                rest->places);
    fprintf(printer->out, " massif's threshold (%d.00%%)\n", THRESHOLD_PERCENT);
}

/* Prints the nodes below one whose line, which ends with their number, has begun. */
static void print_below(const struct printer *printer, struct entry *entries, size_t count,
                        size_t depth, uint64_t bytes, const struct entry *self)
{
    const struct massif_tree *tree = printer->tree;
    const struct catalog *catalog = &tree->report->replay->catalog;
    struct group groups[MOST_GROUPS];
    size_t group_count = depth < MOST_DEPTH ? make_groups(entries, count, printer, groups) : 0;
    indent(printer, depth);
    fprintf(printer->out, "n%zu: %" PRIu64 " ", group_count, bytes);
    if (self)
        valgrind_line_print(printer->out, catalog, catalog->stacks[self->stack].frame, self->line,
                            tree->report->options->verbose > 1);
    else
        fputs("(heap allocation functions) malloc/new/new[], --alloc-fns, etc.", printer->out);
    fputc('\n', printer->out);
    for (size_t i = 0; i < group_count; i++) {
        const struct group *group = &groups[i];
        if (group->places) {
            print_rest(printer, group, depth + 1);
            continue;
        }
        struct entry first = entries[group->begin];
        for (size_t j = group->begin; j < group->end; j++)
            advance(printer, &entries[j]);
        print_below(printer, entries + group->begin, group->end - group->begin, depth + 1,
                    group->bytes, &first);
    }
}

struct error *massif_tree_print(const struct massif_tree *tree, const struct massif_weight *weights,
                                size_t count, uint64_t heap, FILE *out)
{
    const struct catalog *catalog = &tree->report->replay->catalog;
    struct printer printer = {.tree = tree, .heap = heap, .out = out};
    struct entry *entries = calloc(count + 1, sizeof *entries);
    uint64_t total = 0;
    if (!entries)
        return error_no_memory();
    for (size_t i = 0; i < count; i++) {
        uint32_t stack = tree->stacks.first[weights[i].stack];
        entries[i] = (struct entry){
            .stack = stack,
            .line = stack ? export_stacks_line(&tree->stacks, stack) : 0,
            .key_frame = tree->frames[catalog->stacks[stack].frame],
            .number = (uint32_t)i,
            .bytes = weights[i].bytes,
        };
        total += weights[i].bytes;
    }
    if (printer.heap < total)
        printer.heap = total; /* MOST_GROUPS counts on it */
    print_below(&printer, entries, count, 0, total, NULL);
    free(entries);
    return NULL;
}
