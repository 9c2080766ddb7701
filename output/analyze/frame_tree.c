/* SPDX-License-Identifier: MIT */
#include "output/analyze/frame_tree.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"

/* A tree from its leaves to the root shares little: each stack may need as many nodes as it has
 * frames. As many nodes as these make trees of real programs whole. */
#define NODES_FIRST (1u << 18)
#define NODES_PER_STACK 2

struct entry {
    struct {
        const struct frame_node *parent;
        const char *name;
    } key;
    struct frame_node node;
    struct entry *before; /* created before this one */
    UT_hash_handle hh;
};

struct frame_tree {
    struct text_pool *texts;
    struct frame_node root;
    struct entry *entries;
    struct entry *last;
    size_t most; /* nodes that frame_tree_child_within() makes */
    const char *deeper, *more;
};

struct frame_tree *frame_tree_create(struct text_pool *texts)
{
    struct frame_tree *tree = calloc(1, sizeof *tree);
    if (!tree)
        return NULL;
    tree->texts = texts;
    tree->root.name = "all";
    tree->most = NODES_FIRST;
    tree->deeper = frame_tree_intern(tree, "[deeper frames left out]");
    tree->more = frame_tree_intern(tree, "[more frames left out]");
    if (tree->deeper && tree->more)
        return tree;
    free(tree);
    return NULL;
}

void frame_tree_destroy(struct frame_tree *tree)
{
    struct entry *entry;
    if (!tree)
        return;
    HASH_CLEAR(hh, tree->entries);
    while ((entry = tree->last)) {
        tree->last = entry->before;
        free(entry);
    }
    free(tree);
}

struct frame_node *frame_tree_root(struct frame_tree *tree)
{
    return &tree->root;
}

size_t frame_tree_count(const struct frame_tree *tree)
{
    return HASH_COUNT(tree->entries);
}

const char *frame_tree_intern(struct frame_tree *tree, const char *name)
{
    return text_pool_add(tree->texts, name, strlen(name));
}

static struct entry *find(const struct frame_tree *tree, const struct frame_node *parent,
                          const char *name)
{
    const struct entry wanted = {.key = {.parent = parent, .name = name}};
    struct entry *entry;
    HASH_FIND(hh, tree->entries, &wanted.key, sizeof wanted.key, entry);
    return entry;
}

