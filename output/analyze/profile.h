/* SPDX-License-Identifier: MIT */
/*
 * profile.h - what the reports are about: one log, or several one after the other, replayed.
 */
#ifndef ALLOCPTRACE_ANALYZE_PROFILE_H
#define ALLOCPTRACE_ANALYZE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/replay.h"
#include "output/log/error.h"
#include "output/log/reader.h"

struct profile {
    struct replay replay;
    struct log_header header; /* the first log's; attached and mappings are true if any log's are */
    size_t log_count;
    bool truncated; /* any log is */
    /* private: */
    struct log_reader *first; /* the header's texts are its; NULL if it has none */
};

/* Told of a log that has no end record: the offset of the first byte that was not used. */
typedef void (*profile_truncated)(const char *path, uint64_t offset);

/*
 * Reads all logs; "-" is standard input. The errors are load.h's, and an ERROR_USAGE error if some
 * logs have times and others have none. After an error there is nothing to be freed.
 */
struct error *profile_load(const char *const *paths, size_t count,
                           const struct replay_options *options, profile_truncated tell,
                           struct profile *profile);
void profile_deinit(struct profile *profile);

#endif
