/* SPDX-License-Identifier: MIT */
/*
 * recover.h - cleans up in a process whose tracer has died.
 */
#ifndef ALLOCPTRACE_TRACER_RECOVER_H
#define ALLOCPTRACE_TRACER_RECOVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tracer/guardian.h"

struct options;

/* Puts the process's code back at once, whether it is still traced and running or not. */
void recover_text(pid_t pid);

/* Kills the process if it is a copy (snapshot.h) that has outlived the tracer; whether it was. One
 * that is not known to be a copy is one only as long as its exit signal says so. */
bool recover_copy(const struct options *options, pid_t pid, bool known);

/* What the tracer was about when it died. */
struct recover_state {
    pid_t parked_tid; /* 0: none */
    struct guardian_parked parked;
    pid_t copies[GUARDIAN_COPIES]; /* dead or dying */
    size_t copy_count;
};

/*
 * Seizes the process, as soon as the dead tracer has let go of it, and leaves it as detach_all()
 * does. The parked thread, if it is one of the process's, gets its registers back, and the process
 * waits for copies that are its children. An error says why that cannot be done; ERROR_NOT_FOUND if
 * the process has ended.
 */
struct error *recover_process(const struct options *options, pid_t pid,
                              const struct recover_state *state);

#endif
