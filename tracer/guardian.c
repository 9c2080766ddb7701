/* SPDX-License-Identifier: MIT */
#include "tracer/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/options.h"
#include "tracer/proc_files.h"
#include "tracer/recover.h"

/* Processes that can be watched at a time; later ones are found as children of these. */
#define MOST_PROCESSES 8192
/* Threads that share the tracer's core at a time; for more the last ones are not remembered. */
#define MOST_PINNED 4096

struct pinned {
    _Atomic pid_t tid; /* 0: free */
    cpu_set_t own;
};

struct shared {
    _Atomic pid_t pids[MOST_PROCESSES];
    _Atomic pid_t copies[GUARDIAN_COPIES];
    _Atomic pid_t parked_tid; /* 0: none */
    struct guardian_parked parked;
    struct pinned pinned[MOST_PINNED];
};

struct guardian {
    pid_t pid;
    int pipe; /* the tracer's end */
    size_t next;
    struct shared *shared;
};

/* ---- The guardian's side ---- */

struct found {
    pid_t pids[MOST_PROCESSES];
    size_t count;
};

static void find(struct found *found, pid_t pid)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->pids[i] == pid)
            return;
    }
    if (found->count == MOST_PROCESSES)
        return;
    found->pids[found->count++] = pid;
}

static void find_child(pid_t child, void *found)
{
    find(found, child);
}

/* A child that was forked just before the tracer's death may not have been told of. */
static void find_all(const struct shared *shared, struct found *found)
{
    for (size_t i = 0; i < MOST_PROCESSES; i++) {
        pid_t pid = atomic_load(&shared->pids[i]);
        if (pid)
            find(found, pid);
    }
    for (size_t i = 0; i < found->count; i++)
        proc_children(found->pids[i], find_child, found);
}

static bool is_watched(const struct shared *shared, pid_t pid)
{
    for (size_t i = 0; i < MOST_PROCESSES; i++) {
        if (atomic_load(&shared->pids[i]) == pid)
            return true;
    }
    return false;
}

static void note_copy(struct recover_state *state, pid_t copy)
{
    if (state->copy_count < GUARDIAN_COPIES)
        state->copies[state->copy_count++] = copy;
}

static bool is_found(const struct found *found, pid_t pid)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->pids[i] == pid)
            return true;
    }
    return false;
}

/* Copies end with the tracer, but for one that was just being made; its process may have ended
 * meanwhile, and then it is nobody's child that is watched. They are none of those that go on. */
static void end_copies(const struct options *options, const struct shared *shared,
                       struct found *found, struct recover_state *state)
{
    for (size_t i = 0; i < GUARDIAN_COPIES; i++) {
        pid_t copy = atomic_load(&shared->copies[i]);
        if (!copy)
            continue;
        note_copy(state, copy);
        if (!is_found(found, copy) || proc_exit_signal(copy) != 0)
            recover_copy(options, copy, true);
    }
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        pid_t pid = found->pids[i];
        if (!is_watched(shared, pid) && recover_copy(options, pid, false))
            note_copy(state, pid);
        else
            found->pids[kept++] = pid;
    }
    found->count = kept;
}

static void unpin_all(struct shared *shared)
{
    for (size_t i = 0; i < MOST_PINNED; i++) {
        pid_t tid = atomic_load(&shared->pinned[i].tid);
        if (tid)
            sched_setaffinity(tid, sizeof shared->pinned[i].own, &shared->pinned[i].own);
    }
}

static void clean_up(const struct options *options, struct shared *shared)
{
    struct found *found = calloc(1, sizeof *found);
    struct recover_state *state = calloc(1, sizeof *state);
    if (!found || !state) {
        free(found);
        free(state);
        return;
    }
    find_all(shared, found);
    /* At once, for each breakpoint that is met now costs the target a signal. */
    for (size_t i = 0; i < found->count; i++)
        recover_text(found->pids[i]);
    unpin_all(shared);
    state->parked_tid = atomic_load(&shared->parked_tid);
    state->parked = shared->parked;
    end_copies(options, shared, found, state);
    for (size_t i = 0; i < found->count; i++) {
        struct error *error = recover_process(options, found->pids[i], state);
        if (!error)
            fprintf(stderr,
                    "allocptrace: the tracer was killed; process %d goes on without breakpoints\n",
                    (int)found->pids[i]);
        else if (error->code != ERROR_NOT_FOUND && error->code != ERROR_GONE)
            fprintf(stderr, "allocptrace: the tracer was killed: %s\n", error->message);
        error_free(error);
    }
    free(found);
    free(state);
}

