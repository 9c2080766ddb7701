/* SPDX-License-Identifier: MIT */
/*
 * replay_parts.h - what the files of the replay (replay.c, replay_*.c) share. Not for
 * reports.
 */
#ifndef ALLOCPTRACE_ANALYZE_REPLAY_PARTS_H
#define ALLOCPTRACE_ANALYZE_REPLAY_PARTS_H

#include "output/analyze/live_map.h"
#include "output/analyze/mappings.h"
#include "output/analyze/replay.h"

/* No address space holds a larger block: 57 bits are the most that x86-64 can map. */
#define REPLAY_MOST_BYTES (UINT64_C(1) << 57)

struct replay_heap {
    struct live_map blocks;
    struct mappings mappings;
    bool selected;         /* its events are to be summed up */
    bool inherits_unknown; /* no copy was made: an unknown block is taken for its parent's */
    bool ended;
    bool found;        /* it has blocks from before tracing of its own */
    size_t inherited;  /* blocks that were copied to it from its parent */
    uint32_t forgiven; /* the last thread that ended, if nothing has happened since; 0: none */
    uint32_t resizing; /* the thread whose LOG_REALLOC_BEGIN is the last open one, 0: none */
};

struct replay_thread {
    uint64_t last_address; /* of its last allocation, 0 after it was freed */
    uint64_t unknown_run;  /* frees of unknown addresses since it last did something else */
    uint64_t bad_run;      /* of them, in replay.bad_frees */
    uint32_t last_bad;     /* see bad_frees_add() */
    uint64_t forgiven_run, forgiven_bad; /* unknown_run and bad_run as the thread ended */
    uint32_t forgiven_before;  /* the thread that ended before, see replay_heap.forgiven */
    bool resizing;             /* a LOG_REALLOC_BEGIN is open */
    struct live_block resized; /* its block; address 0 if it was not known */
    uint32_t earlier, later;   /* the heap's other threads that are resizing, 0: none */
};

/* One event in hand. */
struct replay_event {
    struct replay_thread *thread;
    struct replay_heap *heap;
    uint32_t thread_id;
    uint64_t time; /* ticks or, in a log without times, events */
};

/* Blocks that are not to be summed up are known all the same, so that their ends are. */
static inline bool replay_is_summed(const struct replay_heap *heap, const struct live_block *block)
{
    return heap->selected && block->row;
}

/* replay_blocks.c: all for blocks that are summed up. */

/* A block has come alive: counts it, unless it is a copy. */
struct error *replay_begin_block(struct replay *replay, const struct live_block *block,
                                 uint64_t time);
/* A block that is about to begin is what a reallocation has made of an old one. */
struct error *replay_continue_chain(struct replay *replay, const struct live_block *old,
                                    struct live_block *block);
/* A block has ended, whatever the reason; after REPLAY_RESIZED its chain goes on. */
struct error *replay_end_block(struct replay *replay, const struct live_block *block, uint64_t time,
                               enum replay_end how);
/* A block counts as leaked at this time: its age is added to the sums. */
void replay_note_age(const struct replay *replay, struct replay_sums *sums,
                     const struct live_block *block, uint64_t time);
/* A chain ends with this block. */
void replay_end_chain(struct replay *replay, const struct live_block *block);

/* The thread's open reallocation is over and changed nothing: its block is alive as before. */
struct error *replay_close_resize(struct replay *replay, const struct replay_event *event);

/* replay_process.c */

/* The history of what is summed up goes on to this time in a heap. */
struct error *replay_reach(struct replay *replay, const struct replay_heap *heap, uint64_t time);
/* The same while any process is running. */
struct error *replay_go_on(struct replay *replay, uint64_t time);
struct error *replay_begin_process(struct replay *replay, const struct log_process *process);
struct error *replay_end_process(struct replay *replay, const struct log_process_end *end);
void replay_end_thread(struct replay *replay, uint32_t id);

/* replay_found.c: blocks from before tracing began. */
struct error *replay_found(struct replay *replay, const struct log_found *found);
void replay_note_found_freed(struct replay *replay, const struct live_block *block);
/* After the last record: gives them a stack. */
struct error *replay_name_found(struct replay *replay);

static inline bool replay_is_found(const struct live_block *block)
{
    return block->inherited && !block->thread;
}

/* replay_leaks.c: records of leak checks. */
struct error *replay_leak_record(struct replay *replay, const struct log_record *record);

#endif
