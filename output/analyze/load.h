/* SPDX-License-Identifier: MIT */
/*
 * load.h - runs whole logs through a replay.
 */
#ifndef ALLOCPTRACE_ANALYZE_LOAD_H
#define ALLOCPTRACE_ANALYZE_LOAD_H

#include <stdbool.h>

#include "output/analyze/merge.h"
#include "output/analyze/replay.h"
#include "output/log/error.h"
#include "output/log/reader.h"

/*
 * Reads on to the log's end. *truncated says that the log has no end record; what there is has been
 * taken in. An ERROR_CORRUPT error tells the byte offset; path is for messages. An ERROR_USAGE
 * error says that the log lacks what the replay's options ask for. merge, NULL for a replay's first
 * log, has begun with this one (merge.h). *end becomes the time when the log ended, in the replay's
 * ticks.
 */
struct error *load_records(struct log_reader *reader, const char *path, struct merge *merge,
                           struct replay *replay, bool *truncated, uint64_t *end);

/* After the last log: checks that the ids asked for exist, and finishes the replay. */
struct error *load_finish(struct replay *replay);

/* Both, for a replay of one log. */
struct error *load_log(struct log_reader *reader, const char *path, struct replay *replay,
                       bool *truncated);

#endif
