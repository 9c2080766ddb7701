/* SPDX-License-Identifier: MIT */
/*
 * page_tables.h - the members of page_data.h that are tables.
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_TABLES_H
#define ALLOCPTRACE_ANALYZE_PAGE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/cbor_out.h"
#include "output/analyze/page_nodes.h"
#include "output/analyze/page_rows.h"
#include "output/analyze/report.h"

/* Names that are written once, as one list. */
struct page_texts {
    const char **list; /* not owned; the first one is "" */
    size_t count, capacity;
    struct key_id *ids; /* by pointer: the place + 1 */
    bool failed;        /* out of memory */
};

bool page_texts_init(struct page_texts *texts);
void page_texts_deinit(struct page_texts *texts);
/* The place of an interned text; NULL is "". */
uint32_t page_texts_add(struct page_texts *texts, const char *text);

struct page_writer {
    struct cbor_out *cbor;
    const struct report *report;
    struct page_texts texts;
    struct page_nodes *nodes;
    struct page_rows rows;
    uint64_t *column; /* room for that of the largest table */
    double *doubles;  /* likewise, of times */
};

/* Each writes a key and its value. */
void page_put_lines(struct page_writer *writer);
void page_put_nodes(struct page_writer *writer);
void page_put_processes(struct page_writer *writer);
void page_put_threads(struct page_writer *writer);
void page_put_rows(struct page_writer *writer);
void page_put_bins(struct page_writer *writer);
void page_put_points(struct page_writer *writer);
void page_put_histograms(struct page_writer *writer); /* four members */

/* One column of a table: get is asked for each of count numbers. */
void page_put_column(struct page_writer *writer, const char *key, size_t count,
                     uint64_t (*get)(const struct page_writer *writer, const void *data,
                                     size_t index),
                     const void *data);

#endif
