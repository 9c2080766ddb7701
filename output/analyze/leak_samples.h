/* SPDX-License-Identifier: MIT */
/*
 * leak_samples.h - for records of leak checks, what holds a block of theirs: of each the largest
 * block that something leads to, and the first one of these.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_SAMPLES_H
#define ALLOCPTRACE_ANALYZE_LEAK_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/leak_paths.h"
#include "output/analyze/leak_records.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

/* One for each of the first count records. */
struct leak_samples;

struct leak_sample {
    const struct leak_blocks *blocks; /* what the path's steps are places in */
    struct leak_path path;            /* to the block, at least one step long */
    uint32_t middle;                  /* the first one that is reached only by its middle */
};

/* The records and the query are those of leak_records_collect(), and must outlive them. */
struct error *leak_samples_create(const struct report *report,
                                  const struct leak_records_query *query,
                                  const struct leak_records *records, size_t count,
                                  struct leak_samples **samples);
void leak_samples_destroy(struct leak_samples *samples);

/* That of a record, by its place; false if nothing holds its blocks, or their paths are not kept.
 */
bool leak_samples_get(const struct leak_samples *samples, size_t record,
                      struct leak_sample *sample);

#endif
