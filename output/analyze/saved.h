/* SPDX-License-Identifier: MIT */
/*
 * saved.h - reads what --save has written back into a profile, as if its log had been replayed.
 *
 * The catalog has the stacks with their names; there are no addresses of frames that have a name,
 * no build-ids and no history. The file is untrusted: its sums are checked not to overflow, and
 * memory is bounded by its size.
 */
#ifndef ALLOCPTRACE_ANALYZE_SAVED_H
#define ALLOCPTRACE_ANALYZE_SAVED_H

#include <stdbool.h>

#include "output/analyze/profile.h"
#include "output/log/error.h"

/* Whether a file is JSON and no log, by its beginning. Only regular files are looked at: everything
 * else, and what cannot be read, is taken for a log. */
bool saved_is_json(const char *path);

/*
 * profile_deinit() frees the profile. An ERROR_FORMAT error says that the file is no JSON or was
 * not written by --save, an ERROR_CORRUPT error what in it is wrong or missing. All name the file.
 * texts: see profile_load().
 */
struct error *saved_load(const char *path, struct text_pool *texts, struct profile *profile);

#endif
