/* SPDX-License-Identifier: MIT */
/*
 * counters.h - what --stats prints. Each counter belongs to the tracing thread.
 */
#ifndef ALLOCPTRACE_TRACER_COUNTERS_H
#define ALLOCPTRACE_TRACER_COUNTERS_H

#include <stdint.h>

struct counters {
    uint64_t stops;               /* all returns of wait4 for a tracee */
    uint64_t breakpoint_stops;    /* of them, at breakpoints of ours */
    uint64_t entries, returns;    /* calls that were counted */
    uint64_t nested;              /* entries inside a counted call */
    uint64_t passes;              /* stops at return addresses that ended no counted call */
    uint64_t single_steps;        /* breakpoints passed without a relocated copy */
    uint64_t live_unwinds;        /* stacks unwound while the tracee waited */
    uint64_t breakpoints;         /* set, over all address spaces */
    uint64_t unplaced;            /* return addresses where none could be set */
    uint64_t abandoned;           /* calls that ended by longjmp, exception or thread exit */
    uint64_t forced_traps;        /* breakpoints met by threads that block SIGTRAP */
    uint64_t text_bytes;          /* compared with the files after detaching */
    uint64_t text_differences;    /* of them, those that differ */
    uint64_t found_blocks;        /* alive when a process was attached to */
    uint64_t found_us;            /* that it was held to find them */
    uint64_t verified, differing; /* --verify-unwind */
    uint64_t leak_checks;         /* begun */
    uint64_t leak_copies;         /* of them, made of forked copies */
    uint64_t leak_uncopied;       /* processes that could not be forked for one */
    uint64_t leak_skipped;        /* intervals that ended before the last check had */
    uint64_t leak_held_us;        /* how long processes were held for them, together */
    uint64_t leak_longest_us;     /* and the longest time */
    uint64_t elapsed_us;
};

#endif
