/* SPDX-License-Identifier: MIT */
/*
 * merge.h - makes several logs one: turns the ids and times of each further log's records into
 * those of the replay that the first log began.
 *
 * Modules of the same path and build-id, frames of the same address there and stacks of the same
 * frames are one thing, and get one id, whichever logs they come from. Processes and threads stay
 * distinct. Each log begins at the time when the one before ended.
 */
#ifndef ALLOCPTRACE_ANALYZE_MERGE_H
#define ALLOCPTRACE_ANALYZE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/replay.h"
#include "output/log/error.h"
#include "output/log/record.h"

/* By the log's id: the replay's. */
struct merge_ids {
    uint32_t *ids;
    size_t count; /* element 0 counts */
};

/* One of zeros is empty. */
struct merge {
    uint64_t start; /* of this log, in the replay's ticks */
    uint64_t tick_ns, replay_tick_ns;
    struct merge_ids modules, frames, stacks, threads, processes;
    uint32_t checks, roots; /* of the logs before: these ids only go on */
    struct key_id *known_modules, *known_frames, *known_stacks, *known_notes;
    bool indexed; /* the known ones hold what the catalog holds */
};

/* Begins a log that follows others, the last of which ended at the time start, in ticks. */
struct error *merge_begin(struct merge *merge, struct replay *replay,
                          const struct log_header *header, uint64_t start);
void merge_deinit(struct merge *merge);

/*
 * Translates a record. *known says that it defines what the replay has already and is not for it.
 * An ERROR_CORRUPT error says what in it contradicts the log so far.
 */
struct error *merge_record(struct merge *merge, struct replay *replay, struct log_record *record,
                           bool *known);

#endif
