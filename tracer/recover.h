/* SPDX-License-Identifier: MIT */
/*
 * recover.h - cleans up in a process whose tracer has died.
 */
#ifndef ALLOCPTRACE_TRACER_RECOVER_H
#define ALLOCPTRACE_TRACER_RECOVER_H

#include <sys/types.h>

#include "tracer/guardian.h"

struct options;

/* Puts the process's code back at once, whether it is still traced and running or not. */
void recover_text(pid_t pid);

/*
 * Seizes the process, as soon as the dead tracer has let go of it, and leaves it as detach_all()
 * does. The thread parked_tid, if it is one of the process's, gets its registers back. An error
 * says why that cannot be done; ERROR_NOT_FOUND if the process has ended.
 */
struct error *recover_process(const struct options *options, pid_t pid, pid_t parked_tid,
                              const struct guardian_parked *parked);

#endif
