/* SPDX-License-Identifier: MIT */
/*
 * detach.h - lets every tracee go, as if we had never been there.
 */
#ifndef ALLOCPTRACE_TRACER_DETACH_H
#define ALLOCPTRACE_TRACER_DETACH_H

struct session;

/*
 * Stops all tracees, moves those that stand on or behind a breakpoint or in a slot to the program's
 * own code, puts all original bytes back and detaches. Signals on their way are delivered, threads
 * in a group-stop stay stopped. Our scratch memory stays mapped: a signal frame may still lead
 * into it.
 */
void detach_all(struct session *session);

#endif
