/* SPDX-License-Identifier: MIT */
#include "output/analyze/packed_stream.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "output/analyze/gzip.h"

struct packed {
    FILE *below;
    struct gzip *gzip; /* either this */
    ZSTD_CCtx *zstd;   /* or this */
    char *buffer;
    size_t buffer_size;
};

/* Compresses what is there; with ZSTD_e_end also what the library has kept back. */
static void run_zstd(struct packed *packed, const char *data, size_t size, ZSTD_EndDirective mode)
{
    ZSTD_inBuffer in = {.src = data, .size = size};
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = packed->buffer, .size = packed->buffer_size};
        left = ZSTD_compressStream2(packed->zstd, &out, &in, mode);
        fwrite(packed->buffer, 1, out.pos, packed->below);
    } while (!ZSTD_isError(left) && (mode == ZSTD_e_end ? left > 0 : in.pos < in.size));
}

static ssize_t write_packed(void *cookie, const char *data, size_t size)
{
    struct packed *packed = cookie;
    if (packed->gzip)
        gzip_write(packed->gzip, data, size);
    else
        run_zstd(packed, data, size, ZSTD_e_continue);
    return ferror(packed->below) ? 0 : (ssize_t)size;
}

static int close_packed(void *cookie)
{
    struct packed *packed = cookie;
    if (packed->zstd && packed->buffer)
        run_zstd(packed, NULL, 0, ZSTD_e_end);
    gzip_destroy(packed->gzip);
    ZSTD_freeCCtx(packed->zstd);
    free(packed->buffer);
    free(packed);
    return 0;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name);
    return length >= strlen(ending) && strcmp(name + length - strlen(ending), ending) == 0;
}

struct error *packed_stream_open(FILE *below, const char *name, FILE **stream)
{
    bool gzip = name && ends_with(name, ".gz");
    *stream = below;
    if (!gzip && !(name && ends_with(name, ".zst")))
        return NULL;
    struct packed *packed = calloc(1, sizeof *packed);
    if (!packed)
        return error_no_memory();
    packed->below = below;
    struct error *error = NULL;
    if (gzip) {
        error = gzip_create(below, &packed->gzip);
    } else {
        packed->zstd = ZSTD_createCCtx();
        packed->buffer_size = ZSTD_CStreamOutSize();
        packed->buffer = malloc(packed->buffer_size);
    }
    bool made = packed->gzip || (packed->zstd && packed->buffer);
    const cookie_io_functions_t functions = {.write = write_packed, .close = close_packed};
    FILE *opened = made ? fopencookie(packed, "w", functions) : NULL;
    if (opened) {
        *stream = opened;
        return NULL;
    }
    packed->below = NULL;
    gzip_destroy(packed->gzip);
    ZSTD_freeCCtx(packed->zstd);
    free(packed->buffer);
    free(packed);
    return error ? error : error_no_memory();
}

void packed_stream_close(FILE *below, FILE *stream)
{
    if (stream != below)
        fclose(stream);
}
