/* SPDX-License-Identifier: MIT */
/*
 * seccomp.h - whether a stopped thread's seccomp filters permit a system call that we would have
 * it make: a filter may answer a call that it does not expect by ending the process.
 */
#ifndef ALLOCPTRACE_TRACER_SECCOMP_H
#define ALLOCPTRACE_TRACER_SECCOMP_H

#include <linux/seccomp.h>
#include <sys/types.h>

#include "output/log/error.h"

/*
 * NULL if the thread is under no filter, or if all of its filters let exactly this call happen.
 * Otherwise ERROR_UNSUPPORTED and why: a filter forbids it, strict mode (seccomp(2)) does, or the
 * filters cannot be read. Reading them (PTRACE_SECCOMP_GET_FILTER, ptrace(2), since 4.4) needs
 * CAP_SYS_ADMIN, a kernel with CONFIG_CHECKPOINT_RESTORE, and a tracer that is under no filter
 * itself.
 */
struct error *seccomp_permits(pid_t tid, const struct seccomp_data *call);

#endif
