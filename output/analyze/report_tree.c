/* SPDX-License-Identifier: MIT */
/*
 * Trees for a terminal, heaviest first: from the outermost frames down to what they call, or from
 * the sites to their callers. What is below --min-share of all is not told.
 *
 * A frame that goes on in one way only does not indent what is below it, and only lines that tell
 * other numbers than the line before have numbers. So a tree is as deep as it branches.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"
#include "output/analyze/frame_lines.h"
#include "output/analyze/measure.h"
#include "output/analyze/report.h"

/* Of more frames in a row without numbers only so many are printed at either end. */
#define RUN_ENDS 2
#define RUN_WHOLE (2 * RUN_ENDS + 1)

/* What lines are drawn with. */
struct glyphs {
    const char *middle, *last, *past, *blank, *left_out;
};

static const struct glyphs utf8_glyphs = {"├─ ", "└─ ", "│  ", "   ", "⋮"};
static const struct glyphs ascii_glyphs = {"|- ", "`- ", "|  ", "   ", "..."};

/* By depth: a frame whose children are being printed. */
struct level {
    const struct frame_node *node;
    const struct frame_node *next; /* child; NULL after the last that is shown */
    size_t shown;                  /* children that are still to come, with next */
    size_t rest;                   /* children that are left out */
    uint64_t rest_weight;          /* 0: not worth a line */
    uint32_t indent;               /* of the children */
    uint64_t told;                 /* the last weight that was printed on the way here */
};

struct printer {
    const struct report *report;
    FILE *out;
    const struct glyphs *glyphs;
    struct measure measure;
    bool bottom_up;
    uint64_t total;
    double least; /* weight that is shown */
    struct level *levels;
    bool *last; /* by indent from 1: the branch there is its parent's last */
};

static const struct glyphs *glyphs_of_locale(void)
{
    const struct glyphs *glyphs = &ascii_glyphs;
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0)
        return glyphs;
    if (strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0)
        glyphs = &utf8_glyphs;
    freelocale(locale);
    return glyphs;
}

static uint64_t weight_of(const struct frame_node *node)
{
    return node->total[FRAME_TREE_NEW].main;
}

static bool is_worth(const struct printer *printer, uint64_t weight)
{
    return weight && (double)weight >= printer->least;
}

/* ---- Lines ---- */

static int width_of(const struct printer *printer)
{
    return printer->report->options->verbose ? 20 : 11;
}

static void print_weight(const struct printer *printer, uint64_t weight)
{
    char text[64];
    fprintf(printer->out, "%*s", width_of(printer),
            measure_format(&printer->measure, weight, printer->report->options->verbose, text,
                           sizeof text));
}

static void print_numbers(const struct printer *printer, uint64_t weight, uint64_t self)
{
    char share[16];
    print_weight(printer, weight);
    fprintf(printer->out, "%8s ", format_share(weight, printer->total, share, sizeof share));
    if (printer->bottom_up)
        fputc(' ', printer->out);
    else if (self)
        print_weight(printer, self);
    else
        fprintf(printer->out, "%*s", width_of(printer), "-");
    fputs("  ", printer->out);
}

static void print_no_numbers(const struct printer *printer)
{
    int width = width_of(printer);
    fprintf(printer->out, "%*s", width + 9 + (printer->bottom_up ? 1 : width) + 2, "");
}

/* branch: the line is the first one of a branch, and not a further one of its frames. */
static void print_indent(const struct printer *printer, uint32_t indent, bool branch)
{
    const struct glyphs *glyphs = printer->glyphs;
    for (uint32_t i = 1; i <= indent; i++) {
        if (branch && i == indent)
            fputs(printer->last[i] ? glyphs->last : glyphs->middle, printer->out);
        else
            fputs(printer->last[i] ? glyphs->blank : glyphs->past, printer->out);
    }
}

static void print_name(const struct printer *printer, const struct frame_node *node)
{
    const char *module = node->module;
    format_text(printer->out, node->name);
    /* Once for all frames in a row; a name that is none begins with it. */
    if (module && *module && module != node->parent->module &&
        strncmp(node->name, module, strlen(module)) != 0) {
        fputs(" (", printer->out);
        format_text(printer->out, module);
        fputc(')', printer->out);
    }
    fputc('\n', printer->out);
}

/* ---- The walk ---- */

/* What is shown of a frame's children, in level. */
static void begin_children(const struct printer *printer, const struct frame_node *node,
                           struct level *level)
{
    size_t limit = printer->report->options->limit;
    level->node = node;
    level->next = node->first_child;
    level->shown = 0;
    level->rest = 0;
    level->rest_weight = 0;
    for (const struct frame_node *child = node->first_child; child; child = child->next_sibling) {
        if (level->shown < limit && is_worth(printer, weight_of(child))) {
            level->shown++;
        } else {
            level->rest++;
            level->rest_weight += weight_of(child);
        }
    }
    if (!is_worth(printer, level->rest_weight))
        level->rest_weight = 0;
}

/* The frame's only way on, if it tells nothing new: what ends at a caller is no news. */
static const struct frame_node *silent_child(const struct printer *printer,
                                             const struct frame_node *node, uint64_t told)
{
    struct level level;
    begin_children(printer, node, &level);
    if (level.shown != 1 || level.rest_weight ||
        (!printer->bottom_up && is_worth(printer, level.next->self[FRAME_TREE_NEW].main)) ||
        is_worth(printer, told - weight_of(level.next)))
        return NULL;
    return level.next;
}

