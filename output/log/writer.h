/* SPDX-License-Identifier: MIT */
/*
 * writer.h - appends records to a log file.
 *
 * Memory is bounded: one buffer, flushed when it is full and by log_writer_flush(). After the
 * first failed write (a full disk, a closed pipe) the writer keeps its error, drops everything
 * that follows and never fails again: the traced program must go on. A file cut off by such a
 * failure reads up to its last whole record. A pipe that nobody reads any more is such a failure
 * (EPIPE) only if the program ignores SIGPIPE, as a program that uses the writer has to.
 *
 * Not thread-safe: the caller holds a lock where threads share a writer.
 */
#ifndef ALLOCPTRACE_LOG_WRITER_H
#define ALLOCPTRACE_LOG_WRITER_H

#include "output/log/error.h"
#include "output/log/record.h"

struct log_writer;

/*
 * Creates path as file_create() does (file.h); "-" is standard output. A path that ends in ".zst"
 * is zstd-compressed (RFC 8878). The header is written at once, and a failure to do so is an error
 * here. header->version is not used: it is LOG_VERSION that is written.
 */
struct error *log_writer_open(const char *path, const struct log_header *header,
                              struct log_writer **writer);

/*
 * Encodes one record. Failures to write are kept, see log_writer_error(). Text and lists of more
 * than 7 MiB together are cut, so that every log can be read within LOG_READER_MAX_RECORD.
 */
void log_writer_put(struct log_writer *writer, const struct log_record *record);

/* Hands everything encoded so far to the kernel, ending a compressed block if need be. */
void log_writer_flush(struct log_writer *writer);

/* The first failure, or NULL; it stays the writer's. */
const struct error *log_writer_error(const struct log_writer *writer);

/*
 * How long the file has been taking nothing of what is being written to it (a pipe that is not
 * read, a server that does not answer), nanoseconds. May be called by any thread until the writer
 * is closed: the one that writes is waiting in the kernel meanwhile.
 */
uint64_t log_writer_stalled_ns(const struct log_writer *writer);

/* Bytes encoded (before compression) and bytes handed to the kernel. */
uint64_t log_writer_bytes_encoded(const struct log_writer *writer);
uint64_t log_writer_bytes_written(const struct log_writer *writer);

/* The file's name, for messages. */
const char *log_writer_path(const struct log_writer *writer);

/* Flushes and closes the file; what is put after that is dropped. */
void log_writer_finish(struct log_writer *writer);

/* Finishes, if that has not been done, and frees. Returns the writer's first failure, which the
 * caller then owns. */
struct error *log_writer_close(struct log_writer *writer);

#endif
