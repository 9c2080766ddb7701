/* SPDX-License-Identifier: MIT */
/*
 * leak_thread.h - reads memory, decides and writes what was found, one check after the other, while
 * the target and the other threads go on.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_THREAD_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_THREAD_H

#include <sched.h>
#include <stdbool.h>

#include "output/log/error.h"
#include "tracer/leaks/leak_job.h"

struct leak_thread;
struct recorder;

struct leak_thread_options {
    struct recorder *recorder;
    unsigned roots; /* 1 << enum log_root_kind */
    bool quiet;
    const cpu_set_t *cpus; /* where it may run, or NULL */
};

struct error *leak_thread_start(const struct leak_thread_options *options,
                                struct leak_thread **thread);

/* Recording thread: the job is complete; the leak thread destroys it in the end. */
void leak_thread_add(struct leak_thread *thread, struct leak_job *job);

/* Tracing thread: waits until the job's memory has been read. give_up is asked now and then whether
 * to wait no longer. The job is still the tracing thread's until leak_thread_release(). */
void leak_thread_wait(struct leak_thread *thread, const struct leak_job *job,
                      bool (*give_up)(void *data), void *data);
/* The process goes on, after it was held for so long. */
void leak_thread_release(struct leak_thread *thread, struct leak_job *job, uint64_t held_ns);

/* Recording thread: waits until all jobs have been written, ends the thread and frees it. */
void leak_thread_finish(struct leak_thread *thread);

#endif
