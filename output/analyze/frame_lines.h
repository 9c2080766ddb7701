/* SPDX-License-Identifier: MIT */
/*
 * frame_lines.h - a replay's stacks by their names, with what they weigh: what folded stacks have
 * a line for, and flame graphs and trees of text are drawn from.
 *
 * Weights are --metric's; --filter, --min-count, --threshold-bytes and --limit choose the stacks.
 * If the log has several processes each stack begins with its process's program.
 */
#ifndef ALLOCPTRACE_ANALYZE_FRAME_LINES_H
#define ALLOCPTRACE_ANALYZE_FRAME_LINES_H

#include "output/analyze/frame_tree.h"
#include "output/analyze/report.h"

enum frame_direction {
    FRAMES_FROM_OUTERMOST, /* without the allocation function, except with -v */
    FRAMES_FROM_SITE,      /* from where memory was asked for (sites.h), with -v from the allocation
                              function, to the outermost frame and the process */
};

struct frame_line {
    const struct frame_node *node; /* the root: no frame to be shown */
    const char *process;           /* NULL if there is only one */
    struct frame_weight weight;
};

struct frame_lines {
    enum frame_direction direction;
    struct frame_tree *tree;  /* from the outermost frame on, whatever the direction; unfinished */
    struct frame_line *lines; /* none twice; of stacks of empty blocks main may be 0 */
    size_t count;
    const char *no_stack; /* what is shown for a line without a frame, interned */
};

/* In the order of their processes' names, then of the nodes; with --limit the heaviest first. */
struct error *frame_lines_collect(const struct report *report, enum frame_direction direction,
                                  struct frame_lines *lines);
void frame_lines_deinit(struct frame_lines *lines);

/*
 * The names of a line, as the direction has them; names has room for FRAME_LINES_MOST. Returns
 * their number, which is never 0: "[no stack]" stands for none.
 */
#define FRAME_LINES_MOST (FRAME_TREE_MOST_DEPTH + 2)
size_t frame_line_names(const struct frame_lines *lines, const struct frame_line *line,
                        struct frame_name *names);

/*
 * The same as a tree in the direction, not finished yet, on the side of FRAME_TREE_NEW; with
 * --compare the baseline's is on the other side, and only --filter chooses. The caller destroys it.
 */
struct error *frame_lines_tree(const struct report *report, enum frame_direction direction,
                               struct frame_tree **tree);

#endif
