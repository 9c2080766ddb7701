/* SPDX-License-Identifier: MIT */
#include "output/analyze/frame_lines.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/sites.h"

/* Inlined functions are frames of their own while there are not many more nodes than stacks: a
 * frame may have thousands and stand in each stack. */
#define NODES_FIRST (1u << 16)
#define NODES_PER_STACK 3

/* By the ids of stacks. */
struct places {
    struct frame_node **whole;   /* with all frames that are shown */
    struct frame_node **site;    /* up to where memory was asked for; NULL if not wanted */
    struct internal_site *sites; /* NULL if not wanted */
};

/* Adds a stack's frame to its parent's nodes; false when out of memory. */
static bool place_stack(const struct report *report, struct frame_tree *tree, uint32_t id,
                        struct places *places)
{
    const struct catalog *catalog = &report->replay->catalog;
    const struct catalog_stack *stack = &catalog->stacks[id];
    struct frame_node *node = places->whole[stack->parent];
    bool hidden =
        (catalog->frames[stack->frame].flags & LOG_FRAME_ALLOCATOR) && !report->options->verbose;
    bool has_site = places->sites && places->sites[id].frame == stack->frame;
    size_t index = catalog_line_count(catalog, stack->frame);
    size_t count = hidden ? 0 : index;
    if (count > 1 && frame_tree_count(tree) > NODES_FIRST + NODES_PER_STACK * catalog->stack_count)
        count = 1;
    if (places->site)
        places->site[id] = places->site[stack->parent];
    /* Below the deepest node there is nothing to tell apart. */
    while (count-- > 0 && node->depth <= FRAME_TREE_MOST_DEPTH) {
        struct catalog_line line = catalog_line(catalog, stack->frame, --index);
        node = frame_tree_child(tree, node, line.function, line.module);
        if (!node)
            return false;
        if (has_site && index >= places->sites[id].line)
            places->site[id] = node;
    }
    places->whole[id] = node;
    return true;
}

static bool place_stacks(const struct report *report, struct frame_tree *tree,
                         struct places *places)
{
    places->whole[0] = frame_tree_root(tree);
    if (places->site)
        places->site[0] = frame_tree_root(tree);
    /* A parent has a lower id than its children. */
    for (uint32_t i = 1; i < report->replay->catalog.stack_count; i++) {
        if (!place_stack(report, tree, i, places))
            return false;
    }
    return true;
}

/* By the ids of processes: what their programs are called, interned. NULL when out of memory. */
static const char **name_processes(const struct catalog *catalog)
{
    const char **names = calloc(catalog->process_count + 1, sizeof *names);
    bool done = names != NULL;
    for (size_t i = 1; done && i < catalog->process_count; i++) {
        const char *name = catalog->processes[i].name;
        names[i] = text_pool_add(catalog->texts, name, strlen(name));
        done = names[i] != NULL;
    }
    if (done)
        return names;
    free(names);
    return NULL;
}

static bool is_shown(const struct options *options, const struct replay_row *row)
{
    return row->sums.count >= options->min_count && row->sums.bytes >= options->threshold_bytes;
}

static int by_place(const void *one, const void *other)
{
    const struct frame_line *a = one;
    const struct frame_line *b = other;
    int order = a->process == b->process ? 0 : strcmp(a->process, b->process);
    return order ? order
                 : (a->node->number > b->node->number) - (a->node->number < b->node->number);
}

static int by_weight(const void *one, const void *other)
{
    const struct frame_line *a = one;
    const struct frame_line *b = other;
    if (a->weight.main != b->weight.main)
        return a->weight.main < b->weight.main ? 1 : -1;
    return by_place(one, other);
}

static void add_weight(struct frame_weight *to, const struct frame_weight *from)
{
    to->main += from->main;
    to->beside += from->beside;
}

