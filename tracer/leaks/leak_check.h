/* SPDX-License-Identifier: MIT */
/*
 * leak_check.h - --leak-check=reachable: how long a process is held for a check, and what becomes
 * of it in the log.
 *
 * stop -> roots_note() -> snapshot -> go on -> live_blocks_sorted() -> roots_find() ->
 * reach_decide() -> LOG_CHECK, LOG_ROOT, LOG_VERDICT, LOG_CHECK_END
 *
 * A process that is to go on is held only until it has been forked: a thread of it makes a clone(2)
 * without CLONE_VM for us, and the copy, which executes nothing, is read while the process runs.
 * Where that is not possible (seccomp, no memory, no process to be had), or not needed, for the
 * process ends, it is read itself and held meanwhile.
 *
 * The tracing thread holds, notes and copies; the recording thread tells which blocks are alive at
 * the check's place in the order of events; all else is done by a thread of its own
 * (leak_thread.h).
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_CHECK_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "output/log/error.h"
#include "output/log/record.h"
#include "tracer/leaks/snapshot.h"

struct leak_thread;
struct options;
struct session;
struct tracee;

/* What a session knows of its checks; the tracing thread's. */
struct leak_checker {
    struct leak_thread *thread; /* NULL before the log is open */
    uint32_t checks;            /* ids handed out */
    struct snapshots snapshots; /* copies that are there */
    bool wanting;               /* some space may be wanted, see leak_moments.h */
    bool detaching;
    uint64_t idle_since_ns; /* then: no copy has been read since */
};

/* Before the log is opened; *checker is NULL without --leak-check=reachable. */
struct error *leak_checker_create(const struct options *options, struct leak_checker **checker);
/* Once it is: from now on there may be checks and requests. */
struct error *leak_checker_start(struct session *session);
/* Recording thread, before the log's end: waits for all checks to be written. */
void leak_checker_finish(struct leak_checker *checker);
/* After that, or if it was never started. A thread that hangs is left to itself. NULL is fine. */
void leak_checker_destroy(struct leak_checker *checker);

/* Tracing thread; tracee is stopped and its process is to be checked. If the process is to go on,
 * the tracee can make a system call for us. A failure is warned of. */
void leak_check(struct session *session, struct tracee *tracee, enum log_moment moment);

#endif
