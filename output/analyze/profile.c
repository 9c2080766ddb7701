/* SPDX-License-Identifier: MIT */
#include "output/analyze/profile.h"

#include "output/analyze/load.h"
#include "output/analyze/merge.h"

/* A log's records, in the replay's terms if it is not the first one. *end: see load.h. */
static struct error *take_log(struct profile *profile, struct log_reader *reader, const char *path,
                              struct merge *merge, profile_truncated tell, uint64_t *end)
{
    const struct log_header *header = log_reader_header(reader);
    bool first = reader == profile->first;
    bool truncated = false;
    struct error *error = first ? NULL : merge_begin(merge, &profile->replay, header, *end);
    if (!error && !header->tick_ns != !profile->header.tick_ns)
        error = error_format(
            ERROR_USAGE, "%s has %s and the log before it has %s: they cannot be read as one", path,
            header->tick_ns ? "times" : "no times", header->tick_ns ? "none" : "some");
    if (!error)
        error = load_records(reader, path, first ? NULL : merge, &profile->replay, &truncated, end);
    if (!error && profile->replay.more_logs)
        error = replay_end_log(&profile->replay);
    if (!error && truncated)
        tell(path, log_reader_offset(reader));
    profile->truncated = profile->truncated || truncated;
    profile->header.attached = profile->header.attached || header->attached;
    profile->header.mappings = profile->header.mappings || header->mappings;
    profile->log_count++;
    return error;
}

struct error *profile_load(const char *const *paths, size_t count,
                           const struct replay_options *options, profile_truncated tell,
                           struct profile *profile)
{
    struct merge merge = {0};
    uint64_t end = 0;
    *profile = (struct profile){0};
    struct error *error = log_reader_open(paths[0], &profile->first);
    if (error)
        return error;
    profile->header = *log_reader_header(profile->first);
    error = replay_init(&profile->replay, options, &profile->header);
    if (error) {
        log_reader_close(profile->first);
        return error;
    }
    profile->replay.more_logs = count > 1;
    error = take_log(profile, profile->first, paths[0], &merge, tell, &end);
    for (size_t i = 1; !error && i < count; i++) {
        struct log_reader *reader;
        error = log_reader_open(paths[i], &reader);
        if (error)
            break;
        profile->replay.more_logs = i + 1 < count;
        error = take_log(profile, reader, paths[i], &merge, tell, &end);
        log_reader_close(reader);
    }
    merge_deinit(&merge);
    if (!error)
        error = load_finish(&profile->replay);
    if (error)
        profile_deinit(profile);
    return error;
}

void profile_deinit(struct profile *profile)
{
    replay_deinit(&profile->replay);
    if (profile->first)
        log_reader_close(profile->first);
}
