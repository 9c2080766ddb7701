/* SPDX-License-Identifier: MIT */
/*
 * leak_names.h - names the variables that roots are in: "cache", "cache+0x10".
 *
 * A module's symbol tables are read when one of its variables is first asked for, and kept. The
 * leak thread's.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LEAK_NAMES_H
#define ALLOCPTRACE_TRACER_LEAKS_LEAK_NAMES_H

#include <stdint.h>

#include "tracer/leaks/leak_job.h"

struct leak_names;

struct leak_names *leak_names_create(void); /* NULL when out of memory */
void leak_names_destroy(struct leak_names *names);

/* The variable at a file virtual address of a module in the job's process, or the thread-local one
 * at an address below a thread pointer; "" if none is known, which is so for thread-local variables
 * of libraries. Valid until the next call. */
const char *leak_names_global(struct leak_names *names, const struct leak_job *job, uint32_t module,
                              uint64_t address);
const char *leak_names_local(struct leak_names *names, const struct leak_job *job,
                             uint64_t thread_pointer, uint64_t address);

#endif
