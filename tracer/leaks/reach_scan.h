/* SPDX-License-Identifier: MIT */
/*
 * reach_scan.h - reads many pieces of memory in few calls and hands on their words.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_REACH_SCAN_H
#define ALLOCPTRACE_TRACER_LEAKS_REACH_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "tracer/leaks/reach.h"

struct reach_scan;

/* count words that were at address and behind it; owner is what they were added with. */
typedef void reach_words(uint32_t owner, uint64_t address, const uint64_t *words, size_t count,
                         void *data);

struct error *reach_scan_create(const struct reach_input *input, reach_words *words, void *data,
                                struct reach_scan **out);
void reach_scan_destroy(struct reach_scan *scan);

/* The aligned words that lie in start to end; they come now, or by the next flush. What is added in
 * ascending order is read in larger pieces. */
void reach_scan_add(struct reach_scan *scan, uint64_t start, uint64_t end, uint32_t owner);
void reach_scan_flush(struct reach_scan *scan);

/* Bytes whose words were handed on since the last call of this, and that could not be read. */
void reach_scan_count(struct reach_scan *scan, uint64_t *bytes, uint64_t *unreadable);

#endif
