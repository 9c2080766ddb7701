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
    const char *what; /* is weighed, as one: "allocation", "block" */
    bool counts;      /* the weight is a number of them, not of bytes */
    uint64_t total;
    uint64_t beside; /* their bytes if the weight is a number, or else their number */
};

struct measure measure_of(const struct replay_totals *totals, enum metric metric);

/* A weight in its unit: "1.25 MiB", "1,234"; exact as format_bytes() has it. Returns out. */
const char *measure_format(const struct measure *measure, uint64_t weight, bool exact, char *out,
                           size_t size);
/* "1.25 MiB (1,310,720 bytes)", "1,234 allocations". Returns out. */
const char *measure_format_both(const struct measure *measure, uint64_t weight, char *out,
                                size_t size);
/* A weight and what is beside it: "1.25 MiB in 1,234 blocks", "1,234 allocations with 1.25 MiB";
 * with exact set bytes are told both ways. Returns out. */
const char *measure_format_pair(const struct measure *measure, uint64_t weight, uint64_t beside,
                                bool exact, char *out, size_t size);
/* What is beside a weight alone: "1,234 blocks", "1.25 MiB". Returns out. */
const char *measure_format_beside(const struct measure *measure, uint64_t beside, char *out,
                                  size_t size);

#endif
