/* SPDX-License-Identifier: MIT */
/* Folded stacks: FRAME;FRAME;... WEIGHT on a line, outermost frame first, as flamegraph.pl's
 * stackcollapse scripts write them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/format.h"
#include "output/analyze/hash.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"

/* Frames shown of a stack, outermost first; all deeper ones are one. A flame graph is thousands of
 * pixels high then, and a log of a deep recursion would make lines by the square of its depth. */
#define MOST_DEPTH 4096

/* Inlined functions are frames of their own while there are not many more nodes than stacks: a
 * frame may have thousands and stand in each stack. */
#define NODES_FIRST (1u << 16)
#define NODES_PER_STACK 3

static const char deeper[] = "[deeper frames left out]";

/* A stack by its names: stacks that differ in addresses only are the same node. */
struct node {
    struct {
        const struct node *parent;
        const char *name; /* interned: equal names are equal pointers */
    } key;
    size_t number; /* in the order of first use */
    size_t depth;  /* from 1; MOST_DEPTH + 1: stands for all below it */
    UT_hash_handle hh;
};

struct folded {
    const struct node *node; /* NULL: no frame to be shown */
    const char *process;     /* NULL if there is only one */
    uint64_t weight;
};

static const struct node *child_of(struct node **nodes, const struct node *parent, const char *name)
{
    size_t depth = parent ? parent->depth + 1 : 1;
    if (depth > MOST_DEPTH + 1)
        return parent;
    if (depth > MOST_DEPTH)
        name = deeper;
    struct node wanted = {.key = {.parent = parent, .name = name}};
    struct node *node;
    HASH_FIND(hh, *nodes, &wanted.key, sizeof wanted.key, node);
    if (node)
        return node;
    node = malloc(sizeof *node);
    if (!node)
        return NULL;
    *node = wanted;
    node->number = HASH_COUNT(*nodes) + 1;
    node->depth = depth;
    HASH_ADD(hh, *nodes, key, sizeof node->key, node);
    if (node->hh.tbl)
        return node;
    free(node);
    return NULL;
}

/* The nodes of all stacks by their ids; false when out of memory. */
static bool make_nodes(const struct report *report, struct node **nodes, const struct node **of)
{
    const struct catalog *catalog = &report->replay->catalog;
    /* A parent has a lower id than its children. */
    for (size_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        const struct node *node = of[stack->parent];
        bool hidden = (catalog->frames[stack->frame].flags & LOG_FRAME_ALLOCATOR) &&
                      !report->options->verbose;
        size_t lines = catalog_line_count(catalog, stack->frame);
        size_t count = hidden ? 0 : lines;
        if (count > 1 && HASH_COUNT(*nodes) > NODES_FIRST + NODES_PER_STACK * catalog->stack_count)
            count = 1;
        /* Below the deepest node there is nothing to tell apart. */
        while (count-- > 0 && !(node && node->depth > MOST_DEPTH)) {
            node = child_of(nodes, node, catalog_line(catalog, stack->frame, --lines).function);
            if (!node)
                return false;
        }
        of[i] = node;
    }
    return true;
}

static bool is_shown(const struct options *options, const struct replay_row *row)
{
    return row->sums.count >= options->min_count && row->sums.bytes >= options->threshold_bytes;
}

static int by_place(const void *one, const void *other)
{
    const struct folded *a = one;
    const struct folded *b = other;
    int order = strcmp(a->process ? a->process : "", b->process ? b->process : "");
    size_t number_a = a->node ? a->node->number : 0;
    size_t number_b = b->node ? b->node->number : 0;
    return order ? order : (number_a > number_b) - (number_a < number_b);
}

static int by_weight(const void *one, const void *other)
{
    const struct folded *a = one;
    const struct folded *b = other;
    if (a->weight != b->weight)
        return a->weight < b->weight ? 1 : -1;
    return by_place(one, other);
}

/* One line for each place, in the order of by_place(); returns their number. */
static size_t make_lines(const struct report *report, const bool *wanted,
                         const struct node *const *of, struct folded *lines)
{
    const struct replay *replay = report->replay;
    sites_weight weigh = sites_metric_weight(report->options->metric);
    bool several = replay->catalog.process_count > 2;
    size_t count = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        uint64_t weight = weigh(&row->sums);
        if (weight && wanted[row->stack] && is_shown(report->options, row))
            lines[count++] = (struct folded){
                .node = of[row->stack],
                .process = several ? replay->catalog.processes[row->process].name : NULL,
                .weight = weight,
            };
    }
    qsort(lines, count, sizeof *lines, by_place);
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged && by_place(&lines[merged - 1], &lines[i]) == 0)
            lines[merged - 1].weight += lines[i].weight;
        else
            lines[merged++] = lines[i];
    }
    return merged;
}

static void print_line(FILE *out, const struct folded *line)
{
    const char *names[MOST_DEPTH + 1];
    size_t depth = line->node ? line->node->depth : 0;
    size_t next = depth;
    for (const struct node *at = line->node; at; at = at->key.parent)
        names[--next] = at->key.name;
    if (line->process) {
        format_folded_name(out, line->process);
        fputc(';', out);
    }
    for (size_t i = 0; i < depth; i++) {
        if (i)
            fputc(';', out);
        format_folded_name(out, names[i]);
    }
    fprintf(out, "%s %" PRIu64 "\n", depth ? "" : "[no stack]", line->weight);
}

struct error *report_folded(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    const struct options *options = report->options;
    struct node *nodes = NULL;
    struct node *node;
    struct error *error = NULL;
    const struct node **of = calloc(replay->catalog.stack_count, sizeof *of);
    struct folded *lines = calloc(replay->row_count, sizeof *lines);
    bool *wanted = filter_stacks(options, &replay->catalog);
    if (!of || !lines || !wanted || !make_nodes(report, &nodes, of))
        error = error_no_memory();
    size_t count = error ? 0 : make_lines(report, wanted, of, lines);
    if (options->limit_given && count > options->limit) {
        qsort(lines, count, sizeof *lines, by_weight);
        count = options->limit;
    }
    for (size_t i = 0; i < count && !ferror(out); i++)
        print_line(out, &lines[i]);
    free(wanted);
    free(lines);
    free(of);
    while ((node = nodes)) {
        HASH_DEL(nodes, node);
        free(node);
    }
    return error;
}
