/* SPDX-License-Identifier: MIT */
/*
 * page_nodes.h - the stacks of one or two logs as one tree of lines, outermost first, for the page
 * of --html: stacks that differ in addresses only are one node.
 *
 * What is not to be larger than the log by the depth of its stacks is bounded: frames deeper than
 * PAGE_MOST_DEPTH, and those for which there are no more nodes, are left out, the innermost ones
 * first.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_NODES_H
#define ALLOCPTRACE_ANALYZE_PAGE_NODES_H

#include <stddef.h>
#include <stdint.h>

#include "output/analyze/catalog.h"
#include "output/analyze/internal_frames.h"

#define PAGE_MOST_DEPTH 1024

/* A frame as a person sees it; one of zeros stands for what is not known. */
struct page_line {
    const char *function, *module, *file; /* interned or unique by their catalog; NULL: unknown */
    uint64_t line;
};

struct page_node {
    uint32_t parent; /* below its own number; 0 is the root, which has no line */
    uint32_t line;   /* place in lines */
};

struct page_nodes;

/* NULL when out of memory. */
struct page_nodes *page_nodes_create(void);
void page_nodes_destroy(struct page_nodes *nodes); /* NULL is allowed */

/*
 * Adds the stacks of a catalog, whose texts must outlive the nodes: by_stack[id] is the node of a
 * stack, by its id. malloc'd; NULL when out of memory.
 */
uint32_t *page_nodes_add(struct page_nodes *nodes, const struct catalog *catalog);

/* The line's place, made when first asked for; UINT32_MAX when out of memory. */
uint32_t page_nodes_line(struct page_nodes *nodes, const struct catalog_line *line);
/* By stack id: the line of its site. malloc'd; NULL when out of memory. */
uint32_t *page_nodes_sites(struct page_nodes *nodes, const struct catalog *catalog,
                           const struct internal_site *sites);

size_t page_nodes_count(const struct page_nodes *nodes); /* with the root */
struct page_node page_nodes_get(const struct page_nodes *nodes, uint32_t node);
size_t page_nodes_line_count(const struct page_nodes *nodes);
const struct page_line *page_nodes_lines(const struct page_nodes *nodes);

#endif
