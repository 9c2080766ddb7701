/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - the other side of a stop: unwinds snapshots, interns stacks and writes the log, on
 * threads of its own while the tracees run.
 *
 * The functions below are called by the tracing thread. They put items into the queue (queue.h) in
 * the order in which things happened, and the recording thread works them off in that order. A
 * third thread names code addresses (symbol_thread.h).
 */
#ifndef ALLOCPTRACE_TRACER_RECORDER_H
#define ALLOCPTRACE_TRACER_RECORDER_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "output/log/record.h"
#include "symbols/unwind.h"
#include "tracer/counters.h"

struct live_block;
struct recorder;

struct recorder_options {
    const char *path; /* the log's; "-" for standard output */
    const struct log_header *header;
    size_t depth;
    bool walk_only;        /* unwind with libdwfl alone */
    bool leak_check;       /* the blocks that are alive are kept, see recorder_internal.h */
    const cpu_set_t *cpus; /* where the recorder's threads may run, or NULL */
    /* Recording thread: all has been worked off, and the log's end is to be written. NULL is fine.
     */
    void (*before_end)(void *data);
    void *before_end_data;
};

struct error *recorder_start(const struct recorder_options *options, struct recorder **recorder);

/* Nanoseconds since the start of tracing (CLOCK_MONOTONIC). */
uint64_t recorder_now(const struct recorder *recorder);

/* Definitions. Texts are copied. */
void recorder_process(struct recorder *recorder, const struct log_process *process);
void recorder_process_end(struct recorder *recorder, uint32_t process, int64_t status);
void recorder_thread(struct recorder *recorder, uint32_t thread, uint32_t process, pid_t tid,
                     const char *name);
/* After recorder_thread(): the thread is a fork of another one and returns from its open calls. */
void recorder_thread_fork(struct recorder *recorder, uint32_t thread, uint32_t parent);
void recorder_thread_end(struct recorder *recorder, uint32_t thread);
void recorder_note(struct recorder *recorder, const char *text);

/* A distinct ELF file; fd is duplicated. root is where the target's files are, for debug files. */
void recorder_module(struct recorder *recorder, uint32_t module, int fd, const char *path,
                     const uint8_t *build_id, size_t build_id_size, const char *root);
void recorder_map(struct recorder *recorder, const struct log_map *map);
void recorder_unmap(struct recorder *recorder, const struct log_map *map);

/* Blocks that a process had before it was attached to; before all its events. */
struct recorder_found {
    uint64_t address, size;
};
void recorder_found(struct recorder *recorder, uint32_t process,
                    const struct recorder_found *blocks, size_t count);

/* Code of a process that runs at slot instead: a program counter found there is translated. */
struct recorder_slot {
    uint64_t slot;              /* address of the copy */
    uint64_t original;          /* address of what it is a copy of */
    uint8_t size, done, length; /* as in relocate.h */
};
void recorder_slot(struct recorder *recorder, uint32_t process, const struct recorder_slot *slot);

/*
 * A counted call begins. Filled in place by the caller: reserve, set the fields, read stack_size
 * bytes of stack from stack_start into stack, publish. A reservation may be given up by just not
 * publishing it.
 */
struct recorder_call {
    uint32_t item; /* the recorder's own */
    uint32_t process, thread;
    uint32_t level;       /* place among the thread's open calls: two nested ones differ by 2, and
                             calls of equal parity at higher levels are over */
    uint64_t old_address; /* block that a reallocation ends, 0 for none */
    const char *function; /* the traced function's symbol, alive as long as the recorder */
    struct unwind_registers registers;
    bool live; /* the tracee waits: what the snapshot lacks is read from it */
    pid_t tid; /* whose memory that is */
    uint64_t stack_start;
    size_t stack_size;
    uint8_t stack[];
};
struct recorder_call *recorder_call_reserve(struct recorder *recorder, size_t stack_size);
void recorder_call_publish(struct recorder *recorder, struct recorder_call *call);
/* Waits until the last published call has been unwound. Needed for live ones. */
void recorder_wait(struct recorder *recorder);
/* After recorder_wait(): the stack of that call, innermost first; the recorder's until the next
 * publication. NULL once the log has been given up. */
const struct unwind_result *recorder_last_stack(const struct recorder *recorder);

/* What a call came to. level is that of its recorder_call, or RECORDER_NO_CALL (a free). */
#define RECORDER_NO_CALL UINT32_MAX
struct recorder_event {
    uint32_t item; /* the recorder's own */
    uint32_t kind; /* enum log_kind, LOG_ALLOC to LOG_MUNMAP */
    uint32_t thread;
    uint32_t level;
    uint64_t time; /* recorder_now() when it happened */
    uint64_t address, old_address, size;
    uint64_t slack; /* as in struct log_alloc */
    bool has_slack;
};
void recorder_event(struct recorder *recorder, const struct recorder_event *event);

/*
 * A leak check, of which the recorder knows these things only. Once LOG_CHECK has been written, in
 * its place in the order of events, take() is called on the recording thread with the blocks that
 * are alive there, ascending, which it takes over; lacking: there was no memory for some of them.
 */
struct recorder_check {
    struct log_check check; /* time is recorder_now()'s */
    void (*take)(struct recorder_check *check, struct live_block *blocks, size_t count,
                 bool lacking);
};
/* False, and take() will not be called, if the log has been given up. */
bool recorder_check(struct recorder *recorder, struct recorder_check *check);

/* Any of the recorder's threads, or one that before_end() waits for: writes a record. */
void recorder_put(struct recorder *recorder, const struct log_record *record);

/* Whether the log has been given up, or is to be by now, for its file has stalled for too long: for
 * whoever waits for something other than room in the queue. */
bool recorder_gives_up(struct recorder *recorder);

/*
 * Why nothing more is written to the log, or NULL; stays valid until recorder_finish(). That is the
 * first failure to write, or that the file has taken nothing for RECORDER_PATIENCE_S while the
 * tracee waited for it. A file that takes a little now and then is waited for.
 */
#define RECORDER_PATIENCE_S 10
const char *recorder_failure(const struct recorder *recorder);

struct recorder_totals {
    struct unwinder_counters unwinder;
    uint64_t allocations, bytes_allocated; /* as valgrind counts: a realloc is one */
    uint64_t events, incomplete_stacks, depth_stacks, distinct_stacks, distinct_frames;
    uint64_t bytes_encoded, bytes_written, queue_full;
};

/*
 * Works everything off, names all addresses, writes the log's end with the counters and closes it.
 * What recorder_failure() tells, or a failure to write the end, is returned. Frees the recorder,
 * unless its file has stalled: then a thread of it is left waiting in the kernel for the process to
 * end.
 */
struct error *recorder_finish(struct recorder *recorder, const struct counters *counters,
                              struct recorder_totals *totals);

#endif
