/* SPDX-License-Identifier: MIT */
#include "output/analyze/load.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* So many ids are named in a message. */
#define MOST_NAMED 8

static struct error *read_records(struct log_reader *reader, const char *path,
                                  struct replay *replay, bool *truncated)
{
    struct log_record record;
    struct error *error = NULL;
    while (!error) {
        uint64_t offset = log_reader_offset(reader);
        switch (log_reader_next(reader, &record)) {
        case LOG_READ_RECORD:
            error = replay_record(replay, &record);
            if (error && error->code == ERROR_CORRUPT)
                error_prefix(error, "%s: corrupt at byte %" PRIu64, path, offset);
            break;
        case LOG_READ_END:
            *truncated = false;
            return NULL;
        case LOG_READ_TRUNCATED:
            *truncated = true;
            return NULL;
        case LOG_READ_ERROR:
        default:
            error = error_format(log_reader_error(reader)->code, "%s",
                                 log_reader_error(reader)->message);
            break;
        }
    }
    return error;
}

static struct error *no_such_id(const char *option, int64_t wanted, const char *known)
{
    return error_format(ERROR_USAGE, "--%s: the log has no %s %" PRId64 ", but %s", option, option,
                        wanted, *known ? known : "none at all");
}

/* Appends an id to the list, which says "..." instead of the last ones. */
static void list_id(char *list, size_t size, size_t index, int64_t id)
{
    size_t used = strlen(list);
    if (index < MOST_NAMED)
        snprintf(list + used, size - used, "%s%" PRId64, index ? ", " : "", id);
    else if (index == MOST_NAMED)
        snprintf(list + used, size - used, ", ...");
}

static struct error *check_ids(const struct replay *replay)
{
    const struct replay_options *options = &replay->options;
    const struct catalog *catalog = &replay->catalog;
    char pids[256] = "";
    char tids[256] = "";
    bool pid_found = options->pid < 0;
    bool tid_found = options->tid < 0;
    for (size_t i = 1; !pid_found && i < catalog->process_count; i++) {
        pid_found = catalog->processes[i].pid == options->pid;
        list_id(pids, sizeof pids, i - 1, catalog->processes[i].pid);
    }
    for (size_t i = 1; !tid_found && i < catalog->thread_count; i++) {
        tid_found = catalog->threads[i].tid == options->tid;
        list_id(tids, sizeof tids, i - 1, catalog->threads[i].tid);
    }
    if (!pid_found)
        return no_such_id("process", options->pid, pids);
    return tid_found ? NULL : no_such_id("thread", options->tid, tids);
}

struct error *load_log(struct log_reader *reader, const char *path, struct replay *replay,
                       bool *truncated)
{
    const struct replay_options *options = &replay->options;
    if ((isfinite(options->from) || isfinite(options->to)) && !log_reader_header(reader)->tick_ns)
        return error_format(ERROR_USAGE, "--from and --to need a log with times, and %s has none",
                            path);
    struct error *error = read_records(reader, path, replay, truncated);
    if (!error)
        error = check_ids(replay);
    return error ? error : replay_finish(replay);
}
