/* SPDX-License-Identifier: MIT */
#include "output/analyze/load.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/analyze/progress.h"
#include "output/log/text.h"

/* So many records are read between two looks at the clock. */
#define RECORDS_A_LOOK 16384

/* So many ids are named in a message. */
#define MOST_NAMED 8

static struct error *take_record(struct log_record *record, struct merge *merge,
                                 struct replay *replay)
{
    bool known = false;
    struct error *error = merge ? merge_record(merge, replay, record, &known) : NULL;
    return error || known ? error : replay_record(replay, record);
}

struct error *load_records(struct log_reader *reader, const char *path, struct merge *merge,
                           struct replay *replay, bool *truncated, uint64_t *end)
{
    const struct replay_options *options = &replay->options;
    struct log_record record;
    struct error *error = NULL;
    if ((isfinite(options->from) || isfinite(options->to) || options->older_than > 0) &&
        !log_reader_header(reader)->tick_ns)
        return error_format(ERROR_USAGE,
                            "--from, --to and --older-than need a log with times, and %s has none",
                            path);
    struct progress progress;
    uint64_t records = 0;
    *end = 0;
    progress_begin(&progress, replay->totals.events);
    enum log_read read = LOG_READ_RECORD;
    while (!error && read == LOG_READ_RECORD) {
        uint64_t offset = log_reader_offset(reader);
        read = log_reader_next(reader, &record);
        if (read == LOG_READ_ERROR)
            error = error_format(log_reader_error(reader)->code, "%s",
                                 log_reader_error(reader)->message);
        if (read != LOG_READ_RECORD)
            continue;
        error = take_record(&record, merge, replay);
        if (!error && record.kind == LOG_END)
            *end = record.end.time;
        if (error && error->code == ERROR_CORRUPT)
            error_prefix(error, "%s: corrupt at byte %" PRIu64, path, offset);
        if (++records % RECORDS_A_LOOK == 0)
            progress_update(&progress, reader, path, replay->totals.events);
    }
    progress_end(&progress);
    *truncated = read == LOG_READ_TRUNCATED;
    if (replay->totals.last_time > *end)
        *end = replay->totals.last_time;
    return error;
}

/* What is there instead of an id that is not. */
struct known {
    char text[1024];
    size_t count;
    int64_t last;
};

/* Adds an id, with its name if there is one; those beyond MOST_NAMED are "...". An id comes again
 * and again in a row where a process executes programs. */
static void add_known(struct known *known, int64_t id, const char *name)
{
    if (known->count && id == known->last)
        return;
    known->last = id;
    size_t used = strlen(known->text);
    char *end = known->text + used;
    size_t left = sizeof known->text - used;
    const char *comma = known->count ? ", " : "";
    char clean[64] = "";
    if (name)
        text_sanitize(clean, sizeof clean, name);
    if (known->count < MOST_NAMED)
        snprintf(end, left, "%s%" PRId64 "%s%s%s", comma, id, *clean ? " (" : "", clean,
                 *clean ? ")" : "");
    else if (known->count == MOST_NAMED)
        snprintf(end, left, ", ...");
    known->count++;
}

static struct error *no_such_id(const char *option, int64_t wanted, const struct known *known)
{
    return error_format(ERROR_USAGE, "--%s: the log has no %s %" PRId64 ", but %s", option, option,
                        wanted, known->count ? known->text : "none at all");
}

static struct error *check_ids(const struct replay *replay)
{
    const struct replay_options *options = &replay->options;
    const struct catalog *catalog = &replay->catalog;
    struct known pids = {.count = 0};
    struct known tids = {.count = 0};
    bool pid_found = options->pid < 0;
    bool tid_found = options->tid < 0;
    for (size_t i = 1; !pid_found && i < catalog->process_count; i++) {
        pid_found = catalog->processes[i].pid == options->pid;
        add_known(&pids, catalog->processes[i].pid, catalog->processes[i].name);
    }
    for (size_t i = 1; !tid_found && i < catalog->thread_count; i++) {
        tid_found = catalog->threads[i].tid == options->tid;
        add_known(&tids, catalog->threads[i].tid, catalog->threads[i].name);
    }
    if (!pid_found)
        return no_such_id("process", options->pid, &pids);
    return tid_found ? NULL : no_such_id("thread", options->tid, &tids);
}

struct error *load_finish(struct replay *replay)
{
    struct error *error = check_ids(replay);
    return error ? error : replay_finish(replay);
}

struct error *load_log(struct log_reader *reader, const char *path, struct replay *replay,
                       bool *truncated)
{
    uint64_t end;
    struct error *error = load_records(reader, path, NULL, replay, truncated, &end);
    return error ? error : load_finish(replay);
}
