/* SPDX-License-Identifier: MIT */
/*
 * frames.h - stacks whose frames are laid out in the different ways that compilers know.
 */
#ifndef ALLOCPTRACE_TESTS_FRAMES_H
#define ALLOCPTRACE_TESTS_FRAMES_H

/*
 * Calls last() with depth frames between, whose kinds (RSP-based, RBP-based, with alloca, with a
 * realigned stack, from a qsort callback) follow from seed.
 */
void frames_descend(unsigned int depth, unsigned int seed, void (*last)(void *data), void *data);
/* The same with the first three kinds only, which need no DWARF expressions. */
void frames_descend_plainly(unsigned int depth, void (*last)(void *data), void *data);

#endif
