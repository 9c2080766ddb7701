/* SPDX-License-Identifier: MIT */
#include "output/log/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW (64u << 10)
#define INPUT (64u << 10)
#define MAGIC_SIZE 4
/* log2 of the most bytes that the decompressor keeps: what all decoders should accept (RFC 8878
 * section 3.1.1.1.2), and what zstd's levels up to 19 need. */
#define WINDOW_LOG 23

/* *count is 0 at the end of the file. */
static struct error *read_some(const struct source *source, unsigned char *out, size_t size,
                               size_t *count)
{
    for (;;) {
        ssize_t got = read(source->fd, out, size);
        if (got >= 0) {
            *count = (size_t)got;
            return NULL;
        }
        struct pollfd poll_fd = {.fd = source->fd, .events = POLLIN};
        if (errno == EAGAIN && (poll(&poll_fd, 1, -1) >= 0 || errno == EINTR))
            continue;
        if (errno != EINTR)
            return error_errno(errno, "cannot read %s", source->path);
    }
}

/* RFC 8878 sections 3.1.1 and 3.1.2: a frame, or a skippable frame before it. */
static bool is_zstd(const unsigned char *data, size_t size)
{
    static const unsigned char frame[MAGIC_SIZE] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skippable[MAGIC_SIZE - 1] = {0x2a, 0x4d, 0x18};
    if (size < MAGIC_SIZE)
        return false;
    return memcmp(data, frame, sizeof frame) == 0 ||
           ((data[0] & 0xf0) == 0x50 && memcmp(data + 1, skippable, sizeof skippable) == 0);
}

static void release(struct source *source)
{
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    ZSTD_freeDCtx(source->zstd);
    free(source->input);
    free(source->data);
    free(source->path);
}

/* What was read as plain bytes so far becomes the decompressor's input. */
static struct error *start_decompression(struct source *source)
{
    source->input = malloc(INPUT);
    source->zstd = ZSTD_createDCtx();
    if (!source->input || !source->zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(source->zstd, ZSTD_d_windowLogMax, WINDOW_LOG)))
        return error_no_memory();
    memcpy(source->input, source->data, source->end);
    source->input_size = source->end;
    source->end = 0;
    return NULL;
}

static struct error *open_file(struct source *source, const char *path)
{
    source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return source->fd < 0 ? error_errno(errno, "cannot open %s", path) : NULL;
}

struct error *source_open(struct source *source, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    *source = (struct source){.fd = STDIN_FILENO, .capacity = WINDOW};
    source->path = strdup(standard ? "standard input" : path);
    source->data = malloc(WINDOW);
    struct error *error = source->path && source->data ? NULL : error_no_memory();
    if (!error && !standard)
        error = open_file(source, path);
    while (!error && source->end < MAGIC_SIZE) {
        size_t count = 0;
        error = read_some(source, source->data + source->end, MAGIC_SIZE - source->end, &count);
        if (error || !count)
            break;
        source->end += count;
    }
    if (!error && is_zstd(source->data, source->end))
        error = start_decompression(source);
    if (error)
        release(source);
    return error;
}

void source_close(struct source *source)
{
    release(source);
}

static struct error *make_room(struct source *source, size_t wanted)
{
    if (source->start) {
        memmove(source->data, source_data(source), source_unread(source));
        source->end -= source->start;
        source->start = 0;
    }
    if (wanted <= source->capacity)
        return NULL;
    size_t capacity = source->capacity;
    while (capacity < wanted)
        capacity *= 2;
    unsigned char *data = realloc(source->data, capacity);
    if (!data)
        return error_no_memory();
    source->data = data;
    source->capacity = capacity;
    return NULL;
}

static struct error *decompress_some(struct source *source, size_t *count)
{
    ZSTD_outBuffer out = {.dst = source->data + source->end,
                          .size = source->capacity - source->end};
    while (!out.pos) {
        if (source->input_at == source->input_size && !source->output_pending) {
            source->input_offset += source->input_size;
            source->input_at = source->input_size = 0;
            struct error *error = read_some(source, source->input, INPUT, &source->input_size);
            if (error || !source->input_size) {
                *count = 0;
                return error;
            }
        }
        ZSTD_inBuffer in = {
            .src = source->input, .size = source->input_size, .pos = source->input_at};
        size_t result = ZSTD_decompressStream(source->zstd, &out, &in);
        source->input_at = in.pos;
        if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
            return error_format(ERROR_CORRUPT,
                                "%s: compressed with a window of more than %u MiB: decompress it "
                                "first",
                                source->path, (1U << WINDOW_LOG) >> 20);
        if (ZSTD_isError(result))
            return error_format(
                ERROR_CORRUPT,
                "%s: compressed data is corrupt near byte offset %" PRIu64 " of the file: %s",
                source->path, source->input_offset + source->input_at, ZSTD_getErrorName(result));
        source->output_pending = out.pos == out.size && result > 0;
    }
    *count = out.pos;
    return NULL;
}

struct error *source_fill(struct source *source, size_t wanted, bool *ended)
{
    *ended = false;
    struct error *error = make_room(source, wanted);
    while (!error && source_unread(source) < wanted) {
        size_t count = 0;
        error = source->zstd ? decompress_some(source, &count)
                             : read_some(source, source->data + source->end,
                                         source->capacity - source->end, &count);
        if (error)
            break;
        if (!count) {
            *ended = true;
            break;
        }
        source->end += count;
    }
    return error;
}

double source_fraction(const struct source *source)
{
    struct stat status;
    off_t at = lseek(source->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(source->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size <= 0)
        return -1;
    return at < status.st_size ? (double)at / (double)status.st_size : 1;
}
