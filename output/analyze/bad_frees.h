/* SPDX-License-Identifier: MIT */
/*
 * bad_frees.h - frees of addresses where no block was alive, and what had been there.
 *
 * The last million blocks that were freed are remembered: a free of one of their addresses is a
 * double free. Of any other address it is invalid, or of a block from before tracing began.
 */
#ifndef ALLOCPTRACE_ANALYZE_BAD_FREES_H
#define ALLOCPTRACE_ANALYZE_BAD_FREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/live_map.h"

struct bad_free {
    uint64_t address;
    uint64_t time; /* ticks, or events */
    uint32_t process, thread;
    uint32_t stack; /* of the call, 0 if the log does not have it */
    /* The block that had been there and was freed before. */
    uint32_t freed_by; /* thread; 0: none is known */
    uint32_t row;      /* 0: it is not summed up */
    uint64_t freed_at; /* time */
    uint64_t size;     /* bytes */
    uint32_t previous; /* private: the thread's one before */
    bool cleanup;      /* the C library's own, as the thread ended: no fault */
};

/* One of zeros is empty. */
struct bad_frees {
    struct bad_free *list; /* the first BAD_FREES_MOST in the log's order */
    size_t count;
    /* private: */
    size_t capacity;
    struct bad_frees_ring *ring;
};

#define BAD_FREES_MOST 10000

void bad_frees_deinit(struct bad_frees *frees);
/* A block has been freed by a thread of a process. False when out of memory. */
bool bad_frees_note_freed(struct bad_frees *frees, uint32_t process, const struct live_block *block,
                          uint32_t thread, uint64_t time);
/* A block has come to be: its address may be freed again. */
void bad_frees_note_allocated(struct bad_frees *frees, uint32_t process, uint64_t address);
/*
 * No block was alive at bad->address; fills in what had been there. *last is the place of the
 * thread's last one in the list, from 1 (0: none yet), and stays what it was if the list is full.
 * False when out of memory.
 */
bool bad_frees_add(struct bad_frees *frees, struct bad_free *bad, uint32_t *last);
/* The last count ones in the list of a thread, whose last one is given, were the C library's own,
 * or not. */
void bad_frees_forgive(struct bad_frees *frees, uint32_t last, uint64_t count, bool cleanup);

#endif
