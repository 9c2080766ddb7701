/* SPDX-License-Identifier: MIT */
#include "tracer/attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/await.h"
#include "tracer/leaks/found_blocks.h"
#include "tracer/proc_files.h"
#include "tracer/process.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/step.h"
#include "tracer/stop.h"

static int yama_scope(void)
{
    int scope = 0;
    FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
    if (file && fscanf(file, "%d", &scope) != 1)
        scope = 0;
    if (file)
        fclose(file);
    return scope;
}

/* ptrace(2) says EPERM for many reasons; ptrace(2), "Ptrace access mode checking", lists them. */
static struct error *why_denied(pid_t pid)
{
    long tracer = proc_status_number(pid, "TracerPid", 0);
    if (tracer) {
        char name[64];
        proc_thread_name((pid_t)tracer, name, sizeof name);
        return error_format(
            ERROR_DENIED,
            "cannot attach to process %d: it is already traced by process %ld (%s); "
            "end that tracer first",
            (int)pid, tracer, name);
    }
    char path[32];
    char target[8];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    if (readlink(path, target, sizeof target) < 0 && errno == ENOENT)
        return error_format(ERROR_DENIED,
                            "cannot attach to process %d: it is a kernel thread or has ended",
                            (int)pid);
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    long uid = proc_status_number(pid, "Uid", -1);
    if (geteuid() != 0 && stat(path, &status) == 0 && (uid_t)uid != geteuid())
        return error_format(ERROR_DENIED,
                            "cannot attach to process %d: it belongs to user %ld; run as that user "
                            "or as root (CAP_SYS_PTRACE)",
                            (int)pid, uid);
    /* The files in /proc of such a process are root's, proc(5). */
    if (stat(path, &status) == 0 && status.st_uid != (uid_t)uid)
        return error_format(ERROR_DENIED,
                            "cannot attach to process %d: it is not dumpable (PR_SET_DUMPABLE, a "
                            "setuid program or one with capabilities); run as root "
                            "(CAP_SYS_PTRACE)",
                            (int)pid);
    int scope = yama_scope();
    if (scope == 1 || scope == 2)
        return error_format(ERROR_DENIED,
                            "cannot attach to process %d: kernel.yama.ptrace_scope is %d, which "
                            "permits it %s; run as root or set it to 0",
                            (int)pid, scope, scope == 1 ? "to descendants only" : "to root only");
    if (scope == 3)
        return error_format(ERROR_DENIED,
                            "cannot attach to process %d: kernel.yama.ptrace_scope is 3, which "
                            "forbids it until the next boot; start the program with allocptrace",
                            (int)pid);
    return error_format(
        ERROR_DENIED,
        "cannot attach to process %d: not permitted; it runs with other credentials "
        "(setuid, capabilities, a user namespace) or is not dumpable; run as root "
        "(CAP_SYS_PTRACE)",
        (int)pid);
}

static struct error *seize_failed(pid_t pid, int failure)
{
    if (failure == ESRCH)
        return error_format(ERROR_NOT_FOUND,
                            "cannot attach to process %d: there is no such process", (int)pid);
    if (failure == EPERM || failure == EACCES)
        return why_denied(pid);
    return error_errno(failure, "cannot attach to process %d", (int)pid);
}

static struct error *add_tracee(struct session *session, pid_t tid, pid_t tgid)
{
    struct tracee *tracee = tracee_add(session->tracees, tid);
    if (!tracee)
        return error_no_memory();
    tracee->tgid = tgid;
    tracee->state = TRACEE_RUNNING;
    return NULL;
}

/* Seizes the threads that are not yet; *found says whether there were any. */
static struct error *seize_threads(struct session *session, pid_t pid, bool *found)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    if (!directory)
        return seize_failed(pid, ESRCH);
    struct error *error = NULL;
    const struct dirent *entry;
    *found = false;
    while (!error && (entry = readdir(directory))) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        if (tid <= 0 || tracee_find(session->tracees, tid))
            continue;
        int failure = pt_seize(tid, session->cleaning ? SEIZE_PLAIN : SEIZE_FOLLOW,
                               session->options->leak_check);
        /* A thread that ended meanwhile, or a new one that was seized along with its creator. */
        if (failure == ESRCH || (failure && proc_status_number(tid, "TracerPid", 0) == getpid()))
            continue;
        if (failure && tid != pid)
            continue;
        error = failure ? seize_failed(pid, failure) : add_tracee(session, tid, pid);
        *found = true;
    }
    closedir(directory);
    return error;
}

struct error *attach_seize(struct session *session, pid_t pid)
{
    if (pid == getpid())
        return error_format(ERROR_DENIED, "cannot attach to process %d: that is allocptrace itself",
                            (int)pid);
    pid_t tgid = proc_thread_group(pid, 0);
    if (!tgid)
        return seize_failed(pid, ESRCH);
    if (tgid != pid)
        return error_format(ERROR_NOT_FOUND,
                            "cannot attach to %d: that is a thread; give its process, %d", (int)pid,
                            (int)tgid);
    char state[64];
    proc_state(pid, state, sizeof state);
    if (*state == 'Z' || *state == 'X')
        return error_format(ERROR_NOT_FOUND, "cannot attach to process %d: it has ended (a zombie)",
                            (int)pid);
    if (!proc_is_native(pid))
        return error_format(
            ERROR_UNSUPPORTED,
            "cannot attach to process %d: it runs a program of another architecture, "
            "and this allocptrace traces %s programs only",
            (int)pid, ARCH_NAME);
    session->main_pid = pid;
    bool found = true;
    struct error *error = NULL;
    while (!error && found)
        error = seize_threads(session, pid, &found);
    if (!error && !tracee_find(session->tracees, pid))
        error = seize_failed(pid, ESRCH);
    return error;
}

