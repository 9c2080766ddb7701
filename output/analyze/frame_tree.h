/* SPDX-License-Identifier: MIT */
/*
 * frame_tree.h - stacks by the names of their frames: stacks that differ in addresses only are one.
 *
 * A node is a name below its parent; the root stands for all. Each node has weights on two sides,
 * those of this log and those of a baseline that it is compared with. All that is bounded is so as
 * not to make a tree, or a picture of it, that is larger than the log by the depth of its stacks:
 * deeper frames than FRAME_TREE_MOST_DEPTH are one, and the frames of a stack for which there are
 * no more nodes are another. What they weigh is kept.
 */
#ifndef ALLOCPTRACE_ANALYZE_FRAME_TREE_H
#define ALLOCPTRACE_ANALYZE_FRAME_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/text_pool.h"

/* Frames kept of a stack, from the root's side. A flame graph is thousands of pixels high then. */
#define FRAME_TREE_MOST_DEPTH 4096

enum frame_tree_side {
    FRAME_TREE_NEW,
    FRAME_TREE_OLD, /* the baseline */
};
#define FRAME_TREE_SIDES 2

/* What blocks weigh together. */
struct frame_weight {
    uint64_t main;   /* in the metric's unit: what goes by weight goes by this alone */
    uint64_t beside; /* in the other one of bytes and their number, to be told with it */
};

enum frame_tree_order {
    FRAME_TREE_BY_NAME,
    FRAME_TREE_BY_WEIGHT, /* heaviest first: the new weight, then the old one, then by name */
};

struct frame_node {
    const char *name;          /* interned: equal names are equal pointers; the root's is "all" */
    const char *module;        /* of the first frame of that name here; NULL if unknown */
    struct frame_node *parent; /* NULL for the root */
    uint32_t number;           /* in the order of creation, 0 for the root */
    uint32_t depth;            /* 0 for the root */
    struct frame_weight self[FRAME_TREE_SIDES];
    /* After frame_tree_finish(): with all below; and the children that weigh anything. */
    struct frame_weight total[FRAME_TREE_SIDES];
    struct frame_node *first_child, *next_sibling;
};

struct frame_tree;

/* Names are interned in texts, which must outlive the tree. NULL when out of memory. */
struct frame_tree *frame_tree_create(struct text_pool *texts);
void frame_tree_destroy(struct frame_tree *tree); /* NULL is allowed */

struct frame_node *frame_tree_root(struct frame_tree *tree);
/* Nodes without the root; their numbers are from 1 to this. */
size_t frame_tree_count(const struct frame_tree *tree);

/* A name of any origin as nodes have it; NULL when out of memory. */
const char *frame_tree_intern(struct frame_tree *tree, const char *name);

/*
 * The child of that name (interned), made when first asked for. Below the deepest level it is the
 * parent itself. NULL when out of memory.
 */
struct frame_node *frame_tree_child(struct frame_tree *tree, struct frame_node *parent,
                                    const char *name, const char *module);

/* The same, within a number of nodes that grows with the stacks that are expected. */
struct frame_node *frame_tree_child_within(struct frame_tree *tree, struct frame_node *parent,
                                           const char *name, const char *module);
/* So many stacks, besides those of before, are going to be added. */
void frame_tree_expect(struct frame_tree *tree, size_t stacks);

/* One frame of a stack. */
struct frame_name {
    const char *name;   /* interned */
    const char *module; /* may be NULL */
};

/*
 * Adds weight to the stack of count names, the root's child first, with nodes made within their
 * number. False when out of memory.
 */
bool frame_tree_add(struct frame_tree *tree, const struct frame_name *names, size_t count,
                    enum frame_tree_side side, struct frame_weight weight);

/* Adds weight to a node itself. */
void frame_node_add(struct frame_node *node, enum frame_tree_side side, struct frame_weight weight);

/* Sums up the totals and links the children; then the tree is not to be added to. False when out of
 * memory. */
bool frame_tree_finish(struct frame_tree *tree, enum frame_tree_order order);

/* The node after this one, parents before their children; NULL after the last one. To be asked with
 * descend false, it leaves out the node's children. */
const struct frame_node *frame_node_next(const struct frame_node *node, bool descend);

#endif
