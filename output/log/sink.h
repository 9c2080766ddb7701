/* SPDX-License-Identifier: MIT */
/*
 * sink.h - a buffered, optionally zstd-compressed stream of bytes into a file descriptor.
 *
 * It keeps its first failure and swallows all bytes after it.
 */
#ifndef ALLOCPTRACE_LOG_SINK_H
#define ALLOCPTRACE_LOG_SINK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

#define SINK_BUFFER (128u << 10)

struct sink {
    int fd;
    size_t piece; /* most bytes in one call of write(2) */
    char *path;   /* for messages */
    unsigned char *buffer;
    size_t used;
    struct ZSTD_CCtx_s *zstd; /* NULL: not compressed */
    unsigned char *compressed;
    size_t compressed_size;
    uint64_t encoded; /* bytes that have left the buffer; those in it are not counted */
    uint64_t written; /* bytes handed to the kernel */
    _Atomic uint64_t waiting_since; /* CLOCK_MONOTONIC, ns: the kernel has taken nothing of what it
                                       was given then; 0: nothing is being written */
    struct error *error;
};

/* path as log_writer_open() takes it. After an error there is nothing to close. */
struct error *sink_open(struct sink *sink, const char *path);

/* At least size (SINK_BUFFER at most) free bytes; the caller advances used by what it wrote. */
static inline unsigned char *sink_reserve(struct sink *sink, size_t size);

/* Appends bytes of any length. */
void sink_write(struct sink *sink, const void *data, size_t size);

/* Hands all to the kernel. */
void sink_flush(struct sink *sink);

/* Any thread: how long the kernel has been taking nothing of what is being written, ns. */
uint64_t sink_stalled_ns(const struct sink *sink);

/* Ends the compressed frame and closes the file; nothing may be written after that. */
void sink_finish(struct sink *sink);
/* Frees what a finished sink has. Returns its first failure, which the caller then owns. */
struct error *sink_release(struct sink *sink);

/* ---- Private ---- */

void sink_drain(struct sink *sink);

static inline unsigned char *sink_reserve(struct sink *sink, size_t size)
{
    if (SINK_BUFFER - sink->used < size)
        sink_drain(sink);
    return sink->buffer + sink->used;
}

#endif
