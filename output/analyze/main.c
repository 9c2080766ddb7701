/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "output/analyze/load.h"
#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/analyze/report.h"
#include "output/log/file.h"
#include "output/log/reader.h"

/* The contract's exit statuses. */
enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_LOG = 3 };

/* Prints the error, if any; the exit status that it stands for. */
static int conclude(struct error *error)
{
    if (!error)
        return EXIT_FINE;
    int status = error->code == ERROR_USAGE ? EXIT_USAGE : EXIT_LOG;
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

static struct error *print_report(const struct report *report, FILE *out)
{
    switch (report->options->action) {
    case ACTION_FLAMEGRAPH:
        return report_folded(report, out);
    case ACTION_LEAKS:
        return report_leaks(report, out);
    case ACTION_JSON:
        return report_json(report, out);
    default:
        return report_summary(report, out);
    }
}

static struct error *print(const struct report *report)
{
    const char *path = report->options->flamegraph_file;
    int fd = -1;
    struct error *error = path ? file_create(path, "the report", &fd) : NULL;
    if (error)
        return error;
    FILE *out = path ? fdopen(fd, "w") : stdout;
    if (!out) {
        close(fd);
        return error_no_memory();
    }
    error = print_report(report, out);
    bool failed = ferror(out) || fflush(out) != 0;
    int why = errno;
    /* Some file systems tell of a full disk only here (close(2)). */
    if (fclose(out) != 0 && !failed) {
        failed = true;
        why = errno;
    }
    /* A reader that has seen enough (head) is no failure. */
    if (!failed || error || why == EPIPE)
        return error;
    return error_errno(why, "cannot write %s", path ? path : "standard output");
}

static void warn_truncated(const char *path, uint64_t offset)
{
    conclude(error_format(ERROR_FORMAT,
                          "%s: truncated: the log has no end record, and what came after byte "
                          "%" PRIu64 " is missing",
                          path, offset));
}

static struct error *analyze(const struct options *options, struct log_reader *reader)
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
        return error;
    struct report report = {.options = options, .replay = &replay, .header = header};
    error = load_log(reader, options->log, &replay, &report.truncated);
    if (!error && report.truncated)
        warn_truncated(options->log, log_reader_offset(reader));
    if (!error)
        error = print(&report);
    replay_deinit(&replay);
    return error;
}

int main(int argc, char **argv)
{
    struct options options;
    struct log_reader *reader;
    struct error *error = options_parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    if (!error && options.action == ACTION_HELP) {
        options_print_help();
    } else if (!error && options.action == ACTION_VERSION) {
        puts("allocptrace-analyze " ALLOCPTRACE_VERSION);
    } else if (!error && !(error = log_reader_open(options.log, &reader))) {
        error = analyze(&options, reader);
        log_reader_close(reader);
    }
    options_deinit(&options);
    return conclude(error);
}
