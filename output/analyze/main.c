/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/analyze/report.h"
#include "output/log/reader.h"

/* The contract's exit statuses. */
enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_LOG = 3 };

static int fail(struct error *error, int status)
{
    fprintf(stderr, "allocptrace-analyze: %s\n", error->message);
    error_free(error);
    return status;
}

static enum replay_split split_of(const struct options *options)
{
    if (options->action == ACTION_FLAMEGRAPH || options->group == GROUP_PROCESS)
        return REPLAY_BY_PROCESS;
    return options->group == GROUP_THREAD ? REPLAY_BY_THREAD : REPLAY_BY_STACK;
}

/* Runs the whole log through the replay. */
static struct error *read_log(struct log_reader *reader, const char *path, struct replay *replay,
                              bool *truncated)
{
    for (;;) {
        struct log_record record;
        uint64_t offset = log_reader_offset(reader);
        struct error *error;
        switch (log_reader_next(reader, &record)) {
        case LOG_READ_RECORD:
            error = replay_record(replay, &record);
            if (error && error->code == ERROR_CORRUPT)
                return error_prefix(error, "%s: corrupt at byte %llu", path,
                                    (unsigned long long)offset);
            if (error)
                return error;
            break;
        case LOG_READ_END:
            *truncated = false;
            return NULL;
        case LOG_READ_TRUNCATED:
            *truncated = true;
            return NULL;
        case LOG_READ_ERROR:
        default:
            return error_format(ERROR_CORRUPT, "%s", log_reader_error(reader)->message);
        }
    }
}

static struct error *check_ids(const struct options *options, const struct catalog *catalog)
{
    bool pid_found = options->pid < 0;
    bool tid_found = options->tid < 0;
    for (size_t i = 1; i < catalog->process_count; i++)
        pid_found = pid_found || catalog->processes[i].pid == options->pid;
    for (size_t i = 1; i < catalog->thread_count; i++)
        tid_found = tid_found || catalog->threads[i].tid == options->tid;
    if (!pid_found)
        return error_format(ERROR_USAGE, "--process: the log has no process %lld",
                            (long long)options->pid);
    if (!tid_found)
        return error_format(ERROR_USAGE, "--thread: the log has no thread %lld",
                            (long long)options->tid);
    return NULL;
}

/* A new file of the owner's own; a symbolic link planted in its place is refused. */
static FILE *create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

static struct error *print(const struct report *report)
{
    const struct options *options = report->options;
    const char *path = options->action == ACTION_FLAMEGRAPH ? options->flamegraph_file : NULL;
    FILE *out = path ? create(path) : stdout;
    struct error *error = NULL;
    if (!out)
        return error_errno(errno, "cannot write %s", path);
    switch (options->action) {
    case ACTION_FLAMEGRAPH:
        error = report_folded(report, out);
        break;
    case ACTION_LEAKS:
        error = report_leaks(report, out);
        break;
    case ACTION_JSON:
        error = report_json(report, out);
        break;
    default:
        error = report_summary(report, out);
        break;
    }
    bool failed = fflush(out) != 0 || ferror(out);
    int errno_value = errno;
    if (path)
        failed = fclose(out) != 0 || failed;
    /* A reader that has seen enough (head) is no failure. */
    if (!error && failed && errno_value != EPIPE)
        error = error_errno(errno_value, "cannot write %s", path ? path : "standard output");
    return error;
}

static int analyze(const struct options *options, struct log_reader *reader)
{
    const struct log_header *header = log_reader_header(reader);
    struct replay_options replay_options = {
        .split = split_of(options),
        .pid = options->pid,
        .tid = options->tid,
        .from = options->from,
        .to = options->to,
    };
    struct replay replay;
    struct error *error = replay_init(&replay, &replay_options, header);
    if (error)
        return fail(error, EXIT_LOG);
    struct report report = {.options = options, .replay = &replay, .header = header};
    int status = EXIT_FINE;
    if ((isfinite(options->from) || isfinite(options->to)) && !header->tick_ns)
        error = error_format(ERROR_USAGE, "--from and --to need a log with times");
    if (error)
        status = EXIT_USAGE;
    if (!error && (error = read_log(reader, options->log, &replay, &report.truncated)))
        status = EXIT_LOG;
    if (!error && (error = check_ids(options, &replay.catalog)))
        status = EXIT_USAGE;
    if (!error) {
        if (report.truncated)
            fprintf(stderr,
                    "allocptrace-analyze: %s: truncated: the log has no end, and what was recorded "
                    "after byte %llu is missing\n",
                    options->log, (unsigned long long)log_reader_offset(reader));
        replay_finish(&replay);
        if ((error = print(&report)))
            status = EXIT_LOG;
    }
    replay_deinit(&replay);
    return error ? fail(error, status) : status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct log_reader *reader;
    struct error *error = options_parse(argc, argv, &options);
    int status = EXIT_FINE;
    signal(SIGPIPE, SIG_IGN);
    if (error) {
        status = fail(error, EXIT_USAGE);
    } else if (options.action == ACTION_HELP) {
        options_print_help();
    } else if (options.action == ACTION_VERSION) {
        puts("allocptrace-analyze " ALLOCPTRACE_VERSION);
    } else if ((error = log_reader_open(options.log, &reader))) {
        status = fail(error, EXIT_LOG);
    } else {
        status = analyze(&options, reader);
        log_reader_close(reader);
    }
    options_deinit(&options);
    return status;
}
