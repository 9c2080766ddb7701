/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tracer/leaks/touched.h"
#include "tracer/ptrace_io.h"

#define MAX_PIECES 1024 /* IOV_MAX */
#define PAGE_BYTES UINT64_C(4096)

void leak_memory_init(struct leak_memory *memory, pid_t pid, const struct proc_maps *maps)
{
    *memory =
        (struct leak_memory){.pid = pid, .maps = maps, .pagemap = touched_open(pid), .fd = -1};
}

void leak_memory_deinit(struct leak_memory *memory)
{
    if (memory->fd >= 0)
        close(memory->fd);
    if (memory->pagemap >= 0)
        close(memory->pagemap);
    memory->fd = memory->pagemap = -1;
}

/* Pieces that are still to be read, and where to. */
struct rest {
    struct iovec pieces[MAX_PIECES];
    size_t first, count;
    uint8_t *out;
};

static void *as_place(uint64_t address)
{
    return (void *)address; /* NOLINT(performance-no-int-to-ptr): in another process */
}

static void advance(struct rest *rest, size_t bytes)
{
    rest->out += bytes;
    while (rest->first < rest->count) {
        struct iovec *piece = &rest->pieces[rest->first];
        if (bytes < piece->iov_len) {
            piece->iov_base = as_place((uint64_t)piece->iov_base + bytes);
            piece->iov_len -= bytes;
            return;
        }
        bytes -= piece->iov_len;
        rest->first++;
    }
}

/* What cannot be read of the first piece's first page; returns the bytes that it is. */
static size_t skip_page(struct rest *rest)
{
    const struct iovec *piece = &rest->pieces[rest->first];
    size_t size = (size_t)(PAGE_BYTES - (uint64_t)piece->iov_base % PAGE_BYTES);
    if (size > piece->iov_len)
        size = piece->iov_len;
    memset(rest->out, 0, size);
    advance(rest, size);
    return size;
}

static size_t skip_all(struct rest *rest)
{
    size_t skipped = 0;
    while (rest->first < rest->count)
        skipped += skip_page(rest);
    return skipped;
}

/* Reads as far as is possible at once. */
static int read_some(struct leak_memory *memory, struct rest *rest)
{
    size_t bytes = 0;
    int failure = 0;
    if (!memory->refused) {
        failure = mem_read_pieces(memory->pid, rest->pieces + rest->first,
                                  rest->count - rest->first, rest->out, &bytes);
    } else {
        const struct iovec *piece = &rest->pieces[rest->first];
        bytes = mem_read_file(memory->fd, (uint64_t)piece->iov_base, rest->out, piece->iov_len);
    }
    advance(rest, bytes);
    return failure;
}

static size_t read_batch(struct leak_memory *memory, struct rest *rest)
{
    size_t unreadable = 0;
    while (rest->first < rest->count) {
        const uint8_t *before = rest->out;
        int failure = read_some(memory, rest);
        if (failure == EPERM || failure == EACCES || failure == ENOSYS) {
            memory->refused = true;
            memory->fd = mem_open(memory->pid);
            if (memory->fd < 0)
                return unreadable + skip_all(rest);
        } else if (failure == ESRCH) {
            return unreadable + skip_all(rest);
        } else if (rest->out == before) {
            unreadable += skip_page(rest);
        }
    }
    return unreadable;
}

uint64_t leak_memory_read(const struct reach_piece *pieces, size_t count, void *out, void *data)
{
    struct leak_memory *memory = data;
    uint64_t unreadable = 0;
    struct rest rest;
    rest.out = out;
    while (count) {
        rest.first = 0;
        rest.count = count < MAX_PIECES ? count : MAX_PIECES;
        for (size_t i = 0; i < rest.count; i++)
            rest.pieces[i] =
                (struct iovec){.iov_base = as_place(pieces[i].address), .iov_len = pieces[i].size};
        unreadable += read_batch(memory, &rest);
        pieces += rest.count;
        count -= rest.count;
    }
    return unreadable;
}

void leak_memory_touched(uint64_t start, uint64_t end, reach_visit *visit, void *visit_data,
                         void *data)
{
    const struct leak_memory *memory = data;
    const struct proc_maps *maps = memory->maps;
    for (size_t i = proc_maps_from(maps, start); i < maps->count; i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        if (mapping->start >= end)
            break;
        uint64_t from = mapping->start > start ? mapping->start : start;
        uint64_t to = mapping->end < end ? mapping->end : end;
        /* A page of a file holds something before anybody touches it. */
        if (mapping->inode || mapping->shared)
            visit(from, to, visit_data);
        else
            touched_runs(memory->pagemap, from, to, TOUCHED_PRIVATE, visit, visit_data);
    }
}
