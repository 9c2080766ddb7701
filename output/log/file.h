/* SPDX-License-Identifier: MIT */
/*
 * file.h - creates the files that are written: logs and reports, in folders that others may write
 * to as well (/tmp).
 */
#ifndef ALLOCPTRACE_LOG_FILE_H
#define ALLOCPTRACE_LOG_FILE_H

#include "output/log/error.h"

/*
 * Opens path for writing. A regular file is always a new one of mode 0600: one that exists and may
 * be written to is removed first, so that nobody who has it open, or another name for it, sees
 * what is written. A symbolic link is refused, wherever it leads. Devices are opened as they are,
 * and named pipes if they are the user's own, which waits for their reader. Everything else is
 * refused.
 *
 * "-", /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N are what the process has open under
 * that number (bash's process substitution hands over such names); it is written to where it
 * stands.
 *
 * what is "the log" or "the report", for messages. The descriptor is the caller's, and
 * close-on-exec.
 */
struct error *file_create(const char *path, const char *what, int *fd);

#endif
