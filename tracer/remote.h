/* SPDX-License-Identifier: MIT */
/*
 * remote.h - makes a stopped tracee perform a system call for us.
 *
 * The call uses a system call instruction that the target has anyway (the vdso's, the C
 * library's), so no code is changed. Registers are as before afterwards; a system call of the
 * target's own that the stop interrupted is restarted by the kernel as if nothing had been.
 */
#ifndef ALLOCPTRACE_TRACER_REMOTE_H
#define ALLOCPTRACE_TRACER_REMOTE_H

#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"

struct tracee;

/* *result is the kernel's: a value or a negative errno. ERROR_GONE if the tracee died. */
struct error *remote_syscall(struct tracee *tracee, long number, const uint64_t arguments[6],
                             int64_t *result);

/*
 * clone(2) with flags that have an exit signal other than SIGCHLD, and a stack of its own for
 * neither: a new process. *child is its id here, *result its id there or a negative errno. It is a
 * tracee of ours, with its first stop to come, and the guardian knows it as a copy. *child may be
 * known when there is an error.
 */
struct error *remote_clone(struct tracee *tracee, uint64_t flags, pid_t *child, int64_t *result);

#endif
