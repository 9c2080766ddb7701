/* SPDX-License-Identifier: MIT */
/*
 * leak_path_text.h - for records of leak checks, what holds a block of theirs, in words.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_PATH_TEXT_H
#define ALLOCPTRACE_ANALYZE_LEAK_PATH_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "output/analyze/leak_records.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

/* The paths to a block of each of the first count records. */
struct leak_path_texts;

/* The records and the query are those of leak_records_collect(), and must outlive them. */
struct error *leak_path_texts_create(const struct report *report,
                                     const struct leak_records_query *query,
                                     const struct leak_records *records, size_t count,
                                     struct leak_path_texts **texts);
void leak_path_texts_destroy(struct leak_path_texts *texts);

/* Prints that of a record, by its place; nothing if nothing holds its blocks. */
void leak_path_texts_print(const struct leak_path_texts *texts, size_t record, FILE *out);

#endif
