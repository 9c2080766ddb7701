/* SPDX-License-Identifier: MIT */
/*
 * rows.h - the rows of a replay: found by stack and group, with live sums that remember what they
 * were at the last peak. For the replay and who restores one (saved.c); everybody else reads
 * replay->rows.
 */
#ifndef ALLOCPTRACE_ANALYZE_ROWS_H
#define ALLOCPTRACE_ANALYZE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/live_map.h"
#include "output/analyze/replay.h"

/* Makes *(void **)array, of *count elements of size bytes, hold element index, zeroed; false when
 * out of memory. */
bool replay_grow(void *array, size_t *count, size_t index, size_t size);

/* The group that a thread's allocations fall into, as the replay's options split them. */
uint32_t rows_group(const struct replay *replay, uint32_t thread);
/* The row of a stack in a group, made when first needed; 0 when out of memory. */
uint32_t rows_find(struct replay *replay, uint32_t stack, uint32_t group);

/* The row of blocks that a process had before tracing began; 0 when out of memory. */
uint32_t rows_find_found(struct replay *replay, uint32_t process);

/* Before a row's live sums change or are read: if the last peak came after their last change, they
 * are noted now as those of the peak. */
struct replay_sums *rows_touch(struct replay *replay, uint32_t row);
/* A block of a row has come alive, or has ended. */
void rows_add_live(struct replay *replay, const struct live_block *block);
/* After blocks have come alive: whether that made a new peak. */
void rows_note_peak(struct replay *replay, uint64_t time);
void rows_remove_live(struct replay *replay, const struct live_block *block);

void rows_deinit(struct replay *replay);

#endif
