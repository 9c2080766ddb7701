/* SPDX-License-Identifier: MIT */
#include "tracer/text_check.h"

#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096

static int ascending(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a;
    uint64_t other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static void check_page(const struct space *space, uint64_t page, struct counters *counters)
{
    uint8_t mapped[PAGE], of_file[PAGE];
    const struct space_module *at = NULL;
    for (uint64_t place = page; !at && place < page + PAGE; place += PAGE / 4)
        at = space_module_at(space, place);
    ssize_t got = at ? pread(space->mem, mapped, PAGE, (off_t)page) : 0;
    size_t known =
        got > 0 ? elf_file_read(at->module->elf, page - at->bias, of_file, (size_t)got) : 0;
    counters->text_bytes += known;
    for (size_t i = 0; i < known; i++)
        counters->text_differences += mapped[i] != of_file[i];
}

void text_check(const struct space *space, struct counters *counters)
{
    uint64_t *pages = calloc(space->breakpoints.count + 1, sizeof *pages);
    size_t count = 0;
    size_t index = 0;
    const struct breakpoint *breakpoint;
    while (pages && (breakpoint = breakpoint_next(&space->breakpoints, &index)))
        pages[count++] = breakpoint->address & ~(uint64_t)(PAGE - 1);
    if (pages)
        qsort(pages, count, sizeof *pages, ascending);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || pages[i] != pages[i - 1])
            check_page(space, pages[i], counters);
    }
    free(pages);
}
