/* SPDX-License-Identifier: MIT */
/*
 * synthetic_log.h - a log of any size for benchmarks: stacks of 12 frames, of which each hundred
 * share the outer eight, and blocks that are allocated and freed in random order.
 */
#ifndef ALLOCPTRACE_TESTS_SYNTHETIC_LOG_H
#define ALLOCPTRACE_TESTS_SYNTHETIC_LOG_H

#include <stdint.h>

#include "output/log/error.h"

struct synthetic_log {
    uint64_t events;
    uint32_t stacks;
    uint32_t frames;
    uint32_t live; /* at most so many blocks at a time */
};

/* The same log each time. */
struct error *synthetic_log_write(const char *path, const struct synthetic_log *log);

#endif