static void make_lines(const struct report *report, const bool *wanted, const char *const *programs,
                       struct frame_node *const *of, struct frame_lines *out)
{
    const struct replay *replay = report->replay;
    sites_weight weigh = sites_metric_weight(report->options->metric);
    sites_weight beside = sites_weight_beside(report->options->metric);
    struct frame_line *lines = out->lines;
    size_t count = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        struct frame_weight weight = {.main = weigh(&row->sums), .beside = beside(&row->sums)};
        if ((weight.main || weight.beside) && wanted[row->stack] && is_shown(report->options, row))
            lines[count++] = (struct frame_line){
                .node = of[row->stack],
                .process = programs ? programs[row->process] : NULL,
                .weight = weight,
            };
    }
    qsort(lines, count, sizeof *lines, by_place);
    for (size_t i = 0; i < count; i++) {
        if (out->count && by_place(&lines[out->count - 1], &lines[i]) == 0)
            add_weight(&lines[out->count - 1].weight, &lines[i].weight);
        else
            lines[out->count++] = lines[i];
    }
    if (report->options->limit_given && out->count > report->options->limit) {
        qsort(lines, out->count, sizeof *lines, by_weight);
        out->count = report->options->limit;
    }
}

static struct error *collect(const struct report *report, enum frame_direction direction,
                             bool by_process, struct frame_lines *lines)
{
    const struct catalog *catalog = &report->replay->catalog;
    static const char no_stack[] = "[no stack]";
    bool to_site = direction == FRAMES_FROM_SITE && !report->options->verbose;
    struct places places = {.whole = calloc(catalog->stack_count, sizeof(struct frame_node *))};
    if (to_site) {
        places.site = calloc(catalog->stack_count, sizeof(struct frame_node *));
        places.sites = internal_sites(catalog, report->options);
    }
    *lines = (struct frame_lines){
        .direction = direction,
        .tree = frame_tree_create(catalog->texts),
        .lines = calloc(report->replay->row_count, sizeof *lines->lines),
        .no_stack = text_pool_add(catalog->texts, no_stack, strlen(no_stack)),
    };
    bool *wanted = filter_stacks(report->options, catalog);
    const char **programs = by_process ? name_processes(catalog) : NULL;
    bool done = places.whole && (!to_site || (places.site && places.sites)) && lines->tree &&
                lines->lines && lines->no_stack && wanted && (programs || !by_process) &&
                place_stacks(report, lines->tree, &places);
    if (done)
        make_lines(report, wanted, programs, to_site ? places.site : places.whole, lines);
    else
        frame_lines_deinit(lines);
    free(wanted);
    free(programs);
    free(places.whole);
    free(places.site);
    free(places.sites);
    return done ? NULL : error_no_memory();
}

static bool has_several_processes(const struct replay *replay)
{
    return replay->options.split >= REPLAY_BY_PROCESS && replay->catalog.process_count > 2;
}

struct error *frame_lines_collect(const struct report *report, enum frame_direction direction,
                                  struct frame_lines *lines)
{
    return collect(report, direction, has_several_processes(report->replay), lines);
}

void frame_lines_deinit(struct frame_lines *lines)
{
    frame_tree_destroy(lines->tree);
    free(lines->lines);
    *lines = (struct frame_lines){0};
}

static void put_process(const struct frame_line *line, struct frame_name *names, size_t *count)
{
    if (line->process)
        names[(*count)++] = (struct frame_name){.name = line->process};
}

size_t frame_line_names(const struct frame_lines *lines, const struct frame_line *line,
                        struct frame_name *names)
{
    bool reversed = lines->direction == FRAMES_FROM_SITE;
    size_t count = 0;
    if (!reversed)
        put_process(line, names, &count);
    size_t depth = line->node->depth;
    size_t next = reversed ? count : count + depth - 1;
    for (const struct frame_node *at = line->node; at->parent; at = at->parent) {
        names[next] = (struct frame_name){.name = at->name, .module = at->module};
        next = reversed ? next + 1 : next - 1;
    }
    count += depth;
    if (!depth)
        names[count++] = (struct frame_name){.name = lines->no_stack};
    if (reversed)
        put_process(line, names, &count);
    return count;
}

/* ---- The tree ---- */

/* A node of the lines' tree as one of a process's part of the new tree. */
struct copy {
    const char *process;
    struct frame_node *node;
};

