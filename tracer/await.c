/* SPDX-License-Identifier: MIT */
#include "tracer/await.h"

#include <errno.h>
#include <time.h>

#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"

/* How often a leading thread is looked at until it has stopped. */
#define POLL_NS 100000

/* Whether the tracee's end would be reported at once: the leading thread's is held back until all
 * others have been waited for, by us (kernel/exit.c, delay_group_leader). */
static bool may_block(const struct tracee *tracee)
{
    return tracee->tid != tracee->tgid || (tracee->space && tracee->space->users == 1);
}

static bool has_ended(pid_t tid)
{
    char state[8];
    proc_state(tid, state, sizeof state);
    return *state == 'Z' || *state == 'X' || !*state;
}

static bool await(const struct tracee *tracee, int *status,
                  int (*wait)(pid_t tid, bool block, pid_t *stopped, int *status))
{
    bool block = may_block(tracee);
    for (;;) {
        pid_t tid = 0;
        int failure = wait(tracee->tid, block, &tid, status);
        if (!failure && tid)
            return true;
        if ((failure && failure != EINTR) || (!block && has_ended(tracee->tid)))
            return false;
        if (!block)
            nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
}

bool await_stop(const struct tracee *tracee, int *status)
{
    return await(tracee, status, pt_wait);
}

bool await_peek(const struct tracee *tracee, int *status)
{
    return await(tracee, status, pt_peek);
}
