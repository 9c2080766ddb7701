/* SPDX-License-Identifier: MIT */
/*
 * seccomp_filter.h - what a seccomp filter answers to a system call, without making the call.
 *
 * A filter is a classic BPF program over struct seccomp_data (seccomp(2)); the instructions that
 * the kernel takes are listed in seccomp_check_filter(), kernel/seccomp.c. Pure: no process is
 * touched. Code comes from the target and is not trusted: whatever the kernel would not have
 * taken answers as SECCOMP_RET_KILL_PROCESS.
 */
#ifndef ALLOCPTRACE_TRACER_SECCOMP_FILTER_H
#define ALLOCPTRACE_TRACER_SECCOMP_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value that the filter of count instructions returns: an action and its data. */
uint32_t seccomp_filter_run(const struct sock_filter *code, size_t count,
                            const struct seccomp_data *call);

/* Whether a call with this answer is carried out and nobody but a log hears of it. */
bool seccomp_filter_permits(uint32_t answer);

#endif
