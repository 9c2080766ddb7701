/* SPDX-License-Identifier: MIT */
/*
 * bench_unwind - what one unwind costs by rows and by libdwfl, at three depths of a stack of its
 * own. Prints nanoseconds and how many times as long libdwfl takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "frames.h"
#include "own_stack.h"
#include "symbols/unwind.h"

#define ROUNDS 5
#define STACKS 4000
#define WORDS 8192

struct snapshot {
    uint64_t start;
    size_t count;
    uint64_t words[WORDS];
};

static struct own_stack own;
static struct unwinder *unwinders[2]; /* by walk_only */

static bool read_snapshot(uint64_t address, uint64_t *word, void *data)
{
    const struct snapshot *snapshot = data;
    uint64_t at = (address - snapshot->start) / sizeof *word;
    if (address < snapshot->start || at >= snapshot->count)
        return false;
    *word = snapshot->words[at];
    return true;
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The best of some rounds: others share the machine. */
static double time_unwinds(struct unwinder *unwinder, const struct unwind_registers *registers,
                           struct snapshot *snapshot, size_t *frames)
{
    struct unwind_memory memory = {.read_word = read_snapshot, .data = snapshot};
    struct unwind_result result;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = nanoseconds();
        for (int i = 0; i < STACKS; i++)
            unwinder_unwind(unwinder, OWN_SPACE, registers, true, &memory, &result);
        double each = (nanoseconds() - start) / STACKS;
        if (round == 0 || each < best)
            best = each;
    }
    if (result.end != UNWIND_COMPLETE) {
        fprintf(stderr, "bench_unwind: the stack is not unwound to its end\n");
        exit(1);
    }
    *frames = result.count;
    return best;
}

static void measure(struct unwind_registers *registers, void *data)
{
    static struct snapshot snapshot;
    (void)data;
    uint64_t sp = registers->value[7];
    const struct proc_mapping *stack = proc_maps_find(&own.maps, sp);
    snapshot.start = sp;
    snapshot.count = (stack->end - sp) / sizeof *snapshot.words;
    if (snapshot.count > WORDS)
        snapshot.count = WORDS;
    memcpy(snapshot.words, (const void *)(uintptr_t)sp, snapshot.count * sizeof *snapshot.words);
    size_t frames;
    double rows = time_unwinds(unwinders[0], registers, &snapshot, &frames);
    double walk = time_unwinds(unwinders[1], registers, &snapshot, &frames);
    printf("%3zu frames: rows %7.0f ns (%4.1f a frame), libdwfl %8.0f ns, ratio %.1f\n", frames,
           rows, rows / (double)frames, walk, walk / rows);
}

static void measure_here(void *data)
{
    struct unwind_registers registers = {0};
    own_stack_at_entry(measure, data, &registers);
    __asm__ volatile("");
}

int main(void)
{
    own_stack_init(&own);
    for (int walk_only = 0; walk_only < 2; walk_only++)
        unwinders[walk_only] = own_stack_unwinder(&own, 1024, walk_only);
    static const unsigned int depths[] = {3, 23, 93};
    puts("frames that rows suffice for");
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        frames_descend_plainly(depths[i], measure_here, NULL);
    puts("frames of all kinds, some with DWARF expressions");
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        frames_descend(depths[i], 1, measure_here, NULL);
    unwinder_destroy(unwinders[0]);
    unwinder_destroy(unwinders[1]);
    own_stack_deinit(&own);
    return 0;
}
