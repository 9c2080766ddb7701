/* SPDX-License-Identifier: MIT */
/*
 * internal_frames.h - which functions are part of an allocator or of a language's allocation
 * library, so that a site is the user's function and not operator new.
 */
#ifndef ALLOCPTRACE_ANALYZE_INTERNAL_FRAMES_H
#define ALLOCPTRACE_ANALYZE_INTERNAL_FRAMES_H

#include <stdbool.h>

#include "output/analyze/catalog.h"

bool internal_frame(const struct catalog_line *line);

/* The site of a stack: its first line from the innermost outwards that is not internal, or its
 * outermost line if all are. stack is not 0. */
struct catalog_line internal_site(const struct catalog *catalog, uint32_t stack);

#endif
