/* SPDX-License-Identifier: MIT */
/*
 * reach_pages.h - keeps the pages that were read last, for walks that go from block to block.
 *
 * A list gives one block at a time to be read, of which the next is often in the same page or in
 * the one behind or before it: where pages were asked for in a row, more are read ahead. The memory
 * must not change meanwhile.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_REACH_PAGES_H
#define ALLOCPTRACE_TRACER_LEAKS_REACH_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/leaks/reach.h"

#define REACH_PAGE_SIZE UINT64_C(4096)
/* Pages that can be loaded at once. */
#define REACH_PAGES_MAX 64

struct reach_pages;

struct reach_pages *reach_pages_create(void); /* NULL when out of memory */
void reach_pages_destroy(struct reach_pages *pages);

/* Has all bytes of these pieces at hand, with at most one call of input->read. False if that cannot
 * be: they are too many, or some cannot be read. */
bool reach_pages_load(struct reach_pages *pages, const struct reach_input *input,
                      const struct reach_piece *pieces, size_t count);
/* The word at an address that was loaded, a multiple of 8; those behind it in the same page follow.
 */
const uint64_t *reach_pages_at(const struct reach_pages *pages, uint64_t address);

#endif
