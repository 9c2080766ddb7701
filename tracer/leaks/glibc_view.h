/* SPDX-License-Identifier: MIT */
/*
 * glibc_view.h - a noted process as glibc_heap.h wants it.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_VIEW_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_VIEW_H

#include "tracer/leaks/glibc_heap.h"
#include "tracer/leaks/roots.h"

struct glibc_view {
    struct glibc_process process;
    struct areas data, mappings, variables;
    pid_t pid;
    int pagemap;
};

/* pid's memory is read, the process's own or a copy's. The view must stay where it is. */
struct error *glibc_view_init(struct glibc_view *view, const struct roots_notes *notes, pid_t pid);
void glibc_view_deinit(struct glibc_view *view);

#endif
