/* SPDX-License-Identifier: MIT */
/*
 * page_leaks.h - the members of page_data.h about leak checks and about a baseline.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_LEAKS_H
#define ALLOCPTRACE_ANALYZE_PAGE_LEAKS_H

#include "output/analyze/leak_records.h"
#include "output/analyze/page_tables.h"

/* Records of leak checks. */
struct page_leaks {
    struct leak_records records;
    char **paths; /* by record, NULL for none; as texts for a person */
};

struct error *page_leaks_collect(const struct report *report, struct page_leaks *leaks);
void page_leaks_deinit(struct page_leaks *leaks);

/* Each writes a key and its value. nodes and sites are those of stacks. */
void page_put_checks(struct page_writer *writer, struct error **error);
void page_put_leaks(struct page_writer *writer, const struct page_leaks *leaks,
                    const uint32_t *nodes, const uint32_t *sites);

/* The stacks of a comparison: nodes and sites are those of its place in the comparison. */
void page_put_comparison(struct page_writer *writer, const uint32_t *nodes, const uint32_t *sites);

#endif