/* A thread that can make system calls for us: stopped, with no stop of its own to be handled but a
 * group-stop, to which it returns. */
static struct tracee *choose_worker(const struct session *session)
{
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->stopped &&
            (!tracee->has_pending || stop_classify(tracee->pending_status).kind == STOP_GROUP))
            return tracee;
    }
    return NULL;
}

static void stop_or_remove(struct session *session, struct tracee *tracee)
{
    if (!step_stop(tracee) && !tracee->has_pending)
        tracee_remove(session->tracees, tracee);
}

static void stop_all(struct session *session)
{
    struct tracee *next;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee; tracee = next) {
        next = tracee_next(session->tracees, tracee);
        stop_or_remove(session, tracee);
    }
}

static void resume_all(struct session *session)
{
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->stopped && !tracee->has_pending && pt_continue(tracee->tid, 0) == 0)
            tracee->stopped = false;
    }
}

static enum stop_kind pending_kind(const struct tracee *tracee)
{
    return tracee->has_pending ? stop_classify(tracee->pending_status).kind : STOP_INTERRUPT;
}

/* Whether the thread is in the event of a new process, whose id goes to *child. A new thread's
 * event is handled in its turn. */
static bool event_child(const struct tracee *tracee, pid_t *child)
{
    unsigned long message;
    enum stop_kind kind = pending_kind(tracee);
    if ((kind != STOP_FORK && kind != STOP_VFORK && kind != STOP_CLONE) ||
        pt_event_message(tracee->tid, &message))
        return false;
    if (child)
        *child = (pid_t)message;
    return proc_thread_group((pid_t)message, (pid_t)message) != tracee->tgid;
}

/* A child that was forked before there was anything of ours in its parent is like those that had
 * been there before: it is none of ours. */
static void let_child_go(struct session *session, pid_t pid)
{
    int status;
    struct tracee *child = tracee_find(session->tracees, pid);
    if (!child)
        child = tracee_add(session->tracees, pid);
    if (!child)
        return;
    if (child->stopped || (await_stop(child, &status) && WIFSTOPPED(status)))
        pt_detach(pid, 0);
    tracee_remove(session->tracees, child);
}

/* A thread in a stop of its own goes past it and is stopped again. */
static void stop_again(struct session *session, struct tracee *tracee)
{
    struct stop stop = stop_classify(tracee->pending_status);
    tracee->has_pending = false;
    /* A trap may be that of a breakpoint that a dead tracer has left, for the handler left with it.
     */
    if (pt_continue(tracee->tid, stop.kind == STOP_TRAP ? SIGTRAP : stop.signal) == 0)
        tracee->stopped = false;
    stop_or_remove(session, tracee);
}

/* A thread that is in the way: of children, or as all threads are in stops of their own. */
static struct tracee *choose_in_the_way(const struct session *session)
{
    struct tracee *signalled = NULL;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        enum stop_kind kind = pending_kind(tracee);
        if (event_child(tracee, NULL))
            return tracee;
        if (kind == STOP_SIGNAL || kind == STOP_TRAP || kind == STOP_VFORK_DONE)
            signalled = tracee;
    }
    return choose_worker(session) ? NULL : signalled;
}

/* In a process with many children all threads may be in forks or on the way to SIGCHLD's handler.
 * Nothing of ours is in the process yet: they may go on. */
static void free_worker(struct session *session)
{
    struct tracee *tracee;
    while ((tracee = choose_in_the_way(session))) {
        pid_t child;
        if (event_child(tracee, &child))
            let_child_go(session, child);
        stop_again(session, tracee);
    }
}

struct error *attach_stop(struct session *session, struct tracee **worker)
{
    stop_all(session);
    free_worker(session);
    *worker = choose_worker(session);
    if (!*worker || !tracee_find(session->tracees, session->main_pid))
        return seize_failed(session->main_pid, ESRCH);
    return NULL;
}

struct error *attach_start(struct session *session)
{
    pid_t pid = session->main_pid;
    struct tracee *worker;
    struct error *error = attach_stop(session, &worker);
    if (error)
        return error;
    struct tracee *leader = tracee_find(session->tracees, pid);
    error = process_begin(session, leader, LOG_ORIGIN_ATTACH, 0);
    if (error)
        return error;
    struct space *space = leader->space;
    space->initial_sp = proc_initial_sp(pid);
    if (space->initial_sp)
        space->initial_sp += ARCH_CALL_POPS;
    for (struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (!tracee->space)
            process_add_thread(session, tracee, space);
    }
    space_prepare(session, space, worker, false);
    error = space_scan(session, space, worker);
    if (!error) {
        process_check_functions(session, space);
        found_blocks(session, space);
    }
    resume_all(session);
    return error;
}
