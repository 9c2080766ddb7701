/* SPDX-License-Identifier: MIT */
/*
 * process.h - how tracees and their address spaces come and go: clone, fork, exec, exit.
 */
#ifndef ALLOCPTRACE_TRACER_PROCESS_H
#define ALLOCPTRACE_TRACER_PROCESS_H

#include <sys/types.h>

#include "output/log/record.h"
#include "tracer/stop.h"
#include "tracer/tracee.h"

struct session;

/*
 * Makes a new address space for a tracee that has none and tells the recorder of the process.
 * parent is the process id in the log that it came from, 0 for none.
 */
struct error *process_begin(struct session *session, struct tracee *tracee,
                            enum log_process_origin origin, uint32_t parent);
/* Puts a tracee into a space and tells the recorder of the thread. */
void process_add_thread(struct session *session, struct tracee *tracee, struct space *space);

/* Warns if nothing in the process is traced, for the user would wait in vain for events. */
void process_check_functions(struct session *session, const struct space *space);

/* The parent reported a new child: takes it in, or prepares its release. The child stays stopped
 * until process_first_stop(); the caller resumes the parent. */
void process_new_child(struct session *session, struct tracee *parent, enum stop_kind kind);
/* A child's first stop came before its parent's event: it is held until that comes or, if the
 * parent is being killed, until its end (orphan.h). Let go at once, the child might end before the
 * event. */
void process_early_child(struct session *session, pid_t tid);
/* A new child's first stop. */
void process_first_stop(struct session *session, struct tracee *child);

/* The execve call has replaced the memory, in which nothing is ours: the process leaves its space,
 * and its other threads are gone. */
void process_leave_image(struct session *session, struct tracee *tracee);
/* The execve call has replaced the memory; then, at its exit, the new program can be set up. */
void process_exec(struct session *session, struct tracee *tracee);
void process_exec_done(struct session *session, struct tracee *tracee);

/* Detaches from a stopped tracee that has none of our bytes in its way, and removes it. */
void process_release(struct session *session, struct tracee *tracee, int signal);

/* The tracee is gone; it is removed. status is as waitpid(2) gives it. */
void process_exit(struct session *session, struct tracee *tracee, int status);

#endif
