/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tracer/attach.h"
#include "tracer/detach.h"
#include "tracer/launch.h"
#include "tracer/leaks/leak_check.h"
#include "tracer/limits.h"
#include "tracer/options.h"
#include "tracer/proc_files.h"
#include "tracer/recorder.h"
#include "tracer/session.h"
#include "tracer/summary.h"

#define TICK_NS 1000

/* Bytes of the program's name in a log's name, which may have 255 (NAME_MAX, limits.h(0p)). */
#define MOST_NAME 200

/* The contract's exit statuses of our own. */
enum { EXIT_OURS = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

static int fail(struct error *error, bool program)
{
    int status = EXIT_OURS;
    if (program && error->code == ERROR_NOT_FOUND)
        status = EXIT_NOT_FOUND;
    else if (program && error->code == ERROR_NOT_EXEC)
        status = EXIT_NOT_EXECUTABLE;
    fprintf(stderr, "allocptrace: %s\n", error->message);
    error_free(error);
    return status;
}

static void set_handler(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(signal, &action, NULL);
}

/* Called after the child has been forked, which is to inherit none of this. */
static void set_signals(const struct options *options)
{
    set_handler(SIGALRM, session_request_end);
    set_handler(SIGTERM, session_request_end);
    set_handler(SIGHUP, session_request_end);
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGXFSZ, SIG_IGN);
    /* The terminal sends Ctrl-C to a launched program as well: it decides what that means. */
    set_handler(SIGINT, options->pid ? session_request_end : SIG_IGN);
    set_handler(SIGQUIT, options->pid ? session_request_end : SIG_IGN);
}

static void start_duration(double seconds)
{
    if (seconds <= 0)
        return;
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};
    timer.it_value.tv_usec = (suseconds_t)((seconds - (double)timer.it_value.tv_sec) * 1e6);
    if (!timer.it_value.tv_sec && !timer.it_value.tv_usec)
        timer.it_value.tv_usec = 1;
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* A program's name may be as long as any file's, and of any bytes but two: what is made of it is to
 * be typed by a person. */
static void make_typable(char *name)
{
    size_t length = strnlen(name, MOST_NAME);
    name[length] = 0;
    for (char *at = name; *at;) {
        bool safe;
        size_t size = text_character(at, length - (size_t)(at - name), &safe);
        if (!safe)
            memset(at, '_', size);
        at += size;
    }
}

/* allocptrace.PROGRAM.PID.cbor in the current folder. */
static char *default_output(const struct options *options, pid_t pid)
{
    char executable[4096];
    char *output;
    if (options->command)
        snprintf(executable, sizeof executable, "%s", options->command[0]);
    else
        proc_executable(pid, executable, sizeof executable);
    char *slash = strrchr(executable, '/');
    char *name = slash ? slash + 1 : executable;
    make_typable(name);
    if (asprintf(&output, "allocptrace.%s.%d.cbor", name, (int)pid) < 0)
        return NULL;
    return output;
}

static struct log_text text_of(const char *string)
{
    return (struct log_text){.data = string, .size = strlen(string)};
}

static void finish_leak_checks(void *checker)
{
    if (checker)
        leak_checker_finish(checker);
}

static struct error *start_recorder(struct session *session, const char *output)
{
    const struct options *options = session->options;
    size_t count = 0;
    while (options->command && options->command[count])
        count++;
    struct log_text *command = calloc(count + 1, sizeof *command);
    if (!command)
        return error_no_memory();
    for (size_t i = 0; i < count; i++)
        command[i] = text_of(options->command[i]);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct log_header header = {
        .version = LOG_VERSION,
        .tick_ns = options->timestamps ? TICK_NS : 0,
        .started_ns =
            options->timestamps ? (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec : 0,
        .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
        .depth = options->depth,
        .attached = options->pid != 0,
        .mappings = options->mappings,
        .tool = text_of("allocptrace " ALLOCPTRACE_VERSION),
        .arch = text_of(ARCH_NAME),
        .command_count = count,
        .command = command,
    };
    struct recorder_options recorder = {
        .path = output,
        .header = &header,
        .depth = options->depth,
        .walk_only = options->walk_only,
        .leak_check = options->leak_check,
        .before_end = finish_leak_checks,
        .before_end_data = session->leaks,
        .cpus = session->affinity.enabled ? &session->affinity.others : NULL,
    };
    struct error *error = recorder_start(&recorder, &session->recorder);
    free(command);
    return error;
}

static void warn_unused_allocators(struct session *session)
{
    const char *spec;
    for (size_t i = 0; (spec = allocators_unused(session->allocators, i)); i++)
        session_warn(session, "--allocator=%s: no such function was found", spec);
}

static int exit_status(const struct session *session)
{
    int asked = session_end_requested();
    if (session->main_ended && session->launched)
        return WIFSIGNALED(session->main_status) ? EXIT_SIGNAL + WTERMSIG(session->main_status)
                                                 : WEXITSTATUS(session->main_status);
    return session->launched && (asked == SIGTERM || asked == SIGHUP) ? EXIT_SIGNAL + asked : 0;
}

/* Writes the log's end; after that the result stands, whatever becomes of the log. */
static int finish(struct session *session, const char *output)
{
    const struct options *options = session->options;
    struct recorder_totals totals;
    warn_unused_allocators(session);
    struct error *error = recorder_finish(session->recorder, &session->counters, &totals);
    session->recorder = NULL;
    if (!options->quiet)
        summary_print(session, &totals, output);
    if (options->stats)
        summary_print_stats(&session->counters, &totals);
    if (error) {
        if (!session->write_failure_told)
            fprintf(stderr, "allocptrace: the log is incomplete: %s\n", error->message);
        error_free(error);
        if (!session->launched)
            return EXIT_OURS;
    }
    return exit_status(session);
}

static int trace(struct session *session)
{
    const struct options *options = session->options;
    struct launch launch = {.start_pipe = -1, .failure_pipe = -1};
    struct error *error = NULL;
    if (options->pid)
        error = guardian_start(options, &session->affinity.allowed, &session->guardian);
    if (!error)
        error = options->pid ? attach_seize(session, options->pid)
                             : launch_prepare(session, options->command, &launch);
    char *output = NULL;
    int status = EXIT_OURS;
    if (!error) {
        set_signals(options);
        limits_raise();
        output =
            options->output ? strdup(options->output) : default_output(options, session->main_pid);
        error = output ? start_recorder(session, output) : error_no_memory();
    }
    if (!error)
        error = leak_checker_start(session);
    if (!error && options->pid)
        error = attach_start(session);
    if (!error) {
        start_duration(options->duration);
        if (!options->pid)
            launch_start(&launch);
        error = session_run(session);
    }
    if (!error && !options->pid)
        error = launch_result(&launch);
    if (error) {
        status = fail(error, !options->pid);
        if (options->pid)
            detach_all(session);
        if (session->recorder)
            error_free(recorder_finish(session->recorder, &session->counters,
                                       &(struct recorder_totals){0}));
        session->recorder = NULL;
    } else {
        status = finish(session, output);
    }
    launch_deinit(&launch);
    free(output);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct session *session = NULL;
    struct error *error = options_parse(argc, argv, &options);
    if (!error && options.action == OPTIONS_HELP) {
        options_print_help();
        return 0;
    }
    if (!error && options.action == OPTIONS_VERSION) {
        puts("allocptrace " ALLOCPTRACE_VERSION);
        return 0;
    }
    if (!error)
        error = limits_check();
    if (!error)
        error = session_create(&options, &session);
    int status = error ? fail(error, false) : trace(session);
    session_destroy(session);
    options_deinit(&options);
    return status;
}
