/* SPDX-License-Identifier: MIT */
#include "tracer/recover.h"

#include <time.h>

#include "tracer/attach.h"
#include "tracer/detach.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/scratch.h"
#include "tracer/session.h"

/* How often, and how many times, it is tried to seize what the dying tracer still holds. */
#define TRY_NS 1000000
#define MOST_TRIES 10000

void recover_text(pid_t pid)
{
    struct space *space;
    struct error *error = space_create(0, pid, NULL, &space);
    if (!error) {
        error = scratch_adopt(space, pid);
        space_restore_adopted(space);
        space_destroy(space);
    }
    error_free(error);
}

static struct error *seize(struct session *session, pid_t pid)
{
    for (int tries = 1;; tries++) {
        struct error *error = attach_seize(session, pid);
        if (!error || error->code != ERROR_DENIED || tries == MOST_TRIES)
            return error;
        error_free(error);
        nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
    }
}

/* It ran for the tracer: after a system call it has been waiting behind that since. */
static void unpark(struct session *session, pid_t tid, const struct guardian_parked *parked)
{
    struct tracee *tracee = tid ? tracee_find(session->tracees, tid) : NULL;
    struct arch_registers registers;
    if (!tracee)
        return;
    if (tracee->stopped)
        pt_set_sigmask(tid, parked->mask);
    if (tracee->stopped && pt_get_registers(tid, &registers) == 0 &&
        arch_ip(&registers) - parked->instruction <= sizeof parked->covered)
        pt_set_registers(tid, &parked->registers);
    if (parked->patched)
        mem_write(tracee->space->mem, parked->instruction, parked->covered, sizeof parked->covered);
}

static struct error *clean(struct session *session, pid_t pid, pid_t parked_tid,
                           const struct guardian_parked *parked)
{
    struct tracee *worker;
    struct space *space;
    struct error *error = seize(session, pid);
    if (!error)
        error = attach_stop(session, &worker);
    if (!error)
        error = space_create(0, pid, NULL, &space);
    if (error)
        return error;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        tracee->space = space;
        space->users++;
    }
    unpark(session, parked_tid, parked);
    error = scratch_adopt(space, worker->tid);
    space_restore_adopted(space);
    sigtrap_adopt(space, worker);
    return error;
}

struct error *recover_process(const struct options *options, pid_t pid, pid_t parked_tid,
                              const struct guardian_parked *parked)
{
    struct session *session;
    struct error *error = session_create(options, &session);
    if (error)
        return error;
    session->cleaning = true;
    error = clean(session, pid, parked_tid, parked);
    detach_all(session);
    session_destroy(session);
    return error;
}
