/* SPDX-License-Identifier: MIT */
/*
 * glibc_chunk.h - how large a block of glibc's malloc really is, from the head of its chunk.
 *
 * The eight bytes before a block hold its chunk's size and three flags (glibc, malloc/malloc.c,
 * "struct malloc_chunk"; 64 bit):
 *
 *     63                                    3     2       1      0
 *     | size of the chunk, a multiple of 16 | | arena | mapped | previous in use |
 *
 * A chunk begins 16 bytes before its block. In an arena it ends 8 bytes into the next one: the
 * first word there is the block's as long as it lives. A mapped chunk ends with its mapping; up to
 * glibc 2.42 the size reaches that far and all of it is the block's, later ones count 16 bytes
 * less, as if a further head followed, and give the block 8 of these (mmap_set_chunk()).
 */
#ifndef ALLOCPTRACE_TRACER_GLIBC_CHUNK_H
#define ALLOCPTRACE_TRACER_GLIBC_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

/* The head is so many bytes before the block. */
#define GLIBC_CHUNK_HEAD 8

/*
 * Bytes that malloc_usable_size(3) gives for the block of asked bytes at address, whose chunk's
 * head is head. False if that is no head of such a block: it is not glibc's, or the program has
 * written over it.
 */
bool glibc_chunk_usable(uint64_t address, uint64_t head, uint64_t asked, uint64_t *usable);

#endif
