/* SPDX-License-Identifier: MIT */
#include "tracer/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/probe.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"
#include "tracer/sigtrap.h"
#include "tracer/stack_range.h"

/* What process_end.status says where no exit status exists. */
#define STATUS_DETACHED (-1)
#define STATUS_EXEC (-2)

static void tell_process(struct session *session, const struct tracee *tracee, uint32_t id,
                         enum log_process_origin origin, uint32_t parent)
{
    char executable[4096];
    struct proc_words arguments;
    proc_executable(tracee->tgid, executable, sizeof executable);
    proc_arguments(tracee->tgid, &arguments);
    struct log_text texts[PROC_WORDS_MAX];
    for (size_t i = 0; i < arguments.count; i++)
        texts[i] =
            (struct log_text){.data = arguments.words[i], .size = strlen(arguments.words[i])};
    struct log_process process = {
        .process = id,
        .parent = parent,
        .origin = origin,
        .pid = tracee->tgid,
        .executable = {.data = executable, .size = strlen(executable)},
        .argument_count = arguments.count,
        .arguments = texts,
    };
    recorder_process(session->recorder, &process);
    proc_words_deinit(&arguments);
    if (session->options->verbose) {
        fprintf(stderr, "allocptrace: process %d: ", (int)tracee->tgid);
        text_print(stderr, executable);
        fputc('\n', stderr);
    }
}

void process_add_thread(struct session *session, struct tracee *tracee, struct space *space)
{
    char name[64];
    proc_thread_name(tracee->tid, name, sizeof name);
    tracee->space = space;
    space->users++;
    space->users_ever++;
    if (!space->id)
        return;
    tracee->thread = ++session->threads;
    recorder_thread(session->recorder, tracee->thread, space->id, tracee->tid, name);
}

struct error *process_begin(struct session *session, struct tracee *tracee,
                            enum log_process_origin origin, uint32_t parent)
{
    struct space *space;
    struct error *error =
        space_create(session->spaces + 1, tracee->tgid, session->guardian, &space);
    if (error)
        return error;
    session->spaces++;
    space->own.complete = origin != LOG_ORIGIN_ATTACH;
    tell_process(session, tracee, space->id, origin, parent);
    process_add_thread(session, tracee, space);
    return NULL;
}

void process_check_functions(struct session *session, const struct space *space)
{
    bool dynamic = false;
    for (size_t i = 0; i < space->module_count; i++)
        dynamic = dynamic || space->modules[i].module->linker_breakpoint;
    /* A dynamic program's libraries are still to come. */
    if (space->functions || dynamic || session->limit_told)
        return;
    char executable[4096];
    proc_executable(space->pid, executable, sizeof executable);
    session_warn(session,
                 "no allocation function found in %s: it is static and has no symbols; name its "
                 "functions by address, as in --allocator='0xADDRESS@%s(size)'",
                 executable, strrchr(executable, '/') ? strrchr(executable, '/') + 1 : executable);
}

static void leave_space(struct session *session, struct tracee *tracee, int64_t status)
{
    struct space *space = tracee->space;
    probe_abandon(session, tracee);
    if (tracee->thread)
        recorder_thread_end(session->recorder, tracee->thread);
    tracee->thread = 0;
    if (space && tracee->pinned)
        guardian_unpinned(space->guardian, tracee->tid);
    tracee->space = NULL;
    if (!space || --space->users > 0)
        return;
    if (session->recorder && space->id)
        recorder_process_end(session->recorder, space->id, status);
    /* Another one cannot have been in the middle of a fork as it ended. */
    if (space->id && status != STATUS_DETACHED &&
        (space->users_ever > 1 || WIFSIGNALED((int)status)))
        orphan_keep_parent(&session->parents, space);
    else
        space_destroy(space);
}

void process_release(struct session *session, struct tracee *tracee, int signal)
{
    affinity_release(tracee);
    pt_detach(tracee->tid, signal);
    leave_space(session, tracee, STATUS_DETACHED);
    tracee_remove(session->tracees, tracee);
}

/* ---- Children ---- */

static bool shares_memory(enum stop_kind kind, const struct tracee *parent, pid_t child)
{
    int shared = mem_shared(parent->tid, child);
    /* A kernel without kcmp(2): vfork and posix_spawn share, fork does not. */
    return shared < 0 ? kind != STOP_FORK : shared > 0;
}

/* At the limit of open files there would be no end of it. */
static void tell_untraced(struct session *session, pid_t pid, const struct error *error)
{
    bool limit = error->errno_value == EMFILE;
    if (error->code == ERROR_GONE || (limit && session->limit_told))
        return;
    session->limit_told = session->limit_told || limit;
    session_warn(session, "process %d%s is not traced: %s", (int)pid,
                 limit ? ", like others later," : "", error->message);
}

static void place_copy(struct session *session, struct tracee *child, struct space *space,
                       uint32_t parent)
{
    session->spaces++;
    tell_process(session, child, space->id, LOG_ORIGIN_FORK, parent);
    process_add_thread(session, child, space);
}

/* A child of its own memory has a copy of our bytes. One that is not to be traced, or cannot be,
 * is let go at its first stop. */
