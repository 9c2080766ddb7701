/* SPDX-License-Identifier: MIT */
/*
 * heaptrack_events.h - the events of a heaptrack file, written to a temporary file while the log is
 * replayed: what they refer to stands before them in the file, and in the log names come late.
 *
 * heaptrack's reader takes a free for that of a temporary allocation if it is the next event after
 * an allocation of the same number (a size and a stack). To count what the replay counts,
 *  - a free that only looks so is given a second number for the same size and stack;
 *  - behind a free of a temporary allocation that others came between stands one of
 *    HEAPTRACK_TEMPORARY_INFO: of no bytes, and for the reader always temporary right after
 *    another free.
 * It knows one process, whose blocks stay to the end. Frees of sums for a stack, which change no
 * count, make up for that: of what an ended process left, before anything else is allocated; of the
 * negative of it at the end of the file, where it is a leak again; and of the negative of what a
 * forked child inherits, so that there is more of it. A negative size is one modulo 2^64.
 */
#ifndef ALLOCPTRACE_ANALYZE_HEAPTRACK_EVENTS_H
#define ALLOCPTRACE_ANALYZE_HEAPTRACK_EVENTS_H

#include "output/analyze/replay.h"
#include "output/analyze/report.h"

/* Traces (stacks) and instruction pointers (frames): two that no log has, then the log's. */
enum { HEAPTRACK_NO_STACK = 1, HEAPTRACK_TEMPORARY_STACK, HEAPTRACK_FIRST_ID = 2 };

/* The first pair of a size and a trace, to be defined before the events. */
#define HEAPTRACK_TEMPORARY_INFO 0

/* Milliseconds or, in a log without times, events. */
uint64_t heaptrack_time(const struct replay *replay, uint64_t time);

/* For report_kinds.c. */
struct error *heaptrack_events_observe(struct replay_observer **observer);

/* After the replay's end: copies the events to out. */
struct error *heaptrack_events_write(struct replay_observer *observer, const struct replay *replay,
                                     FILE *out);

#endif
