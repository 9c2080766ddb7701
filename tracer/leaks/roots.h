/* SPDX-License-Identifier: MIT */
/*
 * roots.h - where a process keeps pointers outside its heap.
 *
 * In two steps. While all threads of the process are stopped the tracing thread notes what only
 * then can be had: registers, stack pointers, the mappings. The rest is worked out from memory,
 * which may be a forked copy's, later and on another thread.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_ROOTS_H
#define ALLOCPTRACE_TRACER_LEAKS_ROOTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "symbols/proc_maps.h"
#include "tracer/leaks/own_memory.h"
#include "tracer/leaks/reach.h"

struct session;
struct space;
struct tracee;

/* Kinds of roots that are searched: 1 << enum log_root_kind (--leak-roots). */
#define ROOTS_ALL 0x1fU

/* A thread as it was stopped. */
struct roots_thread {
    uint32_t thread; /* id in the log */
    uint64_t sp;     /* 0: not known, for it is on its way out; its whole stack is searched */
    uint64_t thread_pointer;
    bool at_entry; /* of a function that is given no pointers: only what calls preserve is in use */
};

/* A module's writable data in memory. */
struct roots_data {
    uint64_t start, end;
    uint32_t module; /* id in the log */
    uint64_t bias;
};

/* What was noted of a stopped process. */
struct roots_notes {
    pid_t pid; /* a thread of it */
    struct roots_thread *threads;
    size_t thread_count;
    struct reach_register *registers;
    size_t register_count;
    struct roots_data *data;
    size_t data_count;
    struct proc_maps maps;
    struct own_memory own;
    uint64_t initial_sp;  /* of the program's start, 0 if unknown */
    uint64_t tls_sizes;   /* bytes of all modules' thread-local variables together, at most */
    uint64_t tls_largest; /* and of one module */
};

/* Tracing thread; the process's threads are stopped, as far as they can be. at_entry: the one that
 * is at the first instruction of a function that is given no pointers, or NULL. */
struct error *roots_note(struct session *session, const struct space *space,
                         const struct tracee *at_entry, struct roots_notes *notes);
void roots_notes_deinit(struct roots_notes *notes);

/*
 * The ranges and registers that reach_decide() starts from, as far as kinds tells. A block that a
 * thread's stack pointer or thread pointer leads into the middle of (a coroutine's stack, a vector
 * of thread-local storage) is in use like one whose beginning is known: its address is among
 * the registers, under the name of the one that leads there.
 */
struct roots {
    struct reach_range *ranges; /* disjoint but for stacks of threads that share one */
    size_t range_count;
    struct reach_register *registers;
    size_t register_count;
    struct reach_range *constants;
    size_t constant_count;
    char problem[160]; /* what could not be made out, empty: nothing */
};

/* Any thread. pid's memory is read: the process's own, stopped, or a copy's. blocks are those that
 * are alive, ascending: memory that an allocator has them in is no root of its own, if what else
 * is there is known. */
struct error *roots_find(const struct roots_notes *notes, pid_t pid, unsigned kinds,
                         const struct live_block *blocks, size_t block_count, struct roots *roots);
void roots_deinit(struct roots *roots);

#endif
