/* SPDX-License-Identifier: MIT */
/*
 * verify.h - --verify-unwind: compares our stacks with libdwfl's own unwind of the stopped thread.
 *
 * The other stack shares nothing with ours: libdwfl finds the modules in /proc/PID/maps, reads
 * registers with ptrace(2) and memory from the live process.
 */
#ifndef ALLOCPTRACE_TRACER_VERIFY_H
#define ALLOCPTRACE_TRACER_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct session;
struct tracee;
struct verifier;

/* Compares every nth call. */
struct error *verifier_create(unsigned nth, size_t depth, struct verifier **verifier);
void verifier_destroy(struct verifier *verifier);

/* Whether the call now being recorded is one to compare: its stack must then be unwound live. */
bool verifier_due(const struct verifier *verifier);

/* Called for each call recorded, with the tracee stopped at its function's entry and, if it is
 * due, the recorder done with it. Differences are counted, and the first ones told on standard
 * error. */
void verifier_call(struct verifier *verifier, struct session *session, struct tracee *tracee);

#endif
