/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/reach_scan.h"

#include <stdlib.h>

#include "tracer/leaks/reach_pages.h"

#define WORD sizeof(uint64_t)
/* What was read stays in the second-level cache until it is looked through. */
#define BUFFER_SIZE ((size_t)512 << 10)
#define MAX_PIECES 1024 /* what process_vm_readv(2) takes at once */
#define MAX_PARTS 16384
/* Bytes that are read for nothing cost less than one more piece. */
#define MAX_HOLE 1024
/* Up to this a walk has found but little to go on with: it is read by whole pages. */
#define LITTLE_PARTS 32
#define LITTLE_BYTES 16384
/* From here on it is worth to ask which pages were touched. */
#define LONG_BYTES (UINT64_C(256) << 10)

struct part {
    uint64_t address;
    size_t offset; /* in the buffer, words */
    uint32_t count, owner;
};

struct reach_scan {
    const struct reach_input *input;
    reach_words *words;
    void *data;
    struct reach_pages *pages;
    uint64_t *buffer;
    size_t used; /* bytes */
    struct reach_piece pieces[MAX_PIECES];
    size_t piece_count;
    struct part parts[MAX_PARTS];
    size_t part_count;
    uint32_t owner; /* of what is being added */
    uint64_t bytes, unreadable;
};

struct error *reach_scan_create(const struct reach_input *input, reach_words *words, void *data,
                                struct reach_scan **out)
{
    struct reach_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return error_no_memory();
    scan->input = input;
    scan->words = words;
    scan->data = data;
    scan->buffer = malloc(BUFFER_SIZE);
    scan->pages = reach_pages_create();
    if (!scan->buffer || !scan->pages) {
        reach_scan_destroy(scan);
        return error_no_memory();
    }
    *out = scan;
    return NULL;
}

void reach_scan_destroy(struct reach_scan *scan)
{
    if (!scan)
        return;
    reach_pages_destroy(scan->pages);
    free(scan->buffer);
    free(scan);
}

/* ---- Reading ---- */

static void hand_on(struct reach_scan *scan, const struct part *part, const uint64_t *words)
{
    scan->words(part->owner, part->address, words, part->count, scan->data);
    scan->bytes += part->count * WORD;
}

static void hand_on_from_pages(struct reach_scan *scan, struct part part)
{
    uint32_t left = part.count;
    while (left) {
        uint64_t in_page = (REACH_PAGE_SIZE - part.address % REACH_PAGE_SIZE) / WORD;
        part.count = left < in_page ? left : (uint32_t)in_page;
        hand_on(scan, &part, reach_pages_at(scan->pages, part.address));
        part.address += part.count * WORD;
        left -= part.count;
    }
}

void reach_scan_flush(struct reach_scan *scan)
{
    const struct reach_input *input = scan->input;
    bool little = scan->part_count <= LITTLE_PARTS && scan->used <= LITTLE_BYTES;
    if (!scan->part_count)
        return;
    if (little && reach_pages_load(scan->pages, input, scan->pieces, scan->piece_count)) {
        for (size_t i = 0; i < scan->part_count; i++)
            hand_on_from_pages(scan, scan->parts[i]);
    } else {
        scan->unreadable += input->read(scan->pieces, scan->piece_count, scan->buffer, input->data);
        for (size_t i = 0; i < scan->part_count; i++)
            hand_on(scan, &scan->parts[i], scan->buffer + scan->parts[i].offset);
    }
    scan->used = scan->piece_count = scan->part_count = 0;
}

/* ---- Adding ---- */

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

static void add_part(struct reach_scan *scan, uint64_t start, uint64_t end, uint32_t owner)
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

static void add_touched(uint64_t start, uint64_t end, void *data)
{
    struct reach_scan *scan = data;
    add_part(scan, start, end, scan->owner);
}

void reach_scan_add(struct reach_scan *scan, uint64_t start, uint64_t end, uint32_t owner)
{
    const struct reach_input *input = scan->input;
    scan->owner = owner;
    if (input->touched && start < end && end - start >= LONG_BYTES)
        input->touched(start, end, add_touched, scan, input->data);
    else
        add_part(scan, start, end, owner);
}

void reach_scan_count(struct reach_scan *scan, uint64_t *bytes, uint64_t *unreadable)
{
    *bytes = scan->bytes;
    *unreadable = scan->unreadable;
    scan->bytes = scan->unreadable = 0;
}