static void take_in_copy(struct session *session, struct tracee *parent, struct tracee *child)
{
    struct space *space = NULL;
    struct error *error = NULL;
    bool follow = session->options->follow_fork && parent->space->id;
    if (follow)
        error = space_fork(parent->space, session->spaces + 1, child->tgid, &space);
    if (!error && space) {
        place_copy(session, child, space, parent->space->id);
        return;
    }
    error_free(space_fork(parent->space, 0, child->tgid, &space));
    if (error) {
        tell_untraced(session, child->tgid, error);
        error_free(error);
    }
    if (space)
        process_add_thread(session, child, space);
    child->release_at_stop = true;
}

/* A new tracee gets its place: in its parent's space, or in a copy of it. */
static void take_in(struct session *session, struct tracee *parent, struct tracee *child,
                    enum stop_kind kind)
{
    child->state = TRACEE_EXPECTED;
    child->tgid = proc_thread_group(child->tid, kind == STOP_CLONE ? parent->tgid : child->tid);
    affinity_inherited(child, parent);
    child->trap_blocked = parent->trap_blocked;
    bool thread = child->tgid == parent->tgid;
    if (!parent->space) {
        /* A program of another architecture: nothing of ours is in its memory. */
        child->release_at_stop = !thread && !session->options->follow_fork;
        return;
    }
    if (thread || shares_memory(kind, parent, child->tid)) {
        process_add_thread(session, child, parent->space);
        child->release_at_exec = !thread && !session->options->follow_fork;
    } else {
        take_in_copy(session, parent, child);
    }
    /* A vfork child runs inside its parent's calls as well, on its stack. */
    if (!thread && child->thread)
        probe_fork(session, parent, child);
}

void process_new_child(struct session *session, struct tracee *parent, enum stop_kind kind)
{
    unsigned long message;
    if (pt_event_message(parent->tid, &message))
        return;
    parent->vforking = kind == STOP_VFORK;
    pid_t tid = (pid_t)message;
    struct tracee *child = tracee_find(session->tracees, tid);
    if (child && child->state != TRACEE_NEW)
        return; /* adopted when its process ended */
    bool stopped_already = child;
    if (!child)
        child = tracee_add(session->tracees, tid);
    if (!child) {
        session_warn(session, "out of memory: child %d is not traced", (int)tid);
        return;
    }
    take_in(session, parent, child, kind);
    if (stopped_already)
        process_first_stop(session, child);
}

static const struct tracee *thread_of(const struct session *session, pid_t process,
                                      const struct tracee *but)
{
    for (const struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee != but && tracee->tgid == process)
            return tracee;
    }
    return NULL;
}

static void place_orphan(struct session *session, struct tracee *child, struct space *space,
                         uint32_t parent)
{
    if (session->options->follow_fork) {
        place_copy(session, child, space, parent);
        space_tell(session, space);
    } else {
        space_restore_text(space);
        space_destroy(space);
        child->release_at_stop = true;
    }
    process_first_stop(session, child);
}

void process_early_child(struct session *session, pid_t tid)
{
    struct tracee *child = tracee_add(session->tracees, tid);
    if (!child)
        return;
    child->state = TRACEE_NEW;
    child->stopped = true;
    child->tgid = proc_thread_group(tid, tid);
    child->creator = (pid_t)proc_status_number(tid, "PPid", 0);
    if (child->tgid != tid)
        return;
    /* The process that made it may have ended, or be another program by now. */
    bool traced = thread_of(session, child->creator, NULL);
    uint32_t parent;
    struct space *space = orphan_space_of_any(&session->parents, traced ? child->creator : 0,
                                              session->spaces + 1, tid, &parent);
    if (space)
        place_orphan(session, child, space, parent);
}

/* The last thread of a process is gone, or another program: events for children that have stopped
 * already were lost with the threads that would have reported them. Such a child may have been
 * given another parent by now, and is then told by its memory. */
static void adopt_children(struct session *session, struct tracee *last_thread)
{
    struct tracee *next;
    for (struct tracee *child = tracee_next(session->tracees, NULL); child; child = next) {
        next = tracee_next(session->tracees, child);
        if (child->state != TRACEE_NEW || child->tgid == last_thread->tgid)
            continue;
        if (child->creator == last_thread->tgid) {
            take_in(session, last_thread, child, STOP_FORK);
            process_first_stop(session, child);
        } else if (last_thread->space && !thread_of(session, child->creator, last_thread)) {
            const struct space *parent = last_thread->space;
            struct space *space = orphan_space(parent, session->spaces + 1, child->tgid);
            if (space)
                place_orphan(session, child, space, parent->id);
        }
    }
}

/* Lets a child go that is not to be traced; false if that cannot be. */
static bool let_go(struct session *session, struct tracee *child)
{
    if (child->space && child->space->mem < 0) {
        session_warn(session,
                     "child process %d is not recorded, and stays traced until it ends or executes "
                     "a program: its memory cannot be opened",
                     (int)child->tgid);
        child->release_at_exec = !session->options->follow_fork;
        return false;
    }
    if (child->space) {
        space_restore_text(child->space);
        sigtrap_end(child->space, child);
    }
    process_release(session, child, 0);
    return true;
}

