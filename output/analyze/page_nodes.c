/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_nodes.h"

#include <stdlib.h>

#include "output/analyze/key_ids.h"
#include "output/analyze/rows.h"

/* Nodes beyond the stacks' own: honest frames have few inlined lines. */
#define NODES_PER_STACK 16

struct page_nodes {
    struct page_node *nodes;
    uint16_t *depths;
    size_t count, capacity, depth_capacity;
    size_t most;
    struct key_id *node_ids; /* by parent and line: the node's number + 1 */
    struct page_line *lines; /* the first one stands for nothing */
    size_t line_count, line_capacity;
    struct key_id *line_ids; /* the line's place + 1 */
};

struct page_nodes *page_nodes_create(void)
{
    struct page_nodes *nodes = calloc(1, sizeof *nodes);
    if (!nodes)
        return NULL;
    nodes->count = nodes->line_count = nodes->most = 1;
    if (replay_grow(&nodes->nodes, &nodes->capacity, 0, sizeof *nodes->nodes) &&
        replay_grow(&nodes->depths, &nodes->depth_capacity, 0, sizeof *nodes->depths) &&
        replay_grow(&nodes->lines, &nodes->line_capacity, 0, sizeof *nodes->lines))
        return nodes;
    page_nodes_destroy(nodes);
    return NULL;
}

void page_nodes_destroy(struct page_nodes *nodes)
{
    if (!nodes)
        return;
    key_ids_deinit(&nodes->node_ids);
    key_ids_deinit(&nodes->line_ids);
    free(nodes->nodes);
    free(nodes->depths);
    free(nodes->lines);
    free(nodes);
}

uint32_t page_nodes_line(struct page_nodes *nodes, const struct catalog_line *line)
{
    const struct page_line key = {
        .function = line->function, .module = line->module, .file = line->file, .line = line->line};
    uint32_t next = (uint32_t)nodes->line_count;
    uint32_t id = key_ids_add(&nodes->line_ids, &key, sizeof key, next + 1);
    if (!id)
        return UINT32_MAX;
    if (id != next + 1)
        return id - 1;
    if (!replay_grow(&nodes->lines, &nodes->line_capacity, next, sizeof *nodes->lines))
        return UINT32_MAX;
    nodes->lines[nodes->line_count++] = key;
    return next;
}

/* The node below parent, or parent where there is no room; UINT32_MAX when out of memory. */
static uint32_t child(struct page_nodes *nodes, uint32_t parent, uint32_t line)
{
    const uint32_t key[] = {parent, line};
    uint32_t known = key_ids_find(nodes->node_ids, key, sizeof key);
    if (known)
        return known - 1;
    if (nodes->depths[parent] == PAGE_MOST_DEPTH || nodes->count >= nodes->most)
        return parent;
    uint32_t next = (uint32_t)nodes->count;
    if (!replay_grow(&nodes->nodes, &nodes->capacity, next, sizeof *nodes->nodes) ||
        !replay_grow(&nodes->depths, &nodes->depth_capacity, next, sizeof *nodes->depths) ||
        !key_ids_add(&nodes->node_ids, key, sizeof key, next + 1))
        return UINT32_MAX;
    nodes->nodes[next] = (struct page_node){.parent = parent, .line = line};
    nodes->depths[next] = (uint16_t)(nodes->depths[parent] + 1);
    nodes->count++;
    return next;
}

/* The lines of a frame below its callers', outermost first. */
static uint32_t add_frame(struct page_nodes *nodes, const struct catalog *catalog, uint32_t frame,
                          uint32_t node)
{
    for (size_t i = catalog_line_count(catalog, frame); i-- && node != UINT32_MAX;) {
        const struct catalog_line line = catalog_line(catalog, frame, i);
        uint32_t place = page_nodes_line(nodes, &line);
        uint32_t below = place == UINT32_MAX ? place : child(nodes, node, place);
        if (below == node)
            break;
        node = below;
    }
    return node;
}

uint32_t *page_nodes_add(struct page_nodes *nodes, const struct catalog *catalog)
{
    uint32_t *by_stack = calloc(catalog->stack_count + 1, sizeof *by_stack);
    if (!by_stack)
        return NULL;
    nodes->most += catalog->stack_count * NODES_PER_STACK;
    if (nodes->most > UINT32_MAX - 1)
        nodes->most = UINT32_MAX - 1;
    /* A stack's callers have a lower id. */
    for (size_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        by_stack[i] = add_frame(nodes, catalog, stack->frame, by_stack[stack->parent]);
        if (by_stack[i] == UINT32_MAX) {
            free(by_stack);
            return NULL;
        }
    }
    return by_stack;
}

uint32_t *page_nodes_sites(struct page_nodes *nodes, const struct catalog *catalog,
                           const struct internal_site *sites)
{
    uint32_t *by_stack = calloc(catalog->stack_count + 1, sizeof *by_stack);
    for (size_t i = 0; by_stack && i < catalog->stack_count; i++) {
        const struct catalog_line line = internal_site_line(catalog, sites[i]);
        by_stack[i] = page_nodes_line(nodes, &line);
        if (by_stack[i] == UINT32_MAX) {
            free(by_stack);
            by_stack = NULL;
        }
    }
    return by_stack;
}

size_t page_nodes_count(const struct page_nodes *nodes)
{
    return nodes->count;
}

struct page_node page_nodes_get(const struct page_nodes *nodes, uint32_t node)
{
    return nodes->nodes[node];
}

size_t page_nodes_line_count(const struct page_nodes *nodes)
{
    return nodes->line_count;
}

const struct page_line *page_nodes_lines(const struct page_nodes *nodes)
{
    return nodes->lines;
}
