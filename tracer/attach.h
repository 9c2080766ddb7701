/* SPDX-License-Identifier: MIT */
/*
 * attach.h - begins to trace a running process.
 */
#ifndef ALLOCPTRACE_TRACER_ATTACH_H
#define ALLOCPTRACE_TRACER_ATTACH_H

#include <sys/types.h>

#include "output/log/error.h"

struct session;
struct tracee;

/*
 * Seizes all threads of the process; they run on. An error says why that is not permitted: the
 * process is gone, another tracer has it, Yama forbids it, or it is another user's.
 */
struct error *attach_seize(struct session *session, pid_t pid);
/* Stops all of them and finds one that can make system calls for us. */
struct error *attach_stop(struct session *session, struct tracee **worker);
/* Stops all of them, sets the process up and lets them go on. Needs the session's recorder. */
struct error *attach_start(struct session *session);

#endif
