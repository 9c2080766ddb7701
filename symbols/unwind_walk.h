/* SPDX-License-Identifier: MIT */
/*
 * unwind_walk.h - unwinds by libdwfl, one Dwfl for each address space.
 *
 * Private to symbols/. Follows CFI only: whoever visits the frames ends the walk where there is
 * none, before libdwfl would guess by the frame pointer.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_WALK_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "symbols/unwind_arch.h"
#include "symbols/unwind_module.h"

/* A module over [start, end) of an address space. */
struct unwind_mapping {
    uint64_t start, end;
    uint64_t bias;
    uint32_t id; /* of the module */
    struct unwind_module *module;
};

struct unwind_walk;

struct error *unwind_walk_create(struct unwind_walk **walk);
void unwind_walk_destroy(struct unwind_walk *walk);

/* Makes the walk see these mappings. Files are opened when a frame needs them. */
struct error *unwind_walk_report(struct unwind_walk *walk, const struct unwind_mapping *mappings,
                                 size_t count);

/*
 * Visits the callers of frame, from the nearest on, until visit returns false. False if it was
 * libdwfl that found no caller of the last one, for whatever reason.
 */
bool unwind_walk_run(struct unwind_walk *walk, const struct unwind_frame *frame,
                     const struct unwind_memory *memory,
                     bool (*visit)(const struct unwind_frame *caller, void *data), void *data);

#endif
