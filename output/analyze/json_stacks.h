/* SPDX-License-Identifier: MIT */
/*
 * json_stacks.h - the member "stacks" of a saved report: the sums of all stacks by their names, so
 * that they can be compared with another log's. saved.h reads it.
 *
 * {"strings": [...], "frames": [...], "stacks": [...], "processes": [...], "threads": [...],
 *  "split": "process", "columns": [...], "rows": [...]}
 *
 * What is referred to has a number by its place: strings from 0 (the empty one, which is also an
 * unknown name), all others from 1, with 0 for none. Each is an array:
 *
 * frame: flags (enum log_frame_flags), module's path (string), address (0 if it has a name), then
 *        function (string), file (string) and line for each function, innermost inlined one first
 * stack: parent (stack, an earlier one), frame
 * process: pid, parent (process), origin (enum log_process_origin), executable (string)
 * thread: tid, process, name (string)
 * row: as columns name them: stack, process and thread, then the sums that sites have
 *
 * Rows are one for each stack, and if split says so for each process or thread. Stacks that differ
 * in addresses only are one.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_STACKS_H
#define ALLOCPTRACE_ANALYZE_JSON_STACKS_H

#include <stdio.h>

#include "output/analyze/report.h"
#include "output/log/error.h"

/* By enum replay_split. */
#define JSON_SPLITS                                                                                \
    {                                                                                              \
        [REPLAY_BY_STACK] = "stack", [REPLAY_BY_PROCESS] = "process",                              \
        [REPLAY_BY_THREAD] = "thread", NULL                                                        \
    }

/* Prints the object, of all stacks whatever options choose. */
struct error *json_stacks_print(const struct report *report, FILE *out);

#endif
