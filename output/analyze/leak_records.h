/* SPDX-License-Identifier: MIT */
/*
 * leak_records.h - what leak checks say, as records for reports: blocks of one kind that were
 * allocated at one place. What a definitely lost block leads to is told with it.
 *
 * --filter chooses the stacks (any frame may match); --min-count and --threshold-bytes are about a
 * record's blocks and bytes.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_RECORDS_H
#define ALLOCPTRACE_ANALYZE_LEAK_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/leak_checks.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

struct leak_record {
    enum log_reach reach;
    uint32_t stack;   /* 0: the empty stack */
    uint32_t process; /* 0 where they are not told apart */
    bool found;       /* the blocks were there before tracing began */
    struct leak_amount direct;
    struct leak_amount indirect; /* of definitely lost ones: indirectly lost blocks they lead to */
};

struct leak_records {
    struct leak_record *list;
    size_t count;
};

struct leak_records_query {
    uint32_t check; /* only of this one; 0: of all that are shown */
    unsigned kinds; /* 1 << enum log_reach each */
    bool by_process;
    const uint32_t *same; /* same_stacks() */
    const bool *wanted;   /* filter_stacks() */
};

/* The worst kind first, in each the most bytes first. */
struct error *leak_records_collect(const struct report *report,
                                   const struct leak_records_query *query,
                                   struct leak_records *records);
void leak_records_deinit(struct leak_records *records);

/* By what a record is about: qsort(3)'s order. */
int leak_record_compare(const struct leak_record *one, const struct leak_record *other);

static inline uint64_t leak_record_bytes(const struct leak_record *record)
{
    return record->direct.bytes + record->indirect.bytes;
}

#endif