static struct frame_node *make(struct frame_tree *tree, struct frame_node *parent, const char *name,
                               const char *module)
{
    struct entry *entry = malloc(sizeof *entry);
    if (!entry || frame_tree_count(tree) >= UINT32_MAX) {
        free(entry);
        return NULL;
    }
    *entry = (struct entry){
        .key = {.parent = parent, .name = name},
        .node = {.name = name,
                 .module = module,
                 .parent = parent,
                 .number = (uint32_t)frame_tree_count(tree) + 1,
                 .depth = parent->depth + 1},
        .before = tree->last,
    };
    HASH_ADD(hh, tree->entries, key, sizeof entry->key, entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    tree->last = entry;
    return &entry->node;
}

static struct frame_node *child_of(struct frame_tree *tree, struct frame_node *parent,
                                   const char *name, const char *module, size_t most)
{
    if (parent->name == tree->more || parent->depth > FRAME_TREE_MOST_DEPTH)
        return parent;
    if (parent->depth == FRAME_TREE_MOST_DEPTH) {
        name = tree->deeper;
        module = NULL;
    }
    struct entry *entry = find(tree, parent, name);
    if (!entry && frame_tree_count(tree) >= most) {
        name = tree->more;
        module = NULL;
        entry = find(tree, parent, name);
    }
    return entry ? &entry->node : make(tree, parent, name, module);
}

struct frame_node *frame_tree_child(struct frame_tree *tree, struct frame_node *parent,
                                    const char *name, const char *module)
{
    return child_of(tree, parent, name, module, SIZE_MAX);
}

struct frame_node *frame_tree_child_within(struct frame_tree *tree, struct frame_node *parent,
                                           const char *name, const char *module)
{
    return child_of(tree, parent, name, module, tree->most);
}

void frame_tree_expect(struct frame_tree *tree, size_t stacks)
{
    tree->most += stacks * NODES_PER_STACK;
}

bool frame_tree_add(struct frame_tree *tree, const struct frame_name *names, size_t count,
                    enum frame_tree_side side, struct frame_weight weight)
{
    struct frame_node *node = &tree->root;
    for (size_t i = 0; i < count && node; i++) {
        const struct frame_node *parent = node;
        node = frame_tree_child_within(tree, node, names[i].name, names[i].module);
        if (node == parent)
            break; /* all the others are in it, too */
    }
    if (node)
        frame_node_add(node, side, weight);
    return node != NULL;
}

static uint64_t add_saturated(uint64_t one, uint64_t other)
{
    uint64_t sum;
    return __builtin_add_overflow(one, other, &sum) ? UINT64_MAX : sum;
}

static void add_weight(struct frame_weight *to, const struct frame_weight *from)
{
    to->main = add_saturated(to->main, from->main);
    to->beside = add_saturated(to->beside, from->beside);
}

void frame_node_add(struct frame_node *node, enum frame_tree_side side, struct frame_weight weight)
{
    add_weight(&node->self[side], &weight);
}

static void add_totals(struct frame_node *node)
{
    for (int side = 0; side < FRAME_TREE_SIDES; side++) {
        add_weight(&node->total[side], &node->self[side]);
        if (node->parent)
            add_weight(&node->parent->total[side], &node->total[side]);
    }
}

static bool is_empty(const struct frame_node *node)
{
    return !node->total[FRAME_TREE_NEW].main && !node->total[FRAME_TREE_OLD].main;
}

static int by_name(const struct frame_node *a, const struct frame_node *b)
{
    return a->name == b->name ? 0 : strcmp(a->name, b->name);
}

static int by_weight(const struct frame_node *a, const struct frame_node *b)
{
    for (int side = 0; side < FRAME_TREE_SIDES; side++) {
        if (a->total[side].main != b->total[side].main)
            return a->total[side].main < b->total[side].main ? 1 : -1;
    }
    return by_name(a, b);
}

static int compare_siblings(const void *one, const void *other, void *data)
{
    const struct frame_node *a = *(struct frame_node *const *)one;
    const struct frame_node *b = *(struct frame_node *const *)other;
    const enum frame_tree_order *order = data;
    if (a->parent != b->parent)
        return a->parent->number < b->parent->number ? -1 : 1;
    int result = *order == FRAME_TREE_BY_WEIGHT ? by_weight(a, b) : by_name(a, b);
    return result ? result : (a->number > b->number) - (a->number < b->number);
}

bool frame_tree_finish(struct frame_tree *tree, enum frame_tree_order order)
{
    struct frame_node **nodes = calloc(frame_tree_count(tree) + 1, sizeof *nodes);
    size_t count = 0;
    if (!nodes)
        return false;
    /* A parent is older than its children. */
    for (struct entry *entry = tree->last; entry; entry = entry->before) {
        add_totals(&entry->node);
        if (!is_empty(&entry->node))
            nodes[count++] = &entry->node;
    }
    add_totals(&tree->root);
    qsort_r(nodes, count, sizeof *nodes, compare_siblings, &order);
    while (count--) {
        struct frame_node *parent = nodes[count]->parent;
        nodes[count]->next_sibling = parent->first_child;
        parent->first_child = nodes[count];
    }
    free(nodes);
    return true;
}

const struct frame_node *frame_node_next(const struct frame_node *node, bool descend)
{
    if (descend && node->first_child)
        return node->first_child;
    while (node && !node->next_sibling)
        node = node->parent;
    return node ? node->next_sibling : NULL;
}
