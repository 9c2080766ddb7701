/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/large_array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* Up to this a part of a huge page that stays unused would count. */
#define LARGE (4 * HUGE_PAGE)

void *large_array(size_t count, size_t element)
{
    size_t size;
    if (__builtin_mul_overflow(count, element, &size) || size > SIZE_MAX - HUGE_PAGE)
        return NULL;
    if (size < LARGE)
        return malloc(size);
    size = (size + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    void *array = aligned_alloc(HUGE_PAGE, size);
    /* Without huge pages it is an array all the same. */
    if (array)
        madvise(array, size, MADV_HUGEPAGE);
    return array;
}

void *large_array_zeroed(size_t count, size_t element)
{
    void *array = large_array(count, element);
    if (array)
        memset(array, 0, count * element);
    return array;
}
