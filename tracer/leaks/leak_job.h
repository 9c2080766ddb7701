/* SPDX-License-Identifier: MIT */
/*
 * leak_job.h - one leak check on its way from the tracing thread over the recording thread to the
 * leak thread, each of which adds its part.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_JOB_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/leaks/live_blocks.h"
#include "tracer/leaks/roots.h"
#include "tracer/recorder.h"

struct leak_thread;
struct module;

struct leak_job {
    /* The tracing thread's part. */
    struct recorder_check head; /* first: what the recorder is given */
    struct leak_thread *thread;
    pid_t pid;    /* the process's, for people */
    pid_t memory; /* whose memory is read: a stopped thread's, or a copy's */
    bool copied;
    struct roots_notes notes;
    const struct module **modules; /* those of the process; the session's */
    size_t module_count;
    uint32_t program; /* the id of the program's own among them, 0 if unknown */
    char root[32];    /* below which the target's files are seen */

    /* The recording thread's. */
    struct live_block *blocks; /* ascending */
    size_t block_count;
    bool lacking; /* there was no memory for some of the blocks */

    /* Guarded by the leak thread's lock. */
    bool read;        /* the memory is not needed any more */
    bool released;    /* the tracing thread has done with the job, and held_ns is known */
    uint64_t held_ns; /* how long the process was held */
    struct leak_job *next;
};

void leak_job_destroy(struct leak_job *job);

#endif
