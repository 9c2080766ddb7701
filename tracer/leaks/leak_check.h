/* SPDX-License-Identifier: MIT */
/*
 * leak_check.h - --leak-check=reachable: when it is made, how long a process is held for it, and
 * what becomes of it in the log.
 *
 * stop -> roots_note() -> snapshot -> go on -> live_blocks_sorted() -> roots_find() ->
 * reach_decide() -> LOG_CHECK, LOG_ROOT, LOG_VERDICT, LOG_CHECK_END
 *
 * A process that is to go on is held only until it has been forked: a thread of it makes a clone(2)
 * without CLONE_VM for us, and the copy, which executes nothing, is read while the process runs.
 * Where that is not possible (seccomp, no memory, no process to be had), or not needed, for the
 * process ends, it is read itself and held meanwhile.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_CHECK_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_CHECK_H

#include "output/log/record.h"

struct session;
struct tracee;

/* Tracing thread; tracee is stopped and its process is to be checked. A failure is warned of. */
void leak_check(struct session *session, struct tracee *tracee, enum log_moment moment);

#endif
