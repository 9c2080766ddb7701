/* SPDX-License-Identifier: MIT */
#include "output/log/sink.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "output/log/file.h"

#define ZSTD_LEVEL 3

/* A slow reader or server is seen to take something as long as it takes this much within the time
 * that callers of sink_stalled_ns() wait. A pipe that has room has it for PIPE_BUF bytes. */
#define FILE_PIECE 16384
#define PIPE_PIECE PIPE_BUF

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

static bool start_compression(struct sink *sink)
{
    sink->compressed_size = ZSTD_CStreamOutSize();
    sink->compressed = malloc(sink->compressed_size);
    sink->zstd = ZSTD_createCCtx();
    return sink->compressed && sink->zstd &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_checksumFlag, 1));
}

static void release(struct sink *sink)
{
    ZSTD_freeCCtx(sink->zstd);
    free(sink->compressed);
    free(sink->buffer);
    free(sink->path);
}

struct error *sink_open(struct sink *sink, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat status;
    *sink = (struct sink){.fd = -1, .piece = PIPE_PIECE};
    sink->buffer = malloc(SINK_BUFFER);
    sink->path = strdup(standard ? "standard output" : path);
    bool ready =
        sink->buffer && sink->path && (!has_suffix(path, ".zst") || start_compression(sink));
    /* The file comes last: an existing one is not replaced when something else is missing. */
    struct error *error = ready ? file_create(path, "the log", &sink->fd) : error_no_memory();
    if (error)
        release(sink);
    else if (fstat(sink->fd, &status) == 0 && S_ISREG(status.st_mode))
        sink->piece = FILE_PIECE;
    return error;
}

static void fail(struct sink *sink, struct error *error)
{
    if (sink->error)
        error_free(error);
    else
        sink->error = error;
}

/* Waits until a descriptor that somebody made non-blocking (it may be shared) takes bytes. */
static bool wait_writable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, -1) >= 0 || errno == EINTR;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t sink_stalled_ns(const struct sink *sink)
{
    uint64_t since = atomic_load_explicit(&sink->waiting_since, memory_order_relaxed);
    uint64_t now = now_ns();
    return since && now > since ? now - since : 0;
}

/* Writes some of the bytes; the number written, 0 after a failure. */
static size_t write_some(struct sink *sink, const unsigned char *data, size_t size)
{
    ssize_t count;
    do
        count = write(sink->fd, data, size < sink->piece ? size : sink->piece);
    while (count < 0 && (errno == EINTR || (errno == EAGAIN && wait_writable(sink->fd))));
    if (count > 0)
        return (size_t)count;
    /* A device that takes nothing and names no reason would be asked for ever. */
    fail(sink, error_errno(count ? errno : EIO, "cannot write to %s", sink->path));
    return 0;
}

static void write_all(struct sink *sink, const unsigned char *data, size_t size)
{
    while (size && !sink->error) {
        atomic_store_explicit(&sink->waiting_since, now_ns(), memory_order_relaxed);
        size_t count = write_some(sink, data, size);
        data += count;
        size -= count;
        sink->written += count;
    }
    atomic_store_explicit(&sink->waiting_since, 0, memory_order_relaxed);
}

static void compress_all(struct sink *sink, const unsigned char *data, size_t size,
                         ZSTD_EndDirective directive)
{
    ZSTD_inBuffer in = {.src = data, .size = size};
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = sink->compressed, .size = sink->compressed_size};
        left = ZSTD_compressStream2(sink->zstd, &out, &in, directive);
        if (ZSTD_isError(left)) {
            fail(sink, error_format(ERROR_SYSTEM, "cannot compress %s: %s", sink->path,
                                    ZSTD_getErrorName(left)));
            return;
        }
        write_all(sink, sink->compressed, out.pos);
    } while (!sink->error && (directive == ZSTD_e_continue ? in.pos < in.size : left > 0));
}

static void pass_on(struct sink *sink, const unsigned char *data, size_t size,
                    ZSTD_EndDirective directive)
{
    if (sink->error)
        return;
    sink->encoded += size;
    if (sink->zstd)
        compress_all(sink, data, size, directive);
    else
        write_all(sink, data, size);
}

static void empty_buffer(struct sink *sink, ZSTD_EndDirective directive)
{
    pass_on(sink, sink->buffer, sink->used, directive);
    sink->used = 0;
}

void sink_drain(struct sink *sink)
{
    empty_buffer(sink, ZSTD_e_continue);
}

void sink_write(struct sink *sink, const void *data, size_t size)
{
    if (size > SINK_BUFFER - sink->used) {
        sink_drain(sink);
        if (size > SINK_BUFFER) {
            pass_on(sink, data, size, ZSTD_e_continue);
            return;
        }
    }
    if (size)
        memcpy(sink->buffer + sink->used, data, size);
    sink->used += size;
}

void sink_flush(struct sink *sink)
{
    empty_buffer(sink, ZSTD_e_flush);
}

void sink_finish(struct sink *sink)
{
    empty_buffer(sink, ZSTD_e_end);
    /* Some file systems tell of a full disk only here (close(2)). Linux has released the
     * descriptor even after EINTR. */
    atomic_store_explicit(&sink->waiting_since, now_ns(), memory_order_relaxed);
    if (close(sink->fd) < 0 && errno != EINTR)
        fail(sink, error_errno(errno, "cannot write to %s", sink->path));
    atomic_store_explicit(&sink->waiting_since, 0, memory_order_relaxed);
}

struct error *sink_release(struct sink *sink)
{
    struct error *error = sink->error;
    release(sink);
    return error;
}
