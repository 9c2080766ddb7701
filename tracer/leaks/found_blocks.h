/* SPDX-License-Identifier: MIT */
/*
 * found_blocks.h - the blocks that are alive when a running process is attached to.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_FOUND_BLOCKS_H
#define ALLOCPTRACE_TRACER_LEAKS_FOUND_BLOCKS_H

struct session;
struct space;

/*
 * All threads of the space are stopped. Tells the recorder of each block that glibc's allocator has
 * given to the program; one that a thread is about to be given or to free, in a call that has
 * begun already, may be among them or not. A warning tells if not all were found. Of other
 * allocators' none are.
 */
void found_blocks(struct session *session, const struct space *space);

#endif
