/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_check.h"

#include <signal.h>
#include <stdlib.h>

#include "tracer/leaks/leak_job.h"
#include "tracer/leaks/leak_requests.h"
#include "tracer/leaks/leak_thread.h"
#include "tracer/proc_files.h"
#include "tracer/session.h"
#include "tracer/step.h"

struct error *leak_checker_create(const struct options *options, struct leak_checker **checker)
{
    *checker = NULL;
    if (!options->leak_check)
        return NULL;
    *checker = calloc(1, sizeof **checker);
    return *checker ? NULL : error_no_memory();
}

struct error *leak_checker_start(struct session *session)
{
    if (!session->leaks)
        return NULL;
    const struct leak_thread_options options = {
        .recorder = session->recorder,
        .roots = session->options->leak_roots,
        .quiet = session->options->quiet,
        .cpus = session->affinity.enabled ? &session->affinity.others : NULL,
    };
    struct error *error = leak_thread_start(&options, &session->leaks->thread);
    return error ? error : leak_requests_start(session->options->leak_interval);
}

void leak_checker_finish(struct leak_checker *checker)
{
    if (!checker->thread)
        return;
    leak_thread_finish(checker->thread);
    checker->thread = NULL;
}

void leak_checker_destroy(struct leak_checker *checker)
{
    if (!checker || checker->thread)
        return;
    snapshots_deinit(&checker->snapshots);
    free(checker);
}

/* ---- A check ---- */

static bool goes_on(enum log_moment moment)
{
    return moment == LOG_MOMENT_REQUEST || moment == LOG_MOMENT_INTERVAL ||
           moment == LOG_MOMENT_DETACH;
}

/* Recording thread. */
static void take_blocks(struct recorder_check *check, struct live_block *blocks, size_t count,
                        bool lacking)
{
    struct leak_job *job = (struct leak_job *)check;
    job->blocks = blocks;
    job->block_count = count;
    job->lacking = lacking;
    leak_thread_add(job->thread, job);
}

static struct leak_job *new_job(struct session *session, const struct tracee *tracee,
                                enum log_moment moment, uint64_t now)
{
    struct leak_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->head.take = take_blocks;
    job->head.check = (struct log_check){
        .process = tracee->space->id,
        .time = now,
        .moment = moment,
    };
    job->thread = session->leaks->thread;
    job->pid = tracee->tgid;
    job->memory = tracee->tid;
    return job;
}

/* Whether there is to be a check; then job->copied tells of what. */
static bool copy(struct session *session, struct tracee *tracee, struct leak_job *job)
{
    pid_t pid;
    if (session->options->leak_snapshot == LEAK_SNAPSHOT_STOP)
        return true;
    struct error *error = snapshot_make(session, tracee, &pid);
    if (!error) {
        job->memory = pid;
        job->copied = true;
        tracee->space->leaks.running = true;
        return true;
    }
    bool gone = error->code == ERROR_GONE;
    bool required = session->options->leak_snapshot == LEAK_SNAPSHOT_FORK;
    if (!gone && required)
        session_warn(session, "process %d is not checked for leaks: %s", (int)tracee->tgid,
                     error->message);
    else if (!gone && session->options->verbose)
        session_warn(session, "process %d is held for its leak check: %s", (int)tracee->tgid,
                     error->message);
    error_free(error);
    session->counters.leak_uncopied++;
    return !gone && !required;
}

static void count_hold(struct counters *counters, uint64_t held_ns)
{
    counters->leak_held_us += held_ns / 1000;
    if (held_ns / 1000 > counters->leak_longest_us)
        counters->leak_longest_us = held_ns / 1000;
}

static bool gives_up(void *session)
{
    return recorder_gives_up(((struct session *)session)->recorder);
}

/* For names; without memory for them there are none. */
static void note_modules(struct leak_job *job, const struct space *space)
{
    const struct space_module *program = space_module_at(space, proc_entry(space->pid));
    job->program = program ? program->module->id : 0;
    space_root(space, job->root, sizeof job->root);
    job->modules = malloc(space->module_count * sizeof *job->modules);
    for (size_t i = 0; job->modules && i < space->module_count; i++)
        job->modules[job->module_count++] = space->modules[i].module;
}

/* The job's notes have been taken. It is given away, or destroyed. */
static void send(struct session *session, struct tracee *tracee, struct leak_job *job,
                 uint64_t start)
{
    struct leak_thread *thread = job->thread;
    bool copied = job->copied;
    if (copied)
        step_release_others(session, tracee);
    uint64_t held_ns = recorder_now(session->recorder) - start;
    if (copied) {
        job->released = true;
        job->held_ns = held_ns;
    }
    note_modules(job, tracee->space);
    job->head.check.check = ++session->leaks->checks;
    session->counters.leak_checks++;
    session->counters.leak_copies += copied;
    bool sent = recorder_check(session->recorder, &job->head);
    if (sent && !copied)
        leak_thread_wait(thread, job, gives_up, session);
    if (!copied) {
        step_release_others(session, tracee);
        held_ns = recorder_now(session->recorder) - start;
    }
    if (sent && !copied)
        leak_thread_release(thread, job, held_ns);
    if (!sent && copied)
        kill(job->memory, SIGKILL);
    if (!sent)
        leak_job_destroy(job);
    count_hold(&session->counters, held_ns);
}

void leak_check(struct session *session, struct tracee *tracee, enum log_moment moment)
{
    uint64_t start = recorder_now(session->recorder);
    struct leak_job *job = new_job(session, tracee, moment, start);
    struct error *error = job ? NULL : error_no_memory();
    step_hold_others(session, tracee);
    if (!error)
        error = roots_note(session, tracee->space, moment == LOG_MOMENT_EXIT ? tracee : NULL,
                           &job->notes);
    if (!error && (!goes_on(moment) || copy(session, tracee, job))) {
        send(session, tracee, job, start);
        return;
    }
    step_release_others(session, tracee);
    leak_job_destroy(job);
    if (error && error->code != ERROR_GONE)
        session_warn(session, "process %d is not checked for leaks: %s", (int)tracee->tgid,
                     error->message);
    error_free(error);
}
