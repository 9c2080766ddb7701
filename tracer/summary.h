/* SPDX-License-Identifier: MIT */
/*
 * summary.h - what allocptrace itself prints at the end: totals, the log's path and the next
 * command, and its own counters under --stats. Everything goes to standard error.
 */
#ifndef ALLOCPTRACE_TRACER_SUMMARY_H
#define ALLOCPTRACE_TRACER_SUMMARY_H

#include "tracer/recorder.h"
#include "tracer/session.h"

void summary_print(const struct session *session, const struct recorder_totals *totals,
                   const char *output);
/* 1234567 as "1,234,567", in out. */
const char *summary_number(uint64_t number, char *out, size_t size);

void summary_print_stats(const struct counters *counters, const struct recorder_totals *totals);

#endif
