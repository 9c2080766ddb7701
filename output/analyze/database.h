/* SPDX-License-Identifier: MIT */
/*
 * database.h - fills the tables of a new SQLite database, row by row. The first error sticks, and
 * what comes after it does nothing: it is looked at once, at the end.
 */
#ifndef ALLOCPTRACE_ANALYZE_DATABASE_H
#define ALLOCPTRACE_ANALYZE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "output/log/error.h"

struct database;

/* In the file that a stream of ours has open, which must be an empty regular file. path is what
 * errors call it, and must outlive the database. */
struct error *database_create(int fd, const char *path, struct database **database);
/* Ends the last transaction and closes. What failed first, here or before. */
struct error *database_finish(struct database *database);

bool database_failed(const struct database *database);
/* Runs statements that give no rows. */
void database_run(struct database *database, const char *sql);

/* From here on rows are inserted by this INSERT statement: its parameters are set one after the
 * other, then the row is written. */
void database_prepare(struct database *database, const char *insert);
/* Numbers beyond SQLite's, which are signed, become the largest one. */
void database_put(struct database *database, uint64_t number);
/* Addresses keep all their bits: those of the upper half become negative. */
void database_put_signed(struct database *database, int64_t number);
void database_put_real(struct database *database, double number);
/* Neutralized (text.h): it may be printed as it is. NULL becomes null. */
void database_put_text(struct database *database, const char *text);
/* An id, of which 0 is none: null. */
void database_put_id(struct database *database, uint32_t id);
void database_put_null(struct database *database);
void database_put_row(struct database *database);

#endif
