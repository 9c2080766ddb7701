/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include <alloca.h>
#include <stdlib.h>
#include <string.h>

/* Keeps the compiler from merging a frame with others. */
#define APART __attribute__((noinline, noclone))

struct descent {
    unsigned int seed, kinds;
    void (*last)(void *data);
    void *data;
};

static unsigned int sink;

static void descend(const struct descent *descent, unsigned int depth);

APART __attribute__((optimize("omit-frame-pointer"))) static void
without_frame_pointer(const struct descent *descent, unsigned int depth)
{
    volatile unsigned int local[5] = {depth, 1, 2, 3, 4};
    descend(descent, depth);
    sink += local[depth % 5];
}

APART __attribute__((optimize("no-omit-frame-pointer"))) static void
with_frame_pointer(const struct descent *descent, unsigned int depth)
{
    volatile unsigned int local[9] = {depth};
    descend(descent, depth);
    sink += local[depth % 9];
}

APART static void with_alloca(const struct descent *descent, unsigned int depth)
{
    char *text = alloca(depth % 40 + 1);
    memset(text, (int)depth, depth % 40 + 1);
    descend(descent, depth);
    sink += (unsigned char)text[0];
}

APART static void with_realigned_stack(const struct descent *descent, unsigned int depth)
{
    _Alignas(64) volatile char line[64] = {(char)depth};
    descend(descent, depth);
    sink += (unsigned int)line[0];
}

static const struct descent *sorting;
static unsigned int sorting_depth;

static int compare(const void *left, const void *right)
{
    if (sorting) {
        const struct descent *descent = sorting;
        sorting = NULL; /* once a sort */
        descend(descent, sorting_depth);
    }
    return *(const int *)left - *(const int *)right;
}

APART static void from_sort(const struct descent *descent, unsigned int depth)
{
    int numbers[] = {3, 1, 2};
    sorting = descent;
    sorting_depth = depth;
    qsort(numbers, 3, sizeof *numbers, compare);
    sink += (unsigned int)numbers[0];
}

static void descend(const struct descent *descent, unsigned int depth)
{
    static void (*const kinds[])(const struct descent *, unsigned int) = {
        without_frame_pointer, with_frame_pointer, with_alloca, with_realigned_stack, from_sort};
    if (depth == 0) {
        descent->last(descent->data);
        return;
    }
    unsigned int choice = (descent->seed + depth) * 2654435761u >> 16;
    kinds[choice % descent->kinds](descent, depth - 1);
    sink++;
}

void frames_descend(unsigned int depth, unsigned int seed, void (*last)(void *data), void *data)
{
    struct descent descent = {.seed = seed, .kinds = 5, .last = last, .data = data};
    descend(&descent, depth);
    sink++;
}

void frames_descend_plainly(unsigned int depth, void (*last)(void *data), void *data)
{
    struct descent descent = {.kinds = 3, .last = last, .data = data};
    descend(&descent, depth);
    sink++;
}
