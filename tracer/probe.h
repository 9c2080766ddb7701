/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what happens at a breakpoint of ours: calls begin and end, and become events.
 */
#ifndef ALLOCPTRACE_TRACER_PROBE_H
#define ALLOCPTRACE_TRACER_PROBE_H

#include "tracer/arch.h"
#include "tracer/breakpoint.h"
#include "tracer/tracee.h"

struct session;

/* The tracee stands on breakpoint: registers have their instruction pointer at its address, not
 * behind it as the kernel reports it. The caller resumes the tracee afterwards. */
void probe_stop(struct session *session, struct tracee *tracee, const struct breakpoint *breakpoint,
                const struct arch_registers *registers);

/*
 * The tracee has been at a breakpoint, and is sent back to it without having executed anything: it
 * comes to the same entry once more when the handler that is about to run returns. An allocation
 * then replaces the call that is open, but a free has been recorded already. registers are those it
 * comes back with.
 */
void probe_again(struct tracee *tracee, const struct arch_registers *registers);

/* A signal with a handler is about to be delivered: calls made by the handler are not nested in
 * the one it interrupts. */
void probe_signal(struct tracee *tracee, int signal);

/* The thread has been forked from parent: it will return from the calls that the parent is in. */
void probe_fork(struct session *session, const struct tracee *parent, struct tracee *child);

/* The thread is gone, or its memory was replaced. */
void probe_abandon(struct session *session, struct tracee *tracee);

#endif
