/* SPDX-License-Identifier: MIT */
/*
 * glibc_reader.h - reads single words of a process's memory in large pieces.
 *
 * A window for those who go upwards: its next piece is the larger the more of the last one was
 * looked at. Pages for those who follow lists.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_GLIBC_READER_H
#define ALLOCPTRACE_TRACER_LEAKS_GLIBC_READER_H

#include "tracer/leaks/glibc_heap.h"

#define GLIBC_PAGE UINT64_C(4096)

#define GLIBC_WINDOW_MAX (UINT64_C(256) << 10)
#define GLIBC_PAGES 256

struct glibc_reader {
    const struct glibc_memory *memory;
    uint64_t start;              /* of the window */
    size_t size;                 /* read */
    size_t wanted;               /* at the next read */
    uint64_t pages[GLIBC_PAGES]; /* addresses; 1 for none */
    uint8_t window[GLIBC_WINDOW_MAX];
    uint8_t contents[GLIBC_PAGES][GLIBC_PAGE];
};

/* NULL when out of memory. */
struct glibc_reader *glibc_reader_create(const struct glibc_memory *memory);
void glibc_reader_destroy(struct glibc_reader *reader);

/* Two words at an address that is a multiple of 8; false if they cannot be read. */
bool glibc_read_pair(struct glibc_reader *reader, uint64_t address, uint64_t pair[2]);
/* A word at an address that is a multiple of 8, somewhere. */
bool glibc_peek(struct glibc_reader *reader, uint64_t address, uint64_t *word);

#endif
