/* SPDX-License-Identifier: MIT */
#include "output/analyze/gzip.h"

#include <stdlib.h>

#include <zlib.h>

#define WINDOW_BITS 15
#define AS_GZIP 16 /* added to the window's bits, zlib.h: deflateInit2() */
#define MEMORY_LEVEL 8

struct gzip {
    FILE *out;
    z_stream stream;
    unsigned char buffer[1 << 16];
};

struct error *gzip_create(FILE *out, struct gzip **gzip)
{
    *gzip = calloc(1, sizeof **gzip);
    if (!*gzip)
        return error_no_memory();
    (*gzip)->out = out;
    if (deflateInit2(&(*gzip)->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + AS_GZIP,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
        return NULL;
    free(*gzip);
    *gzip = NULL;
    return error_no_memory();
}

/* Compresses what stands in the stream's input. */
static void run(struct gzip *gzip, int flush)
{
    z_stream *stream = &gzip->stream;
    do {
        stream->next_out = gzip->buffer;
        stream->avail_out = sizeof gzip->buffer;
        deflate(stream, flush);
        fwrite(gzip->buffer, 1, sizeof gzip->buffer - stream->avail_out, gzip->out);
    } while (!stream->avail_out && !ferror(gzip->out));
}

void gzip_write(struct gzip *gzip, const void *data, size_t size)
{
    const unsigned char *next = data;
    while (size && !ferror(gzip->out)) {
        uInt part = size < (1u << 30) ? (uInt)size : 1u << 30;
        gzip->stream.next_in = (z_const Bytef *)next;
        gzip->stream.avail_in = part;
        run(gzip, Z_NO_FLUSH);
        next += part;
        size -= part;
    }
}

void gzip_destroy(struct gzip *gzip)
{
    if (!gzip)
        return;
    run(gzip, Z_FINISH);
    deflateEnd(&gzip->stream);
    free(gzip);
}
