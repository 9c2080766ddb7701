/* SPDX-License-Identifier: MIT */
/*
 * session.h - one run of the tracer: wait for a stop, dispatch it, until no tracee is left or the
 * user ends it.
 */
#ifndef ALLOCPTRACE_TRACER_SESSION_H
#define ALLOCPTRACE_TRACER_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "tracer/affinity.h"
#include "tracer/allocators.h"
#include "tracer/conflicts.h"
#include "tracer/counters.h"
#include "tracer/guardian.h"
#include "tracer/module.h"
#include "tracer/options.h"
#include "tracer/orphan.h"
#include "tracer/recorder.h"
#include "tracer/relocate.h"
#include "tracer/tracee.h"
#include "tracer/verify.h"

struct leak_checker;

struct session {
    const struct options *options;
    struct allocators *allocators;
    struct relocator *relocator;
    struct module_registry *modules;
    struct tracee_table *tracees;
    struct recorder *recorder; /* NULL before tracing begins, and in the guardian */
    struct guardian *guardian; /* NULL if the tracer's death is the target's, too */
    struct affinity affinity;
    struct verifier *verifier;  /* NULL without --verify-unwind */
    struct leak_checker *leaks; /* NULL without --leak-check=reachable */
    struct counters counters;
    struct conflicts conflicts;
    struct orphan_parents parents;
    uint32_t spaces, threads; /* ids handed out */
    pid_t main_pid;           /* launched or attached to */
    bool launched;
    bool cleaning; /* the guardian's session: nothing is traced, only put back */
    bool main_ended;
    int main_status; /* as waitpid(2) gives it */
    bool write_failure_told, limit_told;
};

struct error *session_create(const struct options *options, struct session **session);
void session_destroy(struct session *session);

/* Traces until the end: everything exited, or the user asked to stop and all was detached. */
struct error *session_run(struct session *session);

/* Makes a warning visible: on standard error and, as a note, in the log. */
void session_warn(struct session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Asks the running session to end, from a signal handler. */
void session_request_end(int signal);
/* From now on Ctrl-C asks, too. */
void session_end_on_interrupt(void);
/* The signal that asked, or 0. */
int session_end_requested(void);
/* Whether it has been asked for once more. */
bool session_end_insisted(void);

#endif
