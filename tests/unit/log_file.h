/* SPDX-License-Identifier: MIT */
/*
 * log_file.h - files for the log's tests: in a folder of their own, or in memory.
 */
#ifndef ALLOCPTRACE_TESTS_LOG_FILE_H
#define ALLOCPTRACE_TESTS_LOG_FILE_H

#include <stddef.h>

/* cmocka setup and teardown: makes a folder that is removed with all that is in it. */
int log_folder_create(void **state);
int log_folder_remove(void **state);

/* A path in that folder; valid until the next call. */
const char *log_path(const char *name);

/* The whole file, malloc'd. */
unsigned char *file_bytes(const char *path, size_t *size);

/* A file in memory with these bytes, to be opened by its path; one at a time. */
const char *memory_file(const void *data, size_t size);

/* Writes all of log_samples to path. */
void write_samples(const char *path);

#endif
