/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output/log/text.h"
#include "tracer/leaks/leak_memory.h"
#include "tracer/leaks/leak_records.h"
#include "tracer/proc_files.h"
#include "tracer/summary.h"

/* How often a waiting tracing thread asks whether to go on waiting. */
#define ASK_NS 100000000

struct leak_thread {
    struct leak_thread_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct leak_job *first, *last; /* those that are waiting */
    bool finishing;
    struct leak_names *names;
    uint32_t roots_written;
};

void leak_job_destroy(struct leak_job *job)
{
    if (!job)
        return;
    roots_notes_deinit(&job->notes);
    free(job->modules);
    free(job->blocks);
    free(job);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- A check ---- */

static void warn(const struct leak_thread *thread, const struct leak_job *job, const char *what)
{
    char text[512], clean[1024];
    snprintf(text, sizeof text, "leak check %u of process %d: %s", job->head.check.check,
             (int)job->pid, what);
    text_sanitize(clean, sizeof clean, text);
    fprintf(stderr, "allocptrace: %s\n", clean);
    struct log_record record = {
        .kind = LOG_NOTE,
        .note.text = {.data = clean, .size = strlen(clean)},
    };
    recorder_put(thread->options.recorder, &record);
}

/* Where functions are that tables of virtual functions name. */
static struct reach_range *code_of(const struct roots_notes *notes, size_t *count)
{
    struct reach_range *code = calloc(notes->maps.count + 1, sizeof *code);
    *count = 0;
    for (size_t i = 0; code && i < notes->maps.count; i++) {
        const struct proc_mapping *mapping = &notes->maps.mappings[i];
        if (mapping->executable && mapping->inode)
            code[(*count)++] = (struct reach_range){.start = mapping->start, .end = mapping->end};
    }
    return code;
}

static struct error *decide(const struct leak_job *job, const struct roots *roots,
                            struct reach_result *result)
{
    struct leak_memory memory;
    struct reach_input input = {
        .blocks = job->blocks,
        .block_count = job->block_count,
        .ranges = roots->ranges,
        .range_count = roots->range_count,
        .registers = roots->registers,
        .register_count = roots->register_count,
        .constants = roots->constants,
        .constant_count = roots->constant_count,
        .heuristics = true,
        .read = leak_memory_read,
        .touched = leak_memory_touched,
        .data = &memory,
    };
    struct reach_range *code = code_of(&job->notes, &input.code_count);
    if (!code)
        return error_no_memory();
    input.code = code;
    leak_memory_init(&memory, job->memory, &job->notes.maps);
    struct error *error = reach_decide(&input, result);
    leak_memory_deinit(&memory);
    free(code);
    return error;
}

/* A process that is killed loses its memory at any moment, and what was read then counts for
 * nothing: while it is stopped it has it. */
static struct error *still_there(const struct leak_job *job)
{
    char state[8];
    proc_state(job->memory, state, sizeof state);
    if (*state == 't' || *state == 'T')
        return NULL;
    return error_format(ERROR_GONE, "%s was killed while it was being read",
                        job->copied ? "the copy of the process" : "the process");
}

static struct error *examine(const struct leak_thread *thread, const struct leak_job *job,
                             struct roots *roots, struct reach_result *result)
{
    struct error *error = roots_find(&job->notes, job->memory, thread->options.roots, job->blocks,
                                     job->block_count, roots);
    if (!error)
        error = decide(job, roots, result);
    if (!error)
        error = still_there(job);
    return error;
}

static void set_read(struct leak_thread *thread, struct leak_job *job)
{
    /* The kernel reports its end to the tracing thread, which waits for that. */
    if (job->copied)
        kill(job->memory, SIGKILL);
    pthread_mutex_lock(&thread->lock);
    job->read = true;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
}

static void await_release(struct leak_thread *thread, const struct leak_job *job)
{
    pthread_mutex_lock(&thread->lock);
    while (!job->released)
        pthread_cond_wait(&thread->changed, &thread->lock);
    pthread_mutex_unlock(&thread->lock);
}

static void warn_of_unread(const struct leak_thread *thread, const struct leak_job *job,
                           uint64_t bytes)
{
    char what[128], number[32];
    snprintf(what, sizeof what, "%s bytes could not be read: what only they lead to counts as lost",
             summary_number(bytes, number, sizeof number));
    warn(thread, job, what);
}

static void work(struct leak_thread *thread, struct leak_job *job)
{
    struct roots roots = {0};
    struct reach_result result = {0};
    struct leak_sums sums = {0};
    uint64_t start = now_ns();
    struct error *error = examine(thread, job, &roots, &result);
    uint64_t scan_ns = now_ns() - start;
    set_read(thread, job);
    if (!error && *roots.problem)
        warn(thread, job, roots.problem);
    if (!error && result.unreadable_bytes)
        warn_of_unread(thread, job, result.unreadable_bytes);
    if (!error && job->lacking)
        warn(thread, job, "there was no memory for some of the blocks, which are left out");
    if (!error)
        error = leak_records_put(thread->options.recorder, job, &roots, &result, thread->names,
                                 &thread->roots_written, &sums);
    await_release(thread, job);
    if (error) {
        /* Without an end it counts as one that was cut off. */
        warn(thread, job, error->message);
        error_free(error);
    } else {
        leak_records_end(thread->options.recorder, job, &result, scan_ns);
        if (!thread->options.quiet)
            leak_records_tell(job, &sums);
    }
    roots_deinit(&roots);
    reach_result_deinit(&result);
    leak_job_destroy(job);
}

static struct leak_job *take(struct leak_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    while (!thread->first && !thread->finishing)
        pthread_cond_wait(&thread->changed, &thread->lock);
    struct leak_job *job = thread->first;
    if (job) {
        thread->first = job->next;
        if (!thread->first)
            thread->last = NULL;
    }
    pthread_mutex_unlock(&thread->lock);
    return job;
}

static void *run(void *argument)
{
    struct leak_thread *thread = argument;
    struct leak_job *job;
    while ((job = take(thread)))
        work(thread, job);
    return NULL;
}

/* ---- The other threads' side ---- */

static struct error *start(struct leak_thread *thread)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (thread->options.cpus)
        pthread_attr_setaffinity_np(&attributes, sizeof *thread->options.cpus,
                                    thread->options.cpus);
    /* Signals are for the tracing thread: they must interrupt its wait. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread->thread, &attributes, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failure ? error_errno(failure, "cannot start the leak checking thread") : NULL;
}

struct error *leak_thread_start(const struct leak_thread_options *options, struct leak_thread **out)
{
    struct leak_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        return error_no_memory();
    thread->options = *options;
    pthread_mutex_init(&thread->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&thread->changed, &clock);
    pthread_condattr_destroy(&clock);
    thread->names = leak_names_create();
    struct error *error = thread->names ? start(thread) : error_no_memory();
    if (error) {
        leak_names_destroy(thread->names);
        free(thread);
        return error;
    }
    *out = thread;
    return NULL;
}

void leak_thread_add(struct leak_thread *thread, struct leak_job *job)
{
    pthread_mutex_lock(&thread->lock);
    if (thread->last)
        thread->last->next = job;
    else
        thread->first = job;
    thread->last = job;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
}

void leak_thread_wait(struct leak_thread *thread, const struct leak_job *job,
                      bool (*give_up)(void *data), void *data)
{
    pthread_mutex_lock(&thread->lock);
    while (!job->read && !give_up(data)) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ASK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&thread->changed, &thread->lock, &until);
    }
    pthread_mutex_unlock(&thread->lock);
}

void leak_thread_release(struct leak_thread *thread, struct leak_job *job, uint64_t held_ns)
{
    pthread_mutex_lock(&thread->lock);
    job->held_ns = held_ns;
    job->released = true;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
}

void leak_thread_finish(struct leak_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->finishing = true;
    pthread_cond_broadcast(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->thread, NULL);
    pthread_mutex_destroy(&thread->lock);
    pthread_cond_destroy(&thread->changed);
    leak_names_destroy(thread->names);
    free(thread);
}