static _Noreturn void guard(const struct options *tracing, const cpu_set_t *allowed, int pipe,
                            struct shared *shared)
{
    struct options options = {.affinity = AFFINITY_FREE, .quiet = true, .depth = tracing->depth};
    sched_setaffinity(0, sizeof *allowed, allowed);
    /* Keys pressed in the terminal, or its end, are the tracer's matter. */
    setsid();
    prctl(PR_SET_NAME, "allocptrace:gua");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    char byte;
    ssize_t got;
    do
        got = read(pipe, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        clean_up(&options, shared);
    _exit(0);
}

/* ---- The tracer's side ---- */

struct error *guardian_start(const struct options *options, const cpu_set_t *allowed,
                             struct guardian **out)
{
    struct guardian *guardian = calloc(1, sizeof *guardian);
    if (!guardian)
        return error_no_memory();
    guardian->shared = mmap(NULL, sizeof *guardian->shared, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    if (guardian->shared == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0) {
        free(guardian);
        return error_errno(errno, "cannot start the process that cleans up if allocptrace is "
                                  "killed");
    }
    guardian->pipe = ends[1];
    guardian->pid = fork();
    if (guardian->pid == 0) {
        close(ends[1]);
        guard(options, allowed, ends[0], guardian->shared);
    }
    close(ends[0]);
    *out = guardian;
    if (guardian->pid < 0) {
        struct error *error = error_errno(errno, "cannot start the process that cleans up if "
                                                 "allocptrace is killed");
        guardian_stop(guardian);
        *out = NULL;
        return error;
    }
    return NULL;
}

void guardian_stop(struct guardian *guardian)
{
    if (!guardian)
        return;
    if (guardian->pid > 0 && write(guardian->pipe, "", 1) == 1)
        waitpid(guardian->pid, NULL, 0);
    close(guardian->pipe);
    munmap(guardian->shared, sizeof *guardian->shared);
    free(guardian);
}

static void forget(_Atomic pid_t *places, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        pid_t expected = pid;
        if (atomic_compare_exchange_strong(&places[i], &expected, 0))
            return;
    }
}

void guardian_watch(struct guardian *guardian, pid_t pid)
{
    if (!guardian)
        return;
    for (size_t i = 0; i < MOST_PROCESSES; i++) {
        _Atomic pid_t *place = &guardian->shared->pids[(guardian->next + i) % MOST_PROCESSES];
        if (atomic_load(place))
            continue;
        atomic_store(place, pid);
        guardian->next += i + 1;
        return;
    }
}

void guardian_forget(struct guardian *guardian, pid_t pid)
{
    if (guardian)
        forget(guardian->shared->pids, MOST_PROCESSES, pid);
}

void guardian_copied(struct guardian *guardian, pid_t copy)
{
    if (!guardian)
        return;
    for (size_t i = 0; i < GUARDIAN_COPIES; i++) {
        pid_t expected = 0;
        if (atomic_compare_exchange_strong(&guardian->shared->copies[i], &expected, copy))
            return;
    }
}

void guardian_uncopied(struct guardian *guardian, pid_t copy)
{
    if (guardian)
        forget(guardian->shared->copies, GUARDIAN_COPIES, copy);
}

void guardian_pinned(struct guardian *guardian, pid_t tid, const cpu_set_t *own)
{
    if (!guardian)
        return;
    struct pinned *place = NULL;
    for (size_t i = 0; i < MOST_PINNED && !place; i++) {
        if (!atomic_load(&guardian->shared->pinned[i].tid))
            place = &guardian->shared->pinned[i];
    }
    if (!place)
        return;
    place->own = *own;
    atomic_store(&place->tid, tid);
}

void guardian_unpinned(struct guardian *guardian, pid_t tid)
{
    if (!guardian)
        return;
    for (size_t i = 0; i < MOST_PINNED; i++) {
        pid_t expected = tid;
        if (atomic_compare_exchange_strong(&guardian->shared->pinned[i].tid, &expected, 0))
            return;
    }
}

void guardian_park(struct guardian *guardian, pid_t tid, const struct guardian_parked *parked)
{
    if (!guardian)
        return;
    guardian->shared->parked = *parked;
    atomic_store(&guardian->shared->parked_tid, tid);
}

void guardian_unpark(struct guardian *guardian)
{
    if (guardian)
        atomic_store(&guardian->shared->parked_tid, 0);
}
