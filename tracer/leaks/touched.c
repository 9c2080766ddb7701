/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/touched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)

/* Of /proc/PID/pagemap's word of a page (Documentation/admin-guide/mm/pagemap.rst). */
#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define FILE_PAGE (UINT64_C(1) << 61)
#define GUARD (UINT64_C(1) << 58)

/* PAGEMAP_SCAN, since Linux 6.7: newer than many systems' headers (same document). */
struct scan_argument {
    uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
    uint64_t inverted, all_of, any_of, returned;
};
struct scan_region {
    uint64_t start, end, categories;
};
#define SCAN _IOWR('f', 16, struct scan_argument)
#define SCAN_FILE 4U
#define SCAN_PRESENT 8U
#define SCAN_SWAPPED 16U
#define SCAN_ZERO_PAGE 32U
#define SCAN_REGIONS 256

struct run {
    uint64_t start, end; /* the one that may still grow */
    uint64_t low, high;  /* what runs are cut to */
    void (*visit)(uint64_t start, uint64_t end, void *data);
    void *data;
};

static void end_run(struct run *run)
{
    uint64_t start = run->start > run->low ? run->start : run->low;
    uint64_t end = run->end < run->high ? run->end : run->high;
    if (start < end)
        run->visit(start, end, run->data);
}

static void add_pages(struct run *run, uint64_t start, uint64_t end)
{
    if (run->end != start) {
        end_run(run);
        run->start = start;
    }
    run->end = end;
}

/* Where it came to; less than end if the kernel does not know the request. */
static uint64_t scan(int pagemap, uint64_t start, uint64_t end, enum touched_pages which,
                     struct run *run)
{
    struct scan_region regions[SCAN_REGIONS];
    uint64_t without = SCAN_ZERO_PAGE | (which == TOUCHED_PRIVATE ? SCAN_FILE : 0U);
    while (start < end) {
        struct scan_argument argument = {
            .size = sizeof argument,
            .start = start,
            .end = end,
            .regions = (uint64_t)(uintptr_t)regions,
            .region_count = SCAN_REGIONS,
            .inverted = without,
            .all_of = without,
            .any_of = SCAN_PRESENT | SCAN_SWAPPED,
            .returned = SCAN_PRESENT,
        };
        int count = ioctl(pagemap, SCAN, &argument);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || argument.walk_end <= start)
            return start;
        for (int i = 0; i < count; i++)
            add_pages(run, regions[i].start, regions[i].end);
        start = argument.walk_end;
    }
    return end;
}

static bool is_touched(uint64_t word, enum touched_pages which)
{
    return (word & (PRESENT | SWAPPED)) && !(word & GUARD) &&
           (which == TOUCHED_SHARED || !(word & FILE_PAGE));
}

static uint64_t read_words(int pagemap, uint64_t start, uint64_t end, enum touched_pages which,
                           struct run *run)
{
    uint64_t words[4096];
    while (start < end) {
        size_t wanted = sizeof words / sizeof *words;
        if ((end - start) / PAGE < wanted)
            wanted = (end - start) / PAGE;
        ssize_t got =
            pread(pagemap, words, wanted * sizeof *words, (off_t)(start / PAGE * sizeof *words));
        if (got < 0 && errno == EINTR)
            continue;
        size_t count = got > 0 ? (size_t)got / sizeof *words : 0;
        if (!count)
            return start;
        for (size_t i = 0; i < count; i++, start += PAGE) {
            if (is_touched(words[i], which))
                add_pages(run, start, start + PAGE);
        }
    }
    return end;
}

int touched_open(pid_t pid)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void touched_runs(int pagemap, uint64_t start, uint64_t end, enum touched_pages which,
                  void (*visit)(uint64_t start, uint64_t end, void *data), void *data)
{
    struct run run = {.low = start, .high = end, .visit = visit, .data = data};
    start &= ~(PAGE - 1);
    end = (end + PAGE - 1) & ~(PAGE - 1);
    uint64_t done = scan(pagemap, start, end, which, &run);
    if (done < end)
        done = read_words(pagemap, done, end, which, &run);
    /* What neither tells of is taken for touched. */
    if (done < end)
        add_pages(&run, done, end);
    end_run(&run);
}
