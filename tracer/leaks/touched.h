/* SPDX-License-Identifier: MIT */
/*
 * touched.h - which pages of a process hold something that it wrote, from /proc/PID/pagemap.
 *
 * A page that was never touched is zero, and to read it would cost the process page tables, us time
 * (a mapping may have terabytes of them), and perhaps an answer of its userfaultfd handler.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_TOUCHED_H
#define ALLOCPTRACE_TRACER_LEAKS_TOUCHED_H

#include <stdint.h>
#include <sys/types.h>

/* -1 if it cannot be had; then all pages count as touched. */
int touched_open(pid_t pid);

enum touched_pages {
    TOUCHED_PRIVATE, /* in memory or swapped out, and no longer the file's own */
    TOUCHED_SHARED,  /* in this process's page tables; such a page may be missing though it holds
                        something: another process wrote it, or it was swapped out */
};

/* Calls visit for each run of such pages from start to end, ascending; runs are cut to that. */
void touched_runs(int pagemap, uint64_t start, uint64_t end, enum touched_pages which,
                  void (*visit)(uint64_t start, uint64_t end, void *data), void *data);

#endif
