/* SPDX-License-Identifier: MIT */
/*
 * reader.h - reads a log record by record, as a stream: memory does not grow with the file.
 *
 * The file may be a regular file, a pipe or standard input, compressed or not (found by its first
 * bytes, not its name). The bytes are untrusted: whatever they are, the reader ends with one of
 * the results below, never allocates more than LOG_READER_MAX_RECORD bytes for one record and
 * checks that each id in a definition is used after it was defined only where it needs it itself.
 */
#ifndef ALLOCPTRACE_LOG_READER_H
#define ALLOCPTRACE_LOG_READER_H

#include "output/log/error.h"
#include "output/log/record.h"

#define LOG_READER_MAX_RECORD (16u << 20)

struct log_reader;

enum log_read {
    LOG_READ_RECORD,    /* *record is set; its text stays valid until the next call */
    LOG_READ_END,       /* the file ended after a LOG_END record */
    LOG_READ_TRUNCATED, /* the file ended without one: all whole records were returned; when the
                           file has grown since, the next call goes on */
    LOG_READ_ERROR,     /* corrupt or unreadable: see log_reader_error() */
};

/* "-" is standard input. Reads the header; a file that is no log is an ERROR_FORMAT error. */
struct error *log_reader_open(const char *path, struct log_reader **reader);
const struct log_header *log_reader_header(const struct log_reader *reader);

enum log_read log_reader_next(struct log_reader *reader, struct log_record *record);

/* After LOG_READ_ERROR: the reader's, with the byte offset in the message. */
const struct error *log_reader_error(const struct log_reader *reader);

/* Offset (in decompressed bytes) of the first byte not yet returned as a record. */
uint64_t log_reader_offset(const struct log_reader *reader);

/* How much of the file has been read, from 0 to 1; negative where that is not known (a pipe). */
double log_reader_fraction(const struct log_reader *reader);

void log_reader_close(struct log_reader *reader);

#endif
