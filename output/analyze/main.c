/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/analyze/leak_options.h"
#include "output/analyze/options.h"
#include "output/analyze/profile.h"
#include "output/analyze/report_kinds.h"
#include "output/analyze/saved.h"
#include "output/log/file.h"

/* The contract's exit statuses. */
enum { EXIT_FINE = 0, EXIT_GATE = 1, EXIT_USAGE = 2, EXIT_LOG = 3 };

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

/* The finest split that any of the reports needs. */
static enum replay_split split_of(const struct options *options)
{
    enum replay_split split = REPLAY_BY_STACK;
    if (options->group == GROUP_PROCESS)
        split = REPLAY_BY_PROCESS;
    else if (options->group == GROUP_THREAD)
        split = REPLAY_BY_THREAD;
    for (size_t i = 0; i < options->output_count; i++) {
        if (options->outputs[i].kind->split > split)
            split = options->outputs[i].kind->split;
    }
    return split;
}

/* All that any of the reports needs. */
static unsigned needs_of(const struct options *options)
{
    unsigned needs = 0;
    for (size_t i = 0; i < options->output_count; i++)
        needs |= options->outputs[i].kind->needs;
    return needs;
}

static void destroy_observers(struct replay_observer **observers, size_t count)
{
    for (size_t i = 0; observers && i < count; i++) {
        if (observers[i])
            observers[i]->destroy(observers[i]);
    }
    free(observers);
}

/* Makes the observers of all reports that have one, by the reports' numbers, as one list. */
static struct error *make_observers(const struct options *options,
                                    struct replay_observer ***observers,
                                    struct replay_observer **list)
{
    struct error *error = NULL;
    *list = NULL;
    *observers = calloc(options->output_count, sizeof **observers);
    if (!*observers)
        return error_no_memory();
    for (size_t i = 0; !error && i < options->output_count; i++) {
        const struct report_kind *kind = options->outputs[i].kind;
        if (!kind->observe)
            continue;
        error = kind->observe(&(*observers)[i]);
        if (error)
            continue;
        (*observers)[i]->next = *list;
        *list = (*observers)[i];
    }
    return error;
}

/* Whether both are one regular file; a link is not the file that it leads to, which file_create()
 * leaves alone. */
static bool is_same_file(const char *one, const char *other)
{
    struct stat first, second;
    return lstat(one, &first) == 0 && lstat(other, &second) == 0 && S_ISREG(first.st_mode) &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static struct error *check_replaces(const struct output *output, const char *log)
{
    if (!is_same_file(output->file, log))
        return NULL;
    return error_format(ERROR_USAGE, "%s would replace the log %s: give it another file",
                        output->kind->option, log);
}

/* A report must not take the place of a log. A saved baseline may be replaced by what was compared
 * with it. */
static struct error *check_files(const struct options *options)
{
    struct error *error = NULL;
    for (size_t i = 0; !error && i < options->output_count; i++) {
        const struct output *output = &options->outputs[i];
        if (!output->file)
            continue;
        for (size_t j = 0; !error && j < options->log_count; j++)
            error = check_replaces(output, options->logs[j]);
        if (!error && options->baseline && !saved_is_json(options->baseline))
            error = check_replaces(output, options->baseline);
    }
    return error;
}

static struct error *print(const struct report *report, const struct output *output)
{
    const char *path = output->file;
    int fd = -1;
    struct error *error = path ? file_create(path, "the report", &fd) : NULL;
    if (error)
        return error;
    FILE *out = path ? fdopen(fd, "w") : stdout;
    if (!out) {
        close(fd);
        return error_no_memory();
    }
    error = output->kind->write(report, out);
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
                          "warning: %s: truncated: the log has no end record, and what came after "
                          "byte %" PRIu64 " is missing",
                          path, offset));
}

