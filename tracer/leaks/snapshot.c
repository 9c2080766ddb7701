/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/snapshot.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/arch.h"
#include "tracer/leaks/leak_check.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/remote.h"
#include "tracer/session.h"
#include "tracer/stop.h"

static struct snapshots *snapshots_of(struct session *session)
{
    return &session->leaks->snapshots;
}

/* ---- Making one ---- */

static struct snapshot *add(struct snapshots *snapshots)
{
    if (snapshots->count == snapshots->capacity) {
        size_t capacity = snapshots->capacity ? snapshots->capacity * 2 : 8;
        struct snapshot *list = realloc(snapshots->list, capacity * sizeof *list);
        if (!list)
            return NULL;
        snapshots->list = list;
        snapshots->capacity = capacity;
    }
    return &snapshots->list[snapshots->count];
}

/* A first child in a new pid namespace is its init, whose end is the end of the namespace
 * (pid_namespaces(7)). And without the resident code a copy that nobody holds would run on in the
 * program's code. */
static struct error *check_process(const struct tracee *tracee)
{
    if (!scratch_main(tracee->space))
        return error_format(ERROR_UNSUPPORTED,
                            "process %d cannot be forked: it has no memory for "
                            "our code",
                            (int)tracee->tgid);
    if (!proc_shares_pids(tracee->tid))
        return error_format(ERROR_UNSUPPORTED,
                            "process %d cannot be forked: its children go into another pid "
                            "namespace",
                            (int)tracee->tgid);
    return NULL;
}

/* Waits for the copy's first stop, before which it executes nothing. */
static struct error *arrest(struct session *session, pid_t pid)
{
    pid_t stopped;
    int status;
    int failure;
    do
        failure = pt_wait(pid, true, &stopped, &status);
    while (failure == EINTR);
    if (!failure && stop_classify(status).kind == STOP_EXIT) {
        pt_continue(pid, 0); /* somebody has killed it; its end is reported next */
        failure = ESRCH;
    } else if (!failure && WIFSTOPPED(status)) {
        failure = pt_destroy_with_us(pid);
    } else if (!failure && snapshot_ended(session, pid)) {
        failure = ESRCH;
    }
    if (failure)
        kill(pid, SIGKILL);
    return failure ? error_errno(failure, "the copy %d was killed", (int)pid) : NULL;
}

struct error *snapshot_make(struct session *session, struct tracee *tracee, pid_t *copy)
{
    struct snapshot *snapshot = add(snapshots_of(session));
    struct error *error = snapshot ? check_process(tracee) : error_no_memory();
    if (error)
        return error;
    int64_t result = 0;
    /* The descriptors are shared: a connection that the program closes is closed. */
    error = remote_clone(tracee, CLONE_FILES, copy, &result);
    if (error && *copy) {
        kill(*copy, SIGKILL);
        guardian_uncopied(session->guardian, *copy);
    }
    if (error)
        return error;
    if (result <= 0 || !*copy)
        return error_errno(result < 0 ? (int)-result : ESRCH, "process %d cannot be forked",
                           (int)tracee->tgid);
    *snapshot = (struct snapshot){
        .pid = *copy,
        .own_pid = (pid_t)result,
        .parent = tracee->tgid,
        .process = tracee->space->id,
    };
    snapshots_of(session)->count++;
    return arrest(session, *copy);
}

static struct snapshot *find(struct session *session, pid_t pid)
{
    struct snapshots *snapshots = session->leaks ? snapshots_of(session) : NULL;
    for (size_t i = 0; snapshots && i < snapshots->count; i++) {
        if (snapshots->list[i].pid == pid)
            return &snapshots->list[i];
    }
    return NULL;
}

bool snapshot_stopped(struct session *session, pid_t pid)
{
    if (!session->leaks)
        return false;
    if (find(session, pid))
        return true;
    if (!snapshot_is_stray(pid))
        return false;
    kill(pid, SIGKILL);
    return true;
}

bool snapshot_is_stray(pid_t pid)
{
    struct arch_registers registers;
    uint8_t code[sizeof arch_syscall_and_wait];
    if (pt_get_registers(pid, &registers))
        return false;
    uint64_t call = arch_ip(&registers) - sizeof arch_syscall_instruction;
    return mem_read(pid, call, code, sizeof code) == sizeof code &&
           memcmp(code, arch_syscall_and_wait, sizeof code) == 0;
}

/* ---- Its end ---- */

static struct tracee *thread_of(const struct session *session, pid_t process)
{
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->tgid == process)
            return tracee;
    }
    return NULL;
}

static void forget(struct session *session, struct snapshot *snapshot)
{
    struct snapshots *snapshots = snapshots_of(session);
    guardian_uncopied(session->guardian, snapshot->pid);
    *snapshot = snapshots->list[--snapshots->count];
}

bool snapshot_ended(struct session *session, pid_t pid)
{
    struct snapshot *snapshot = find(session, pid);
    if (!snapshot)
        return false;
    const struct tracee *thread = thread_of(session, snapshot->parent);
    if (thread && thread->space && thread->space->id == snapshot->process)
        thread->space->leaks.running = false;
    snapshot->ended = true;
    session->leaks->wanting = true;
    return true;
}

bool snapshots_mark_ended(struct session *session)
{
    struct snapshots *snapshots = snapshots_of(session);
    bool any = false;
    for (size_t i = snapshots->count; i-- > 0;) {
        struct snapshot *snapshot = &snapshots->list[i];
        const struct tracee *thread = snapshot->ended ? thread_of(session, snapshot->parent) : NULL;
        if (thread && thread->space)
            thread->space->leaks.copy_ended = true;
        else if (snapshot->ended && !thread)
            forget(session, snapshot); /* it has another parent by now, which waits for it */
        any = any || thread;
    }
    return any;
}

/* The tracer has been told of its end: it is a zombie, and this does not have to wait. */
static void wait_for(struct tracee *tracee, const struct snapshot *snapshot)
{
    const uint64_t arguments[6] = {(uint64_t)snapshot->own_pid, 0, __WALL | WNOHANG};
    int64_t result;
    error_free(remote_syscall(tracee, SYS_wait4, arguments, &result));
}

void snapshot_wait_for(struct session *session, struct tracee *tracee)
{
    struct snapshots *snapshots = snapshots_of(session);
    tracee->space->leaks.copy_ended = false;
    for (size_t i = snapshots->count; i-- > 0;) {
        struct snapshot *snapshot = &snapshots->list[i];
        if (snapshot->parent != tracee->tgid || !snapshot->ended)
            continue;
        wait_for(tracee, snapshot);
        forget(session, snapshot);
    }
}

bool snapshots_running(const struct session *session)
{
    const struct snapshots *snapshots = &session->leaks->snapshots;
    for (size_t i = 0; i < snapshots->count; i++) {
        if (!snapshots->list[i].ended)
            return true;
    }
    return false;
}

void snapshots_kill(struct session *session)
{
    const struct snapshots *snapshots = snapshots_of(session);
    for (size_t i = 0; i < snapshots->count; i++) {
        if (!snapshots->list[i].ended)
            kill(snapshots->list[i].pid, SIGKILL);
    }
}

void snapshots_deinit(struct snapshots *snapshots)
{
    free(snapshots->list);
}
