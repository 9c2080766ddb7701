/* SPDX-License-Identifier: MIT */
/*
 * measure.h - what a --metric is called, what its unit is, and what its shares are of.
 */
#ifndef ALLOCPTRACE_ANALYZE_MEASURE_H
#define ALLOCPTRACE_ANALYZE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/options.h"
#include "output/analyze/replay.h"

struct measure {
    const char *title;
    bool counts; /* the weight is a number of allocations, not of bytes */
    uint64_t total;
};

struct measure measure_of(const struct replay_totals *totals, enum metric metric);

/* A weight in its unit: "1.25 MiB", "1,234"; exact as format_bytes() has it. Returns out. */
const char *measure_format(const struct measure *measure, uint64_t weight, bool exact, char *out,
                           size_t size);
/* "1.25 MiB (1,310,720 bytes)", "1,234 allocations". Returns out. */
const char *measure_format_both(const struct measure *measure, uint64_t weight, char *out,
                                size_t size);

#endif