/* Tells which gates' expressions are true; whether one of --fail-if is. */
static bool judge(const struct report *report)
{
    const struct options *options = report->options;
    const struct profile *baseline = report->comparison ? &report->comparison->before : NULL;
    bool failed = false;
    for (size_t i = 0; i < options->gate_count; i++) {
        const struct gate *gate = &options->gates[i];
        uint64_t now = gate->quantity->read(&report->replay->totals, report->header->attached);
        uint64_t before =
            baseline ? gate->quantity->read(&baseline->replay.totals, baseline->header.attached)
                     : 0;
        if (!gate_trips(gate, before, now))
            continue;
        failed = failed || !gate->warns;
        fprintf(stderr, "allocptrace-analyze: %s", gate->warns ? "warning: " : "");
        gate_print(stderr, gate, before, now);
    }
    return failed;
}

/* Writes the reports and judges. */
static struct error *report_all(const struct options *options, const struct profile *profile,
                                const struct comparison *comparison,
                                const struct suppressions *suppressions,
                                struct replay_observer *const *observers, bool *failed)
{
    struct report report = {.options = options,
                            .replay = &profile->replay,
                            .header = &profile->header,
                            .comparison = comparison,
                            .suppressions = suppressions,
                            .truncated = profile->truncated};
    struct error *error = NULL;
    for (size_t i = 0; !error && i < options->output_count; i++) {
        report.file = options->outputs[i].file;
        report.observer = observers[i];
        error = print(&report, &options->outputs[i]);
    }
    *failed = !error && judge(&report);
    return error;
}

static void warn(const char *what)
{
    fprintf(stderr, "allocptrace-analyze: warning: %s\n", what);
}

/* Takes the baseline in, if there is one, and reports. */
static struct error *compare_and_report(const struct options *options, struct profile *profile,
                                        const struct replay_options *how,
                                        struct suppressions *suppressions,
                                        struct replay_observer *const *observers, bool *failed)
{
    struct comparison comparison;
    if (!options->baseline)
        return report_all(options, profile, NULL, suppressions, observers, failed);
    struct error *error =
        comparison_make(options, &profile->replay, how, suppressions, warn_truncated, &comparison);
    if (error)
        return error;
    comparison_check(&comparison, warn);
    error = leak_options_check_baseline(options, &comparison.before.replay);
    if (!error)
        error = report_all(options, profile, &comparison, suppressions, observers, failed);
    comparison_deinit(&comparison);
    return error;
}

static struct error *analyze(const struct options *options, bool *failed)
{
    struct replay_options replay_options = {
        .split = split_of(options),
        .needs = needs_of(options),
        .pid = options->pid,
        .tid = options->tid,
        .from = options->from,
        .to = options->to,
        .interval = options->interval,
        .older_than = options->older_than,
        .check = options->check,
    };
    struct profile profile;
    struct replay_observer **observers;
    struct suppressions suppressions = {0};
    struct error *error = check_files(options);
    if (error)
        return error;
    error = make_observers(options, &observers, &replay_options.observers);
    for (size_t i = 0; !error && i < options->suppressions_count; i++)
        error = suppressions_read(&suppressions, options->suppressions[i]);
    if (!error && !options->no_builtin_suppressions)
        error = suppressions_add_built_in(&suppressions);
    if (!error)
        error = profile_load(options->logs, options->log_count, &replay_options, warn_truncated,
                             &profile);
    if (!error) {
        error = leak_options_check(options, &profile.replay);
        if (!error)
            error = suppressions_apply(&suppressions, &profile.replay, true);
        if (!error)
            error = compare_and_report(options, &profile, &replay_options, &suppressions, observers,
                                       failed);
        profile_deinit(&profile);
    }
    destroy_observers(observers, options->output_count);
    suppressions_deinit(&suppressions);
    return error;
}

int main(int argc, char **argv)
{
    struct options options;
    bool failed = false;
    struct error *error = options_parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    if (!error && options.action == ACTION_HELP) {
        options_print_help();
    } else if (!error && options.action == ACTION_VERSION) {
        puts("allocptrace-analyze " ALLOCPTRACE_VERSION);
    } else if (!error) {
        error = analyze(&options, &failed);
    }
    options_deinit(&options);
    int status = conclude(error);
    return status == EXIT_FINE && failed ? EXIT_GATE : status;
}
