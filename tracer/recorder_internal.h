/* SPDX-License-Identifier: MIT */
/*
 * recorder_internal.h - shared by recorder.c (the queue, calls and events) and
 * recorder_define.c (processes, threads, modules); nobody else includes it.
 */
#ifndef ALLOCPTRACE_TRACER_RECORDER_INTERNAL_H
#define ALLOCPTRACE_TRACER_RECORDER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "output/log/stack_trie.h"
#include "output/log/writer.h"
#include "tracer/leaks/live_blocks.h"
#include "tracer/queue.h"
#include "tracer/recorder.h"
#include "tracer/symbol_thread.h"

enum recorder_item {
    ITEM_CALL = 1,
    ITEM_EVENT,
    ITEM_DEFINITION,
};

/* Rare items are objects on the heap; only a pointer to them goes through the queue. */
struct definition {
    void (*apply)(struct recorder *recorder, struct definition *definition);
    void (*discard)(struct definition *definition); /* in place of apply; NULL: free() will do */
};

struct definition_item {
    uint32_t item;
    struct definition *definition;
};

/* What the recording thread knows of a process. */
struct recorder_process_state {
    struct recorder_slot *slots;
    size_t slot_count, slot_capacity;
    uint64_t slots_start, slots_end; /* bounds of all slots */
    struct live_blocks *live;        /* NULL: no leak check, or no memory for it */
    bool live_lacking;               /* there was no memory for some of its blocks */
};

/* A call of a thread that has not returned. */
struct open_call {
    uint32_t stack;
    uint64_t old_address; /* of a reallocation */
    bool begun;           /* LOG_REALLOC_BEGIN has been written */
    bool replaced;        /* then: another block has come to be at old_address */
};

struct recorder_thread_state {
    uint32_t process;
    struct open_call *calls; /* by level */
    size_t capacity;
    bool reallocating; /* some of calls has an old_address and is not begun */
    bool begun;        /* some has, and is */
};

struct recorder {
    /* The tracing thread's. */
    struct queue *queue;
    struct timespec start;
    uint32_t published;
    uint64_t tick_ns;         /* the log's unit of time, 0: no times */
    void *spare;              /* where items are made once they are no longer wanted */
    struct error *given_up;   /* why: the log's file has stalled for too long */
    struct counters counters; /* for the log's end */

    /* The recording thread's. */
    pthread_t thread;
    struct unwinder *unwinder;
    struct stack_trie *stacks;
    struct recorder_process_state *processes; /* by process id */
    size_t process_count;
    struct recorder_thread_state *threads; /* by thread id */
    size_t thread_count;
    uint32_t frames; /* ids handed out */
    uint32_t incomplete_frame, depth_frame;
    uint32_t reallocating; /* threads whose reallocating flag is set */
    uint32_t begun;        /* threads whose begun flag is set */
    bool leak_check;
    struct unwind_result last;
    struct recorder_totals totals;
    struct timespec flushed;
    uint32_t since_flush;

    /* Shared. */
    _Atomic uint32_t unwound; /* calls worked off; a futex word */
    void (*before_end)(void *data);
    void *before_end_data;
    const char *_Atomic failure; /* to write, the writer's; NULL: none */
    _Atomic bool ending;         /* nothing will be published any more */
    pthread_mutex_t writer_lock; /* the symbol thread writes too */
    struct log_writer *writer;
    struct symbol_thread *symbols;
};

/* A time of recorder_now() in the log's unit. */
uint64_t recorder_ticks(const struct recorder *recorder, uint64_t ns);

/* Makes room for index in an array of zeroed elements; false when out of memory. */
bool recorder_grow(void **array, size_t *count, size_t index, size_t element);

/* Recording thread: keeps the flags and the counts of threads in reallocations after a change of a
 * thread's open calls. */
void recorder_note_reallocation(struct recorder *recorder, struct recorder_thread_state *thread);

/*
 * Recording thread: the blocks of a process that are alive, while leaks are looked for
 * (recorder_live.c). One that a reallocation is about to end is among them until that returns. A
 * process begins with none (parent 0) or with its parent's.
 */
void recorder_live_begin(struct recorder *recorder, uint32_t process, uint32_t parent);
void recorder_live_end(struct recorder *recorder, uint32_t process);
/* replaced: of the open call that the event ends. */
void recorder_live_event(struct recorder *recorder, const struct recorder_event *event,
                         uint32_t stack, bool replaced);
/* NULL for none, see struct recorder_process_state. */
struct live_blocks *recorder_live(const struct recorder *recorder, uint32_t process);

/* Tracing thread: whether the log's file has taken nothing for so long that the target is not to
 * wait for it any longer; data is the recorder. */
bool recorder_stalled(void *data);

void recorder_destroy(struct recorder *recorder);

/* Tracing thread: sends a definition on its way. */
void recorder_send(struct recorder *recorder, struct definition *definition);

#endif
