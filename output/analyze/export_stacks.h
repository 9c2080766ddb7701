/* SPDX-License-Identifier: MIT */
/*
 * export_stacks.h - where the stacks of an export begin: at the site, the function that asked for
 * memory, so that a viewer's "self" column is that of our tables. With -v they begin at the
 * allocation function.
 */
#ifndef ALLOCPTRACE_ANALYZE_EXPORT_STACKS_H
#define ALLOCPTRACE_ANALYZE_EXPORT_STACKS_H

#include "output/analyze/internal_frames.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

/* Frames of a stack that are exported, innermost first: a log of a deep recursion would make a file
 * by the square of its depth. */
#define EXPORT_MOST_DEPTH 1024

/* Stands for the callers beyond. */
#define EXPORT_MORE_CALLERS "[more callers left out]"

struct export_stacks {
    const struct catalog *catalog;
    uint32_t *first;             /* by stack id: the stack to begin with, 0 for the empty one */
    struct internal_site *sites; /* by stack id; NULL with -v */
};

struct error *export_stacks_init(struct export_stacks *stacks, const struct report *report);
void export_stacks_deinit(struct export_stacks *stacks);

/* The line of the first frame to begin with; those before it, inlined in it, are the allocator's.
 * It depends on the frame only. */
uint32_t export_stacks_line(const struct export_stacks *stacks, uint32_t stack);

#endif
