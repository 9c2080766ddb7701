/* SPDX-License-Identifier: MIT */
/*
 * tracee.h - the traced threads, found by thread id.
 */
#ifndef ALLOCPTRACE_TRACER_TRACEE_H
#define ALLOCPTRACE_TRACER_TRACEE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/arch.h"
#include "tracer/inflight.h"
#include "tracer/space.h"

/* A region of memory that a stack pointer of this thread was found in. */
struct stack_range {
    uint64_t start; /* lowest address */
    uint64_t end;   /* above it lies nothing that unwinding needs; also the region's id */
    bool own;       /* the stack that the thread was started on: no caller lies elsewhere */
};

#define TRACEE_STACK_RANGES 4

/* A thread that begins a free. */
struct free_entry {
    uint64_t ip, sp, block;
    uint64_t stack; /* region id */
};

/* Handlers that interrupt each other at such a place. */
#define TRACEE_REPEATS 4

enum tracee_state {
    TRACEE_NEW,      /* it has stopped, and its parent is not known yet: held until it is */
    TRACEE_EXPECTED, /* known from its parent's event; its first stop is to come */
    TRACEE_EXEC,     /* between the exec event and the exit of execve: space not yet set up */
    TRACEE_RUNNING,  /* in the normal course of things, stopped or not */
};

struct tracee {
    pid_t tid, tgid;
    pid_t creator;   /* of a TRACEE_NEW: its parent process, as far as /proc tells */
    uint32_t thread; /* id in the log, 0 before it has one */
    enum tracee_state state;
    struct space *space;
    struct inflight calls;    /* of heap functions */
    struct inflight mappings; /* of mapping functions: these count inside heap calls too */
    struct stack_range ranges[TRACEE_STACK_RANGES];
    unsigned range_next; /* the one to be replaced next */
    bool stopped;        /* as far as we know */
    bool vforking;       /* it waits, or is about to, for its vfork child */
    /* A child that is not followed is let go at its first stop or, if it borrows its parent's
     * memory (vfork), at its exec. */
    bool release_at_stop, release_at_exec;
    uint32_t exec_from;     /* process id in the log that the exec ended or left, for TRACEE_EXEC */
    bool exec_spawned;      /* others go on in that process */
    bool exec_ignored_trap; /* see sigtrap_begin() */
    /* See sigtrap.h: the thread was seen blocking SIGTRAP; it had it blocked at its last
     * breakpoint; it is changing the signal's action, to ignore it. */
    bool trap_blocked, trap_was_blocked, action_changing, action_ignores;
    bool action_restored; /* in its process, see detach.c */
    /* A stop that was met while another was waited for, see tracee_keep_stop(). */
    bool has_pending;
    int pending_status;
    /* The free recorded at the last entry, and those that the thread will come to once more: see
     * probe_again().
     */
    struct free_entry last_free;
    struct free_entry repeats[TRACEE_REPEATS];
    unsigned repeat_count;
    bool held;            /* stopped while another thread steps, see step.h */
    bool exiting;         /* it has reached PTRACE_EVENT_EXIT */
    bool ready_to_detach; /* stopped for good, see detach.h */
    int detach_signal;    /* to be delivered then, or 0 */
    /* Sharing the tracer's core, see affinity.h. */
    uint32_t recent_stops;
    uint64_t recent_since_ns;
    bool pinned;
    bool saved_affinity_valid;
    cpu_set_t saved_affinity;
};

struct tracee_table;

struct tracee_table *tracee_table_create(void); /* NULL when out of memory */
void tracee_table_destroy(struct tracee_table *table);
struct tracee *tracee_find(struct tracee_table *table, pid_t tid);
struct tracee *tracee_add(struct tracee_table *table, pid_t tid); /* NULL when out of memory */
void tracee_remove(struct tracee_table *table, struct tracee *tracee);
size_t tracee_count(const struct tracee_table *table);

/* Whether the thread waits in the kernel for its vfork child to execute a program or to end: until
 * then nothing stops it, and it runs no code of its own. The child may be waiting for us. */
bool tracee_in_vfork(const struct tracee *tracee);

/* Keeps a stop that was met while another was waited for (during a system call made in a tracee, or
 * a single-step), to be handled in its turn. */
void tracee_keep_stop(struct tracee *tracee, int status);
/* Takes one of those back; NULL if there is none. Costs nothing when there is none. */
struct tracee *tracee_take_kept(struct tracee_table *table, int *status);

/* Walks all of them: start with NULL. The one returned last may be removed after the next call. */
struct tracee *tracee_next(const struct tracee_table *table, const struct tracee *after);

#endif
