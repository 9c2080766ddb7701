/* SPDX-License-Identifier: MIT */
#include "output/log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define ZSTD_LEVEL 3

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return length >= suffix_length && strcmp(text + length - suffix_length, suffix) == 0;
}

static struct error *open_file(const char *path, int *out)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0 && errno == ELOOP)
        return error_format(ERROR_DENIED,
                            "cannot write the log to %s: it is a symbolic link (or its directory "
                            "is a loop of them); name its target",
                            path);
    if (fd < 0)
        return error_errno(errno, "cannot write the log to %s", path);

    struct stat status;
    struct error *error = NULL;
    if (fstat(fd, &status) < 0)
        error = error_errno(errno, "cannot write the log to %s", path);
    else if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
        error = error_format(ERROR_DENIED,
                             "cannot write the log to %s: it is neither a regular file nor a pipe "
                             "nor a character device",
                             path);
    if (error)
        close(fd);
    else
        *out = fd;
    return error;
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
    *sink = (struct sink){.fd = STDOUT_FILENO, .owns_fd = !standard};
    sink->buffer = malloc(SINK_BUFFER);
    sink->path = strdup(standard ? "standard output" : path);
    bool ready =
        sink->buffer && sink->path && (!has_suffix(path, ".zst") || start_compression(sink));
    /* The file comes last: an existing one is not truncated when something else is missing. */
    struct error *error = ready ? NULL : error_no_memory();
    if (!error && !standard)
        error = open_file(path, &sink->fd);
    if (error)
        release(sink);
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

static void write_all(struct sink *sink, const unsigned char *data, size_t size)
{
    while (size && !sink->error) {
        ssize_t count = write(sink->fd, data, size);
        if (count < 0) {
            if (errno == EINTR || (errno == EAGAIN && wait_writable(sink->fd)))
                continue;
            fail(sink, error_errno(errno, "cannot write to %s", sink->path));
            return;
        }
        data += count;
        size -= (size_t)count;
        sink->written += (uint64_t)count;
    }
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

struct error *sink_close(struct sink *sink)
{
    empty_buffer(sink, ZSTD_e_end);
    /* Some file systems tell of a full disk only here (close(2)). Linux has released the
     * descriptor even after EINTR. */
    if (sink->owns_fd && close(sink->fd) < 0 && errno != EINTR)
        fail(sink, error_errno(errno, "cannot write to %s", sink->path));
    struct error *error = sink->error;
    release(sink);
    return error;
}
