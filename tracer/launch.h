/* SPDX-License-Identifier: MIT */
/*
 * launch.h - starts a program that is traced before its first instruction.
 */
#ifndef ALLOCPTRACE_TRACER_LAUNCH_H
#define ALLOCPTRACE_TRACER_LAUNCH_H

#include "output/log/error.h"

struct session;

struct launch {
    char *path;       /* the file to execute, found in PATH */
    int start_pipe;   /* writing a byte lets the child execute it */
    int failure_pipe; /* gives the errno of a failed execve, or ends */
};

/*
 * Finds the program and forks a child that waits, seized, to execute it. The session gets its
 * first tracee. Call before threads are started. Errors: ERROR_NOT_FOUND, ERROR_NOT_EXEC.
 */
struct error *launch_prepare(struct session *session, char **command, struct launch *launch);
/* Lets the child execute the program. */
void launch_start(struct launch *launch);
/* After the session: why the program could not be executed, or NULL. */
struct error *launch_result(struct launch *launch);
void launch_deinit(struct launch *launch);

#endif
