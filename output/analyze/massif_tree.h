/* SPDX-License-Identifier: MIT */
/*
 * massif_tree.h - a heap tree of a massif file: live bytes by the functions that asked for them and
 * by their callers, outwards. As massif does, it leaves out what has less than 1 % of the snapshot
 * and callers beyond a depth.
 */
#ifndef ALLOCPTRACE_ANALYZE_MASSIF_TREE_H
#define ALLOCPTRACE_ANALYZE_MASSIF_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/export_stacks.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

struct massif_tree {
    const struct report *report;
    struct export_stacks stacks;
    uint32_t *frames; /* same_frames() */
};

struct massif_weight {
    uint32_t stack;
    uint64_t bytes;
};

struct error *massif_tree_init(struct massif_tree *tree, const struct report *report);
void massif_tree_deinit(struct massif_tree *tree);

/* heap is what the snapshot has in all, slack included, of which the threshold is a part. */
struct error *massif_tree_print(const struct massif_tree *tree, const struct massif_weight *weights,
                                size_t count, uint64_t heap, FILE *out);

#endif
