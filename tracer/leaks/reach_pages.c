/* SPDX-License-Identifier: MIT */
/* Pages are read into frames that are used in turn. Where a page is, is looked up in a table
 * without chains: one that another page's entry has replaced counts as not there. */
#include "tracer/leaks/reach_pages.h"

#include <stdlib.h>

#define PAGE_WORDS (REACH_PAGE_SIZE / sizeof(uint64_t))
#define FRAMES 1024
#define ENTRIES 4096
#define MAX_AHEAD 16
#define LAST_PAGE (UINT64_MAX / REACH_PAGE_SIZE)

struct reach_pages {
    uint64_t numbers[FRAMES]; /* of the pages in the frames: address / REACH_PAGE_SIZE */
    uint16_t frames[ENTRIES]; /* by page number modulo ENTRIES */
    size_t next;              /* frame that is used next */
    uint64_t first, last;     /* of the pages that were missing last */
    size_t ahead;             /* how many are read ahead when the next ones to these are missing */
    uint64_t missing[REACH_PAGES_MAX + MAX_AHEAD];
    size_t missing_count;
    uint64_t (*data)[PAGE_WORDS];
};

struct reach_pages *reach_pages_create(void)
{
    struct reach_pages *pages = calloc(1, sizeof *pages);
    if (!pages)
        return NULL;
    pages->data = malloc(FRAMES * sizeof *pages->data);
    if (!pages->data) {
        free(pages);
        return NULL;
    }
    for (size_t i = 0; i < FRAMES; i++)
        pages->numbers[i] = UINT64_MAX;
    return pages;
}

void reach_pages_destroy(struct reach_pages *pages)
{
    if (!pages)
        return;
    free(pages->data);
    free(pages);
}

static bool is_there(const struct reach_pages *pages, uint64_t number)
{
    return pages->numbers[pages->frames[number % ENTRIES]] == number;
}

static uint64_t first_page(const struct reach_piece *piece)
{
    return piece->address / REACH_PAGE_SIZE;
}

static uint64_t last_page(const struct reach_piece *piece)
{
    return (piece->address + (piece->size - 1)) / REACH_PAGE_SIZE;
}

static bool all_there(const struct reach_pages *pages, const struct reach_piece *pieces,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (uint64_t number = first_page(&pieces[i]); number <= last_page(&pieces[i]); number++) {
            if (!is_there(pages, number))
                return false;
        }
    }
    return true;
}

/* False if they are too many. */
static bool find_missing(struct reach_pages *pages, const struct reach_piece *pieces, size_t count)
{
    pages->missing_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t number = first_page(&pieces[i]); number <= last_page(&pieces[i]); number++) {
            size_t found = pages->missing_count;
            if (is_there(pages, number) || (found && pages->missing[found - 1] == number))
                continue;
            if (found == REACH_PAGES_MAX)
                return false;
            pages->missing[pages->missing_count++] = number;
        }
    }
    return true;
}

static void add_pages(struct reach_pages *pages, uint64_t first, uint64_t end)
{
    while (first < end)
        pages->missing[pages->missing_count++] = first++;
}

/* Adds pages to be read ahead, more of them each time that the row goes on, upward or, as lists do
 * that grow at their front, downward. */
static void look_ahead(struct reach_pages *pages)
{
    uint64_t first = pages->missing[0], last = pages->missing[pages->missing_count - 1];
    bool upward = first - pages->last <= 1 + pages->ahead;
    bool downward = pages->first - last <= 1 + pages->ahead;
    size_t most = pages->ahead ? pages->ahead * 2 : 1, more = 0;
    if (most > MAX_AHEAD)
        most = MAX_AHEAD;
    pages->first = first;
    pages->last = last;
    pages->ahead = upward || downward ? most : 0;
    if (upward) {
        while (more < most && last + more < LAST_PAGE && !is_there(pages, last + more + 1))
            more++;
        add_pages(pages, last + 1, last + 1 + more);
    } else if (downward) {
        while (more < most && more < first && !is_there(pages, first - more - 1))
            more++;
        add_pages(pages, first - more, first);
    }
}

static bool read_missing(struct reach_pages *pages, const struct reach_input *input)
{
    struct reach_piece pieces[REACH_PAGES_MAX + MAX_AHEAD];
    size_t count = 0;
    if (pages->next + pages->missing_count > FRAMES)
        pages->next = 0;
    for (size_t i = 0; i < pages->missing_count; i++) {
        uint64_t number = pages->missing[i];
        pages->numbers[pages->next + i] = UINT64_MAX;
        if (i && number == pages->missing[i - 1] + 1)
            pieces[count - 1].size += REACH_PAGE_SIZE;
        else
            pieces[count++] =
                (struct reach_piece){.address = number * REACH_PAGE_SIZE, .size = REACH_PAGE_SIZE};
    }
    if (input->read(pieces, count, pages->data[pages->next], input->data)) {
        pages->ahead = 0;
        return false;
    }
    for (size_t i = 0; i < pages->missing_count; i++) {
        uint64_t number = pages->missing[i];
        pages->numbers[pages->next + i] = number;
        pages->frames[number % ENTRIES] = (uint16_t)(pages->next + i);
    }
    pages->next += pages->missing_count;
    return true;
}

bool reach_pages_load(struct reach_pages *pages, const struct reach_input *input,
                      const struct reach_piece *pieces, size_t count)
{
    if (!find_missing(pages, pieces, count))
        return false;
    if (!pages->missing_count)
        return true;
    look_ahead(pages);
    /* New pages may have taken the place of others that are wanted. */
    return read_missing(pages, input) && all_there(pages, pieces, count);
}

const uint64_t *reach_pages_at(const struct reach_pages *pages, uint64_t address)
{
    size_t frame = pages->frames[address / REACH_PAGE_SIZE % ENTRIES];
    return &pages->data[frame][address % REACH_PAGE_SIZE / sizeof(uint64_t)];
}
