/* SPDX-License-Identifier: MIT */
/*
 * guardian.h - a small process that outlives a killed tracer and cleans up behind it.
 *
 * Forked before a process is attached to, in a session of its own. It waits for the tracer's end.
 * If that was no orderly one it seizes the traced processes, puts their code back (the lists in
 * their scratch regions say where), moves threads out of our code, restores the SIGTRAP action and
 * detaches. Until it has done so the resident code (resident.h) keeps the targets alive.
 *
 * The tracer tells it through shared memory which processes there are, and which thread makes a
 * system call or a single-step for us: that one would go on with the wrong registers, or with its
 * signals blocked.
 */
#ifndef ALLOCPTRACE_TRACER_GUARDIAN_H
#define ALLOCPTRACE_TRACER_GUARDIAN_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "tracer/arch.h"

struct guardian;
struct options;

/* Copies of processes at a time that are known; the zombie of one beyond that may stay. */
#define GUARDIAN_COPIES 1024

/* A thread that makes a system call for us, or (instruction 0) a single-step. */
struct guardian_parked {
    struct arch_registers registers; /* its own */
    uint64_t mask;                   /* its own blocked signals */
    uint64_t instruction;            /* address of the system call instruction */
    uint8_t covered[4];              /* what was there before */
    bool patched;                    /* whether something was */
};

/* allowed is where the guardian may run. */
struct error *guardian_start(const struct options *options, const cpu_set_t *allowed,
                             struct guardian **guardian);
/* The tracer's end is an orderly one: the process ends without doing anything. NULL is fine. */
void guardian_stop(struct guardian *guardian);

/* A process has our bytes, or no longer has them. All of these do nothing for NULL. */
void guardian_watch(struct guardian *guardian, pid_t pid);
void guardian_forget(struct guardian *guardian, pid_t pid);

/* A thread is bound to the tracer's core, and its own affinity is this; or is no longer. */
void guardian_pinned(struct guardian *guardian, pid_t tid, const cpu_set_t *own);
void guardian_unpinned(struct guardian *guardian, pid_t tid);

/* A process that was attached to has a copy of itself as its child, made by us (snapshot.h), until
 * it has waited for that. */
void guardian_copied(struct guardian *guardian, pid_t copy);
void guardian_uncopied(struct guardian *guardian, pid_t copy);

/* Before and after thread tid runs for us. */
void guardian_park(struct guardian *guardian, pid_t tid, const struct guardian_parked *parked);
void guardian_unpark(struct guardian *guardian);

#endif
