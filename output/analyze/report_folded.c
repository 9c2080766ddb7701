/* SPDX-License-Identifier: MIT */
/* Folded stacks: FRAME;FRAME;... WEIGHT on a line, outermost frame first (with --inverted
 * the innermost), as flamegraph.pl's
 * stackcollapse scripts write them. With a baseline there
 * are two weights, before and now, as difffolded.pl writes them. */
#include <inttypes.h>

#include "output/analyze/format.h"
#include "output/analyze/frame_lines.h"
#include "output/analyze/report.h"

static void print_names(FILE *out, const struct frame_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            fputc(';', out);
        format_folded_name(out, names[i].name);
    }
}

static struct error *print_compared(const struct report *report, enum frame_direction direction,
                                    FILE *out)
{
    struct frame_name names[FRAME_LINES_MOST];
    struct frame_tree *tree;
    struct error *error = frame_lines_tree(report, direction, &tree);
    if (error)
        return error;
    if (!frame_tree_finish(tree, FRAME_TREE_BY_NAME))
        error = error_no_memory();
    const struct frame_node *node = error ? NULL : frame_tree_root(tree);
    for (; node && !ferror(out); node = frame_node_next(node, true)) {
        if (node->parent)
            names[node->depth - 1].name = node->name;
        uint64_t before = node->self[FRAME_TREE_OLD].main;
        uint64_t now = node->self[FRAME_TREE_NEW].main;
        if (!before && !now)
            continue;
        print_names(out, names, node->depth);
        fprintf(out, " %" PRIu64 " %" PRIu64 "\n", before, now);
    }
    frame_tree_destroy(tree);
    return error;
}

struct error *report_folded(const struct report *report, FILE *out)
{
    struct frame_name names[FRAME_LINES_MOST];
    struct frame_lines lines;
    enum frame_direction direction =
        report->options->inverted ? FRAMES_FROM_SITE : FRAMES_FROM_OUTERMOST;
    if (report->comparison)
        return print_compared(report, direction, out);
    struct error *error = frame_lines_collect(report, direction, &lines);
    if (error)
        return error;
    for (size_t i = 0; i < lines.count && !ferror(out); i++) {
        uint64_t weight = lines.lines[i].weight.main;
        if (!weight)
            continue;
        print_names(out, names, frame_line_names(&lines, &lines.lines[i], names));
        fprintf(out, " %" PRIu64 "\n", weight);
    }
    frame_lines_deinit(&lines);
    return NULL;
}