/* Frames without numbers in a row from this one on, which has none. */
static size_t run_length(const struct printer *printer, const struct frame_node *node,
                         uint64_t told)
{
    size_t length = 0;
    for (; node; node = silent_child(printer, node, told))
        length++;
    return length;
}

/* Some of a long row of frames in the place of all; the frame to go on with. */
static const struct frame_node *print_run(const struct printer *printer,
                                          const struct frame_node *node, uint32_t indent,
                                          uint64_t told)
{
    size_t length = run_length(printer, node, told);
    bool whole = length <= RUN_WHOLE || printer->report->options->verbose > 2;
    for (size_t i = 0; i < length; i++) {
        if (i == RUN_ENDS && !whole) {
            print_no_numbers(printer);
            print_indent(printer, indent, false);
            fprintf(printer->out, "%s %zu frames\n", printer->glyphs->left_out,
                    length - 2 * RUN_ENDS);
        }
        if (whole || i < RUN_ENDS || i >= length - RUN_ENDS) {
            print_no_numbers(printer);
            print_indent(printer, indent, false);
            print_name(printer, node);
        }
        if (i + 1 < length)
            node = silent_child(printer, node, told);
    }
    return node;
}

/* Prints a child of above's frame, and begins its own children, or those of the last frame of the
 * row that it begins. */
static void print_frame(const struct printer *printer, const struct level *above,
                        const struct frame_node *node, bool branch, struct level *level)
{
    uint32_t indent = above->indent;
    print_numbers(printer, weight_of(node), node->self[FRAME_TREE_NEW].main);
    print_indent(printer, indent, branch);
    print_name(printer, node);
    level->told = weight_of(node);
    const struct frame_node *silent = silent_child(printer, node, level->told);
    if (silent)
        node = print_run(printer, silent, indent, level->told);
    begin_children(printer, node, level);
    level->indent = indent + (level->shown + (level->rest_weight > 0) > 1);
}

static void print_rest(const struct printer *printer, const struct level *level, bool branch)
{
    print_numbers(printer, level->rest_weight, 0);
    print_indent(printer, level->indent, branch);
    fprintf(printer->out, "[%zu more]\n", level->rest);
}

/* Whether a child of the level's frame is on a branch of its own; top is the root's level. */
static bool is_branch(const struct level *level, const struct level *top, const struct level *above)
{
    return level != top && level->indent > above->indent;
}

static void print_tree(const struct printer *printer, const struct frame_node *root)
{
    struct level *top = printer->levels;
    struct level *level = top;
    begin_children(printer, root, top);
    top->indent = 0;
    while (!ferror(printer->out)) {
        bool branch = is_branch(level, top, level - (level != top));
        if (level->shown) {
            const struct frame_node *child = level->next;
            level->next = child->next_sibling;
            level->shown--;
            if (branch)
                printer->last[level->indent] = !level->shown && !level->rest_weight;
            print_frame(printer, level, child, branch, level + 1);
            level++;
            continue;
        }
        if (level->rest_weight) {
            if (branch)
                printer->last[level->indent] = true;
            print_rest(printer, level, branch);
        }
        if (level-- == top)
            break;
    }
}

static void print_heading(const struct printer *printer)
{
    char text[96];
    int width = width_of(printer);
    fprintf(printer->out, "%s by %s: %s%s\n",
            printer->bottom_up ? "Sites and their callers" : "Callers and what they call",
            printer->measure.title,
            measure_format_both(&printer->measure, printer->total, text, sizeof text),
            printer->total == printer->measure.total ? "" : ", chosen of all");
    if (!printer->total) {
        fprintf(printer->out, "No stack%s has any.\n",
                options_choose(printer->report->options) ? " that passes " OPTIONS_CHOOSING : "");
        return;
    }
    fprintf(printer->out, "%*s%8s ", width, "total", "share");
    if (printer->bottom_up)
        fputs("   function\n", printer->out);
    else
        fprintf(printer->out, "%*s  function\n", width, "self");
}

static struct error *print(const struct report *report, FILE *out, enum frame_direction direction)
{
    /* --limit is for branches here, and not for stacks. */
    struct options options = *report->options;
    options.limit_given = false;
    struct report all = *report;
    all.options = &options;
    all.comparison = NULL;
    struct frame_tree *tree;
    struct error *error = frame_lines_tree(&all, direction, &tree);
    if (error)
        return error;
    struct printer printer = {
        .report = report,
        .out = out,
        .glyphs = glyphs_of_locale(),
        .measure = measure_of(&report->replay->totals, report->options->metric),
        .bottom_up = direction == FRAMES_FROM_SITE,
        .levels = calloc(FRAME_TREE_MOST_DEPTH + 3, sizeof *printer.levels),
        .last = calloc(FRAME_TREE_MOST_DEPTH + 3, sizeof *printer.last),
    };
    if (printer.levels && printer.last && frame_tree_finish(tree, FRAME_TREE_BY_WEIGHT)) {
        const struct frame_node *root = frame_tree_root(tree);
        printer.total = weight_of(root);
        printer.least = (double)printer.total * report->options->min_share / 100;
        print_heading(&printer);
        print_tree(&printer, root);
    } else {
        error = error_no_memory();
    }
    free(printer.levels);
    free(printer.last);
    frame_tree_destroy(tree);
    return error;
}

struct error *report_top_down(const struct report *report, FILE *out)
{
    return print(report, out, FRAMES_FROM_OUTERMOST);
}

struct error *report_bottom_up(const struct report *report, FILE *out)
{
    return print(report, out, FRAMES_FROM_SITE);
}
