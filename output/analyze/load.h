/* SPDX-License-Identifier: MIT */
/*
 * load.h - runs a whole log through a replay.
 */
#ifndef ALLOCPTRACE_ANALYZE_LOAD_H
#define ALLOCPTRACE_ANALYZE_LOAD_H

#include <stdbool.h>

#include "output/analyze/replay.h"
#include "output/log/error.h"
#include "output/log/reader.h"

/*
 * Reads on to the log's end and finishes the replay. *truncated says that the log has no end
 * record; what there is has been taken in. An ERROR_CORRUPT error tells the byte offset; path is
 * for messages. An ERROR_USAGE error says that the log lacks what the replay's options ask for.
 */
struct error *load_log(struct log_reader *reader, const char *path, struct replay *replay,
                       bool *truncated);

#endif
