/* SPDX-License-Identifier: MIT */
/*
 * bench_live_blocks - what --leak-check=reachable adds to the recording of an event, and what a
 * check has to do before it can begin: bench_live_blocks [BLOCKS...], that many live at a time.
 *
 * Addresses are as glibc gives them, blocks are freed in no order. Prints nanoseconds of processor
 * time for an event, a look-up and a sorted block, and bytes for a block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tracer/leaks/live_blocks.h"

#define STEP 48 /* bytes from block to block */

static uint64_t random_state = 1;

static void die(void)
{
    fprintf(stderr, "bench_live_blocks: no memory\n");
    exit(1);
}

/* Of processor time: others share the machine. */
static double nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* Knuth's MMIX generator. */
static uint64_t next_random(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 32;
}

static struct live_block block_at(size_t place)
{
    return (struct live_block){.address = UINT64_C(0x555555559000) + place * STEP,
                               .size = 40,
                               .stack = (uint32_t)place % 1000 + 1,
                               .thread = 1};
}

static void add(struct live_blocks *blocks, size_t place)
{
    struct live_block block = block_at(place);
    if (!live_blocks_add(blocks, &block))
        die();
}

/* Nanoseconds for one of count events: a block goes, and comes back at its place. */
static double time_events(struct live_blocks *blocks, size_t count)
{
    size_t events = count < 1000000 ? 4000000 : 4 * count;
    double start = nanoseconds();
    for (size_t i = 0; i < events; i += 2) {
        size_t place = next_random() % count;
        live_blocks_remove(blocks, block_at(place).address);
        add(blocks, place);
    }
    return (nanoseconds() - start) / (double)events;
}

static void measure(size_t count)
{
    struct live_blocks *blocks = live_blocks_create();
    if (!blocks)
        die();
    double start = nanoseconds();
    for (size_t i = 0; i < count; i++)
        add(blocks, i);
    double growth = (nanoseconds() - start) / (double)count;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double events = time_events(blocks, count);
    struct live_block *sorted;
    size_t sorted_count;
    start = nanoseconds();
    if (live_blocks_sorted(blocks, &sorted, &sorted_count) || sorted_count != count)
        die();
    double sorting = (nanoseconds() - start) / (double)count;
    for (size_t i = 1; i < count; i++) {
        if (sorted[i - 1].address >= sorted[i].address)
            abort();
    }
    printf("%9zu blocks: %5.1f ns to add while growing, %5.1f ns an event, %5.1f ns to sort one, "
           "%.1f bytes a block at the peak of growing\n",
           count, growth, events, sorting, (double)usage.ru_maxrss * 1024 / (double)count);
    free(sorted);
    live_blocks_destroy(blocks);
}

int main(int argc, char **argv)
{
    const size_t sizes[] = {1000, 100000, 1000000, 10000000};
    for (int i = 1; i < argc; i++)
        measure(strtoull(argv[i], NULL, 10));
    for (size_t i = 0; argc == 1 && i < sizeof sizes / sizeof *sizes; i++)
        measure(sizes[i]);
    return 0;
}
