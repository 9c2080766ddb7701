/* SPDX-License-Identifier: MIT */
/*
 * privileges.h - programs that execve(2) would give privileges: set-user-ID, set-group-ID, file
 * capabilities.
 *
 * Linux withholds them from a traced program unless the tracer had CAP_SYS_PTRACE in the program's
 * user namespace when it attached, and the program then runs on with what its caller had
 * (security/commoncap.c, cap_bprm_creds_from_file; kernel/ptrace.c, ptracer_capable; 6.18).
 */
#ifndef ALLOCPTRACE_TRACER_PRIVILEGES_H
#define ALLOCPTRACE_TRACER_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether a process that has just executed its program lacks privileges that the program's file
 * would give it, because we trace it. */
bool privileges_withheld(pid_t pid);

#endif
