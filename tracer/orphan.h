/* SPDX-License-Identifier: MIT */
/*
 * orphan.h - forks of processes that ended in the middle of the fork.
 *
 * A process that is killed between making a child and reporting it leaves a child that is traced,
 * full of our breakpoints, and announced by nobody. Whose copy it is is told by those breakpoints:
 * so the address spaces of the last few processes that may have done so are kept.
 */
#ifndef ALLOCPTRACE_TRACER_ORPHAN_H
#define ALLOCPTRACE_TRACER_ORPHAN_H

#include "tracer/space.h"

#define ORPHAN_PARENTS 8

struct orphan_parents {
    struct space *spaces[ORPHAN_PARENTS]; /* NULL or owned */
    unsigned next;                        /* the one to be replaced next */
};

/* Keeps the space of a process that has ended; takes it over. */
void orphan_keep_parent(struct orphan_parents *parents, struct space *space);
void orphan_parents_deinit(struct orphan_parents *parents);

/* A space for a stopped process if it is a copy of parent's, or else NULL. */
struct space *orphan_space(const struct space *parent, uint32_t id, pid_t pid);
/* The same with any of the parents kept, the latest one first; those of process creator only, if
 * that is not 0. The parent's id in the log to *parent. */
struct space *orphan_space_of_any(const struct orphan_parents *parents, pid_t creator, uint32_t id,
                                  pid_t pid, uint32_t *parent);

#endif
