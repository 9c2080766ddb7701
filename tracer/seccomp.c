/* SPDX-License-Identifier: MIT */
#include "tracer/seccomp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/seccomp_filter.h"

/* The "Seccomp" line of /proc/PID/status, proc_pid_status(5). */
enum { MODE_STRICT = 1, MODE_FILTER = 2 };

static struct error *forbidden(pid_t tid)
{
    return error_format(ERROR_UNSUPPORTED,
                        "a seccomp filter of thread %d does not permit the system call for it",
                        (int)tid);
}

static struct error *unreadable(pid_t tid, int failure)
{
    const char *why = strerror(failure);
    if (failure == EACCES)
        why = "that needs root (CAP_SYS_ADMIN) and no filter of allocptrace's own";
    else if (failure == EIO || failure == EINVAL)
        why = "this kernel cannot show them (CONFIG_CHECKPOINT_RESTORE)";
    return error_format(ERROR_UNSUPPORTED,
                        "thread %d is under seccomp, and its filters cannot be read: %s", (int)tid,
                        why);
}

struct error *seccomp_permits(pid_t tid, const struct seccomp_data *call)
{
    long mode = proc_status_number(tid, "Seccomp", 0);
    if (mode == 0)
        return NULL;
    if (mode != MODE_FILTER)
        return forbidden(tid);
    struct sock_filter *code = malloc(BPF_MAXINSNS * sizeof *code);
    if (!code)
        return error_no_memory();
    struct error *error = NULL;
    /* Every filter is run, and the most restrictive answer counts (seccomp(2)). */
    for (unsigned index = 0; !error; index++) {
        size_t count;
        int failure = pt_seccomp_filter(tid, index, code, &count);
        if (failure == ENOENT && index > 0)
            break;
        if (failure)
            error = unreadable(tid, failure);
        else if (!seccomp_filter_permits(seccomp_filter_run(code, count, call)))
            error = forbidden(tid);
    }
    free(code);
    return error;
}
