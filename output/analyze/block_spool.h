/* SPDX-License-Identifier: MIT */
/*
 * block_spool.h - keeps the life of each block of a replay in a temporary file, which is read when
 * all names are known: there may be more blocks than memory holds. Copies that forked children
 * inherit are left out.
 */
#ifndef ALLOCPTRACE_ANALYZE_BLOCK_SPOOL_H
#define ALLOCPTRACE_ANALYZE_BLOCK_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "output/analyze/replay.h"
#include "output/log/error.h"

struct spooled_block {
    uint64_t address, size;          /* bytes */
    uint64_t allocated_at, ended_at; /* ticks, or events */
    uint32_t stack, thread;
    uint32_t slack; /* bytes; LIVE_SLACK_UNKNOWN */
    uint32_t how;   /* enum replay_end */
};

struct error *block_spool_create(struct replay_observer **observer);

/* Before the first block is read. */
struct error *block_spool_rewind(struct replay_observer *observer);
/* The next block, in the order in which they ended; false after the last one or with an error. */
bool block_spool_next(struct replay_observer *observer, struct spooled_block *block,
                      struct error **error);

/* "freed", "resized", "missed", "left" or "exec". */
const char *block_spool_end_name(uint32_t how);

#endif
