/* SPDX-License-Identifier: MIT */
/*
 * sqlite_file.h - an SQLite database in a file that is already open, so that the file is the one
 * that was created by our rules (file.h) whatever its path has come to mean.
 *
 * It has no journal and takes no locks: for one writer of a new file, which is worthless if the
 * writing fails. Files that SQLite needs for sorting are its own.
 */
#ifndef ALLOCPTRACE_ANALYZE_SQLITE_FILE_H
#define ALLOCPTRACE_ANALYZE_SQLITE_FILE_H

#include <sqlite3.h>

#include "output/log/error.h"

/*
 * Opens a database in fd, which is the caller's, readable and writable, and an empty regular file.
 * There is at most one such database at a time. After an error there is nothing to be closed.
 */
struct error *sqlite_file_open(int fd, sqlite3 **database);
/* Closes it; all statements are to be finalized before. */
void sqlite_file_close(sqlite3 *database);
/* What the last failed system call on the file set errno to, 0 if none failed. */
int sqlite_file_errno(void);

#endif