void process_first_stop(struct session *session, struct tracee *child)
{
    if (child->ready_to_detach)
        return;
    if (child->release_at_stop && let_go(session, child))
        return;
    child->state = TRACEE_RUNNING;
    if (pt_continue(child->tid, 0) == 0)
        child->stopped = false;
}

/* ---- Exec ---- */

/* All other threads of the process ended with the exec, some without a word; if one of them
 * called it, it has taken over the leader's thread id. */
static void drop_other_threads(struct session *session, const struct tracee *leader)
{
    struct tracee *next;
    for (struct tracee *other = tracee_next(session->tracees, NULL); other; other = next) {
        next = tracee_next(session->tracees, other);
        if (other == leader || other->tgid != leader->tgid)
            continue;
        leave_space(session, other, STATUS_EXEC);
        tracee_remove(session->tracees, other);
    }
}

/* The thread that called execve goes on under the leader's thread id, with its own affinity. */
static void take_over_leader(struct session *session, struct tracee *leader)
{
    unsigned long former;
    leader->vforking = false;
    if (pt_event_message(leader->tid, &former) || (pid_t)former == leader->tid)
        return;
    const struct tracee *caller = tracee_find(session->tracees, (pid_t)former);
    if (caller)
        affinity_take_over(leader, caller);
}

void process_leave_image(struct session *session, struct tracee *tracee)
{
    take_over_leader(session, tracee);
    drop_other_threads(session, tracee);
    adopt_children(session, tracee);
    tracee->exec_from = tracee->space ? tracee->space->id : 0;
    tracee->exec_spawned = tracee->space && tracee->space->users > 1;
    tracee->exec_ignored_trap = tracee->space && sigtrap_ignored(tracee->space);
    leave_space(session, tracee, STATUS_EXEC);
    stack_range_forget(tracee);
}

void process_exec(struct session *session, struct tracee *tracee)
{
    process_leave_image(session, tracee);
    if (tracee->release_at_exec) {
        process_release(session, tracee, 0);
        return;
    }
    /* execve's own return value would overwrite a register; at the call's exit that is over. */
    tracee->state = TRACEE_EXEC;
    if (pt_continue_to_syscall(tracee->tid, 0) == 0)
        tracee->stopped = false;
}

/* It stays traced, as nothing but a link to the programs that it executes. */
static void tell_foreign(struct session *session, const struct tracee *tracee)
{
    char executable[4096];
    proc_executable(tracee->tgid, executable, sizeof executable);
    session_warn(session,
                 "process %d executes %s, a program of another architecture: it is not traced, but "
                 "what it executes is",
                 (int)tracee->tgid, executable);
}

static void resume(struct tracee *tracee)
{
    if (!tracee->has_pending && pt_continue(tracee->tid, 0) == 0)
        tracee->stopped = false;
}

void process_exec_done(struct session *session, struct tracee *tracee)
{
    struct arch_registers registers;
    bool first = session->launched && tracee->tid == session->main_pid && !tracee->exec_from;
    enum log_process_origin origin = first                  ? LOG_ORIGIN_LAUNCH
                                     : tracee->exec_spawned ? LOG_ORIGIN_CLONE
                                                            : LOG_ORIGIN_EXEC;
    tracee->state = TRACEE_RUNNING;
    if (!proc_is_native(tracee->tgid)) {
        tell_foreign(session, tracee);
        resume(tracee);
        return;
    }
    conflicts_privileges(session, tracee);
    struct error *error = process_begin(session, tracee, origin, tracee->exec_from);
    if (!error && pt_get_registers(tracee->tid, &registers) == 0) {
        /* The argument count stands at RSP; nothing above it is a frame. */
        tracee->space->initial_sp = arch_sp(&registers) + ARCH_CALL_POPS;
        space_prepare(session, tracee->space, tracee, tracee->exec_ignored_trap);
        error = space_scan(session, tracee->space, tracee);
    }
    if (error) {
        tell_untraced(session, tracee->tgid, error);
        error_free(error);
    } else if (tracee->space) {
        process_check_functions(session, tracee->space);
    }
    resume(tracee);
}

/* ---- Exit ---- */

/* What it started goes on, as daemons do. They may be out of the terminal's reach: Ctrl-C, which
 * was the program's business so far, is ours from now on. */
static void main_ended(struct session *session, int status)
{
    session->main_ended = true;
    session->main_status = status;
    session_end_on_interrupt();
    if (session->launched && tracee_count(session->tracees) > 1 && !session->options->quiet)
        fprintf(stderr,
                "allocptrace: %s has ended, and processes that it started are still "
                "traced: Ctrl-C detaches from them\n",
                session->options->command[0]);
}

void process_exit(struct session *session, struct tracee *tracee, int status)
{
    if (tracee->tid == session->main_pid)
        main_ended(session, status);
    if (!thread_of(session, tracee->tgid, tracee))
        adopt_children(session, tracee);
    leave_space(session, tracee, status);
    tracee_remove(session->tracees, tracee);
}
