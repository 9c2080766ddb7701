/* SPDX-License-Identifier: MIT */
#include "tracer/recover.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tracer/attach.h"
#include "tracer/await.h"
#include "tracer/detach.h"
#include "tracer/leaks/snapshot.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/remote.h"
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

/* ---- Copies ---- */

static struct error *begin(const struct options *options, struct session **session)
{
    struct error *error = session_create(options, session);
    if (!error)
        (*session)->cleaning = true;
    return error;
}

/* Its parent can wait for it only when its tracer, which is us, has. */
static bool end_copy(struct session *session, pid_t pid)
{
    struct tracee *copy = tracee_find(session->tracees, pid);
    int status;
    if (kill(pid, SIGKILL) || (await_stop(copy, &status) && WIFSTOPPED(status)))
        return false;
    tracee_remove(session->tracees, copy);
    return true;
}

bool recover_copy(const struct options *options, pid_t pid, bool known)
{
    struct session *session;
    struct tracee *worker;
    bool killed = false;
    /* The kernel gives it another one when its parent ends (kernel/exit.c, reparent_leader). */
    if (!known && proc_exit_signal(pid) != 0)
        return false;
    struct error *error = begin(options, &session);
    if (error) {
        error_free(error);
        return false;
    }
    error = seize(session, pid);
    if (!error)
        error = attach_stop(session, &worker);
    if (!error && snapshot_is_stray(pid))
        killed = end_copy(session, pid);
    error_free(error);
    detach_all(session);
    session_destroy(session);
    return killed;
}

struct children {
    const struct options *options;
    const struct recover_state *state;
    struct tracee *worker;
};

static bool is_copy(const struct recover_state *state, pid_t pid)
{
    for (size_t i = 0; i < state->copy_count; i++) {
        if (state->copies[i] == pid)
            return proc_exit_signal(pid) == 0;
    }
    return false;
}

/* One that has just been killed may still be on its way. */
static bool becomes_zombie(pid_t pid)
{
    char state[8];
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        proc_state(pid, state, sizeof state);
        if (*state == 'Z')
            return true;
        if (!*state)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = TRY_NS}, NULL);
    }
    return false;
}

static void wait_for_copy(pid_t child, void *data)
{
    const struct children *children = data;
    /* The call that makes a copy may have been made after the tracer's death. */
    if (!is_copy(children->state, child) && !recover_copy(children->options, child, false))
        return;
    if (!becomes_zombie(child))
        return;
    const uint64_t arguments[6] = {(uint64_t)proc_own_pid(child), 0, __WALL | WNOHANG};
    int64_t result;
    error_free(remote_syscall(children->worker, SYS_wait4, arguments, &result));
}

/* ---- A process ---- */

static struct error *clean(struct session *session, pid_t pid, const struct recover_state *state)
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
    unpark(session, state->parked_tid, &state->parked);
    error = scratch_adopt(space, worker->tid);
    space_restore_adopted(space);
    sigtrap_adopt(space, worker);
    struct children children = {.options = session->options, .state = state, .worker = worker};
    proc_children(pid, wait_for_copy, &children);
    return error;
}

struct error *recover_process(const struct options *options, pid_t pid,
                              const struct recover_state *state)
{
    struct session *session;
    struct error *error = begin(options, &session);
    if (error)
        return error;
    error = clean(session, pid, state);
    detach_all(session);
    session_destroy(session);
    return error;
}