/* Copies what is missing between a line's node and its process's root. */
static struct frame_node *copy_node(struct frame_tree *tree, struct frame_node *root,
                                    const struct frame_line *line, struct copy *copies)
{
    const struct frame_node *path[FRAME_TREE_MOST_DEPTH + 1];
    size_t missing = 0;
    const struct frame_node *at = line->node;
    while (at->parent &&
           !(copies[at->number].node && copies[at->number].process == line->process)) {
        path[missing++] = at;
        at = at->parent;
    }
    struct frame_node *node = at->parent ? copies[at->number].node : root;
    while (node && missing--) {
        at = path[missing];
        node = frame_tree_child_within(tree, node, at->name, at->module);
        copies[at->number] = (struct copy){.process = line->process, .node = node};
    }
    return node;
}

/* Each process's stacks below a node of its own. */
static bool add_from_outermost(struct frame_tree *tree, const struct frame_lines *lines,
                               enum frame_tree_side side)
{
    struct copy *copies = calloc(frame_tree_count(lines->tree) + 1, sizeof *copies);
    bool done = copies != NULL;
    for (size_t i = 0; done && i < lines->count; i++) {
        const struct frame_line *line = &lines->lines[i];
        struct frame_node *node = frame_tree_root(tree);
        if (line->process)
            node = frame_tree_child_within(tree, node, line->process, NULL);
        if (node && line->node->parent)
            node = copy_node(tree, node, line, copies);
        else if (node)
            node = frame_tree_child_within(tree, node, lines->no_stack, NULL);
        if (node)
            frame_node_add(node, side, line->weight);
        done = node != NULL;
    }
    free(copies);
    return done;
}

/* Stacks from the site on have no beginnings in common that the lines' tree would know of. */
static bool add_from_site(struct frame_tree *tree, const struct frame_lines *lines,
                          enum frame_tree_side side)
{
    struct frame_name names[FRAME_LINES_MOST];
    bool done = true;
    for (size_t i = 0; done && i < lines->count; i++) {
        const struct frame_line *line = &lines->lines[i];
        size_t count = frame_line_names(lines, line, names);
        done = frame_tree_add(tree, names, count, side, line->weight);
    }
    return done;
}

static struct error *add_lines(const struct report *report, enum frame_direction direction,
                               bool by_process, struct frame_tree *tree, enum frame_tree_side side)
{
    struct frame_lines lines;
    struct error *error = collect(report, direction, by_process, &lines);
    if (error)
        return error;
    frame_tree_expect(tree, lines.count);
    bool done = direction == FRAMES_FROM_SITE ? add_from_site(tree, &lines, side)
                                              : add_from_outermost(tree, &lines, side);
    frame_lines_deinit(&lines);
    return done ? NULL : error_no_memory();
}

/* Both logs' stacks are chosen by --filter alone: what is too little in one log may be enough in
 * the other, and would seem to be new or gone. */
static struct error *add_both(const struct report *report, enum frame_direction direction,
                              struct frame_tree *tree)
{
    const struct replay *before = &report->comparison->before.replay;
    struct options options = *report->options;
    options.min_count = 0;
    options.threshold_bytes = 0;
    options.limit_given = false;
    struct report now = {.options = &options, .replay = report->replay};
    struct report baseline = {.options = &options, .replay = before};
    /* In neither or in both, or nothing would be the same. */
    bool by_process =
        (has_several_processes(report->replay) && before->options.split >= REPLAY_BY_PROCESS) ||
        (has_several_processes(before) && report->replay->options.split >= REPLAY_BY_PROCESS);
    struct error *error = add_lines(&now, direction, by_process, tree, FRAME_TREE_NEW);
    return error ? error : add_lines(&baseline, direction, by_process, tree, FRAME_TREE_OLD);
}

struct error *frame_lines_tree(const struct report *report, enum frame_direction direction,
                               struct frame_tree **tree)
{
    *tree = frame_tree_create(report->replay->catalog.texts);
    if (!*tree)
        return error_no_memory();
    struct error *error = report->comparison
                              ? add_both(report, direction, *tree)
                              : add_lines(report, direction, has_several_processes(report->replay),
                                          *tree, FRAME_TREE_NEW);
    if (error) {
        frame_tree_destroy(*tree);
        *tree = NULL;
    }
    return error;
}
