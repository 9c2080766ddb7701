/* SPDX-License-Identifier: MIT */
/*
 * source.h - the bytes of a log, decompressed if need be, in a window that can be refilled.
 */
#ifndef ALLOCPTRACE_LOG_SOURCE_H
#define ALLOCPTRACE_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct source {
    int fd;
    char *path; /* for messages */
    /* The window: unread bytes stand at data[start .. end). */
    unsigned char *data;
    size_t capacity, start, end;
    uint64_t offset; /* of data[start] in the decompressed log */
    /* Compressed logs only. */
    struct ZSTD_DCtx_s *zstd; /* NULL: not compressed */
    unsigned char *input;
    size_t input_at, input_size;
    uint64_t input_offset; /* of input[0] in the file */
    bool output_pending;   /* the decompressor filled the window and may hold more */
};

/* path as log_reader_open() takes it. After an error there is nothing to close. */
struct error *source_open(struct source *source, const char *path);
void source_close(struct source *source);

/*
 * Reads on until at least wanted bytes are unread, which moves the window: pointers into it become
 * invalid. *ended is set if the file ends before; it may have grown at a later call.
 */
struct error *source_fill(struct source *source, size_t wanted, bool *ended);

/* How much of the file has been read, from 0 to 1; negative where that is not known (a pipe). */
double source_fraction(const struct source *source);

static inline size_t source_unread(const struct source *source)
{
    return source->end - source->start;
}

static inline const unsigned char *source_data(const struct source *source)
{
    return source->data + source->start;
}

static inline void source_consume(struct source *source, size_t size)
{
    source->start += size;
    source->offset += size;
}

#endif
