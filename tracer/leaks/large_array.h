/* SPDX-License-Identifier: MIT */
/*
 * large_array.h - memory for arrays that may have hundreds of megabytes and are touched all over.
 *
 * In huge pages where the kernel has them: each page of 4 KiB would cost a fault when it is first
 * touched, and a walk through page tables whenever the processor has forgotten where it is.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_LARGE_ARRAY_H
#define ALLOCPTRACE_TRACER_LEAKS_LARGE_ARRAY_H

#include <stddef.h>

/* Both give count elements of so many bytes, or NULL when out of memory. For free(3). */
void *large_array(size_t count, size_t element);
void *large_array_zeroed(size_t count, size_t element);

#endif
