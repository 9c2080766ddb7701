/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/glibc_reader.h"

#include <stdlib.h>
#include <string.h>

#define PAIR (2 * sizeof(uint64_t))

struct glibc_reader *glibc_reader_create(const struct glibc_memory *memory)
{
    struct glibc_reader *reader = malloc(sizeof *reader);
    if (!reader)
        return NULL;
    reader->memory = memory;
    reader->start = 0;
    reader->size = 0;
    reader->wanted = GLIBC_PAGE;
    for (size_t i = 0; i < GLIBC_PAGES; i++)
        reader->pages[i] = 1;
    return reader;
}

void glibc_reader_destroy(struct glibc_reader *reader)
{
    free(reader);
}

static bool refill(struct glibc_reader *reader, uint64_t address)
{
    /* Where chunks are long most of what is between their heads need not be read. */
    bool onward = address >= reader->start && address - reader->start <= reader->size + GLIBC_PAGE;
    if (!onward)
        reader->wanted = GLIBC_PAGE;
    else if (reader->wanted < GLIBC_WINDOW_MAX)
        reader->wanted *= 2;
    /* Ends with a page: the next piece then begins with one. */
    size_t wanted = reader->wanted - address % GLIBC_PAGE;
    if (wanted < PAIR)
        wanted += GLIBC_PAGE;
    reader->start = address;
    reader->size = reader->memory->read(address, reader->window, wanted, reader->memory->data);
    return reader->size >= PAIR;
}

bool glibc_read_pair(struct glibc_reader *reader, uint64_t address, uint64_t pair[2])
{
    uint64_t offset = address - reader->start;
    if (offset >= reader->size || reader->size - offset < PAIR) {
        if (!refill(reader, address))
            return false;
        offset = 0;
    }
    memcpy(pair, reader->window + offset, PAIR);
    return true;
}

bool glibc_peek(struct glibc_reader *reader, uint64_t address, uint64_t *word)
{
    uint64_t page = address & ~(GLIBC_PAGE - 1);
    size_t slot = page / GLIBC_PAGE % GLIBC_PAGES;
    uint8_t *contents = reader->contents[slot];
    if (reader->pages[slot] != page) {
        reader->pages[slot] = 1;
        if (reader->memory->read(page, contents, GLIBC_PAGE, reader->memory->data) != GLIBC_PAGE)
            return false;
        reader->pages[slot] = page;
    }
    memcpy(word, contents + (address - page), sizeof *word);
    return true;
}
