/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/reach_scan.h"

#include <stdlib.h>

#define WORD sizeof(uint64_t)
#define BUFFER_SIZE ((size_t)4 << 20)
#define MAX_PIECES 1024 /* what process_vm_readv(2) takes at once */
#define MAX_PARTS 16384
/* Bytes that are read for nothing cost less than one more piece. */
#define MAX_HOLE 1024

struct part {
    uint64_t address;
    size_t offset; /* in the buffer, words */
    uint32_t count, owner;
};

struct reach_scan {
    uint64_t (*read)(const struct reach_piece *pieces, size_t count, void *out, void *data);
    void *read_data;
    reach_words *words;
    void *words_data;
    uint64_t *buffer;
    size_t used; /* bytes */
    struct reach_piece pieces[MAX_PIECES];
    size_t piece_count;
    struct part parts[MAX_PARTS];
    size_t part_count;
    uint64_t bytes, unreadable;
};

struct error *
reach_scan_create(uint64_t (*read)(const struct reach_piece *, size_t, void *, void *),
                  void *read_data, reach_words *words, void *words_data, struct reach_scan **out)
{
    struct reach_scan *scan = calloc(1, sizeof *scan);
    uint64_t *buffer = malloc(BUFFER_SIZE);
    if (!scan || !buffer) {
        free(scan);
        free(buffer);
        return error_no_memory();
    }
    scan->read = read;
    scan->read_data = read_data;
    scan->words = words;
    scan->words_data = words_data;
    scan->buffer = buffer;
    *out = scan;
    return NULL;
}

void reach_scan_destroy(struct reach_scan *scan)
{
    if (!scan)
        return;
    free(scan->buffer);
    free(scan);
}

void reach_scan_flush(struct reach_scan *scan)
{
    if (scan->piece_count)
        scan->unreadable +=
            scan->read(scan->pieces, scan->piece_count, scan->buffer, scan->read_data);
    for (size_t i = 0; i < scan->part_count; i++) {
        const struct part *part = &scan->parts[i];
        scan->words(part->owner, part->address, scan->buffer + part->offset, part->count,
                    scan->words_data);
        scan->bytes += part->count * WORD;
    }
    scan->used = scan->piece_count = scan->part_count = 0;
}

/* Bytes from address on, at most size, that there is room for; added to the pieces. */
static size_t add_piece(struct reach_scan *scan, uint64_t address, uint64_t size)
{
    size_t room = BUFFER_SIZE - scan->used;
    struct reach_piece *last = scan->piece_count ? &scan->pieces[scan->piece_count - 1] : NULL;
    /* A large value, too, where address is below the last piece's end. */
    uint64_t hole = last ? address - (last->address + last->size) : UINT64_MAX;
    if (hole > MAX_HOLE) {
        if (scan->piece_count == MAX_PIECES)
            return 0;
        hole = 0;
        last = &scan->pieces[scan->piece_count];
        *last = (struct reach_piece){.address = address};
    }
    if (room < hole + WORD)
        return 0;
    size_t taken = size < room - hole ? (size_t)size : room - hole;
    scan->piece_count = (size_t)(last - scan->pieces) + 1;
    last->size += hole + taken;
    scan->used += hole + taken;
    return taken;
}

void reach_scan_add(struct reach_scan *scan, uint64_t start, uint64_t end, uint32_t owner)
{
    uint64_t address = start > UINT64_MAX - (WORD - 1) ? end : (start + WORD - 1) & ~(WORD - 1);
    end &= ~(WORD - 1);
    while (address < end) {
        size_t taken = scan->part_count < MAX_PARTS ? add_piece(scan, address, end - address) : 0;
        if (!taken) {
            reach_scan_flush(scan);
            continue;
        }
        scan->parts[scan->part_count++] = (struct part){
            .address = address,
            .offset = (scan->used - taken) / WORD,
            .count = (uint32_t)(taken / WORD),
            .owner = owner,
        };
        address += taken;
    }
}

void reach_scan_count(struct reach_scan *scan, uint64_t *bytes, uint64_t *unreadable)
{
    *bytes = scan->bytes;
    *unreadable = scan->unreadable;
    scan->bytes = scan->unreadable = 0;
}
