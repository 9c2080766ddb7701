/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - forked copies of traced processes, which are read in their stead.
 *
 * A stopped thread makes a clone(2) for us: the copy has memory of its own and shares the
 * descriptors, so that none is kept open by it. Its exit signal is 0: its end sends no SIGCHLD, and
 * wait(2) without __WALL or __WCLONE does not see it. It is seized by the time it exists, stays in
 * its first stop and is killed when it has been read. Its zombie is waited for by the process
 * itself, through another call that a stopped thread of it makes for us.
 *
 * Should the tracer die, the kernel kills the copy (PTRACE_O_EXITKILL) and the guardian has the
 * process wait for it. A copy that the kernel does not know yet to kill executes the jump to itself
 * behind the system call instruction (resident.h) until the guardian kills it.
 *
 * All functions are the tracing thread's.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_SNAPSHOT_H
#define ALLOCPTRACE_TRACER_LEAKS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"

struct session;
struct tracee;

struct snapshot {
    pid_t pid;     /* the copy's */
    pid_t own_pid; /* the same as the process sees it, in its pid namespace */
    pid_t parent;  /* the process that it is a child of; its id in the log when it was made: */
    uint32_t process;
    bool ended; /* to be waited for by the process */
};

struct snapshots {
    struct snapshot *list;
    size_t count, capacity;
};

/* Copies the tracee's process, of which all threads are stopped; the tracee can make a system call
 * for us. ERROR_UNSUPPORTED, or errno values of clone(2), where that cannot be. */
struct error *snapshot_make(struct session *session, struct tracee *tracee, pid_t *copy);
/* Whether pid was a copy, and its end has been reported: its process is to wait for it. */
bool snapshot_ended(struct session *session, pid_t pid);
/* The tracee can make a system call for us: its process waits for copies that have ended. */
void snapshot_wait_for(struct session *session, struct tracee *tracee);
/* Marks the spaces whose processes are to wait for copies; whether there are any. */
bool snapshots_mark_ended(struct session *session);
/* Whether there are copies that have not ended. */
bool snapshots_running(const struct session *session);
/* They are not to be read any further. */
void snapshots_kill(struct session *session);
void snapshots_deinit(struct snapshots *snapshots);

/* Whether an unknown process that has stopped is a copy. One whose process was killed while it was
 * made, so that nobody waits for it, is killed. */
bool snapshot_stopped(struct session *session, pid_t pid);
/* Whether a stopped process stands where copies begin. Needs no session. */
bool snapshot_is_stray(pid_t pid);

#endif
