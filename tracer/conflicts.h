/* SPDX-License-Identifier: MIT */
/*
 * conflicts.h - says early what in a target cannot work while it is traced, for a thread has one
 * tracer at most: LeakSanitizer, which traces its own process at the end, and debuggers; and
 * privileges that the kernel withholds from a traced program.
 */
#ifndef ALLOCPTRACE_TRACER_CONFLICTS_H
#define ALLOCPTRACE_TRACER_CONFLICTS_H

#include <stdbool.h>

#include "tracer/arch.h"

struct module;
struct session;
struct tracee;

/* What has been said already: each is said once. */
struct conflicts {
    bool leak_sanitizer_told, ptrace_told, privileges_told;
};

/* A module was mapped. Warns if it has LeakSanitizer's runtime, unless the process's environment
 * switches that off (detect_leaks=0 in ASAN_OPTIONS or LSAN_OPTIONS). */
void conflicts_module(struct session *session, const struct tracee *tracee,
                      const struct module *module);

/* The tracee stands at the entry of ptrace(2). Warns if it is about to become a tracer or to have
 * its parent trace it. */
void conflicts_ptrace(struct session *session, const struct tracee *tracee,
                      const struct arch_registers *registers);

/* The process has executed a program. Warns if it lacks the privileges that the program's file
 * would give it (privileges.h). */
void conflicts_privileges(struct session *session, const struct tracee *tracee);

#endif
