/* SPDX-License-Identifier: MIT */
#include "symbols/xz.h"

#include <lzma.h>
#include <stdlib.h>

#define RESULT_LIMIT (256u << 20)
#define DECODER_LIMIT (256u << 20)

static struct error *grow(lzma_stream *stream, char **out, size_t *capacity)
{
    size_t used = *capacity - stream->avail_out;
    size_t larger = *capacity ? *capacity * 2 : 64 * 1024;
    if (larger > RESULT_LIMIT)
        return error_format(ERROR_CORRUPT, "it unpacks to more than %u bytes", RESULT_LIMIT);
    char *moved = realloc(*out, larger);
    if (!moved)
        return error_no_memory();
    *out = moved;
    stream->next_out = (uint8_t *)moved + used;
    stream->avail_out = larger - used;
    *capacity = larger;
    return NULL;
}

struct error *xz_unpack(const void *packed, size_t size, char **out, size_t *out_size)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, DECODER_LIMIT, 0) != LZMA_OK)
        return error_no_memory();
    stream.next_in = packed;
    stream.avail_in = size;
    char *result = NULL;
    size_t capacity = 0;
    struct error *error = NULL;
    lzma_ret status = LZMA_OK;
    while (!error && status == LZMA_OK) {
        if (stream.avail_out == 0)
            error = grow(&stream, &result, &capacity);
        if (!error)
            status = lzma_code(&stream, LZMA_FINISH);
    }
    if (!error && status != LZMA_STREAM_END)
        error = error_format(ERROR_CORRUPT, "not a whole xz stream");
    size_t used = capacity - stream.avail_out;
    lzma_end(&stream);
    if (error) {
        free(result);
        return error;
    }
    *out = result;
    *out_size = used;
    return NULL;
}
