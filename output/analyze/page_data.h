/* SPDX-License-Identifier: MIT */
/*
 * page_data.h - what the page of --html is given, as one item of CBOR: all that it shows is made of
 * these tables, whose columns are typed arrays (cbor_out.h).
 *
 * A map with these members. Indexes begin at 0; a column "x" of a table has an element for each
 * line of it.
 *
 *   version      1
 *   tool         who has written it
 *   program      what was traced
 *   logs         their file names
 *   truncated, attached, times   of the log; without times, times are numbers of events, else
 *                seconds
 *   summary      as in --json; so are before_... and ..._lost in it
 *   checks       the objects of --json's leak_checks, without their sites
 *   notes        what the tracer had to tell
 *   texts        names; the first one is ""
 *   lines        frames as a person sees them: function, module, file: places in texts; line
 *   nodes        stacks as a tree, outermost first: up, a node's number less its parent's; line.
 *                The first one is the root
 *   processes    name: places in texts; pid; parent: one more than its place, 0 for none
 *   threads      name, tid, process
 *   rows         the sums of a node in a thread: node, site (in lines), thread, and each number
 *                that --json has of a site; lifetime, leaked_age, leaked_oldest in times
 *   bins         the history: time (begins, and the end of the last one), live_bytes, live,
 *                peak_bytes, allocated, allocated_bytes, freed, freed_bytes, points (the first one
 *                of a bin, and one behind the last)
 *   points       rows that have changed: step, the row's place less that of the point before in the
 *                same bin, or as it is; allocated and allocated_bytes since the row's point before;
 *                live and live_bytes at the bin's end. Of a row with few bytes several bins may
 *                have one point, in the last of them
 *   sizes        histogram: end, the largest size of a bucket; count; bytes
 *   lifetimes    end, what those of a bucket are below, 0 for none; the last bucket is of blocks
 *                that were not freed; count; bytes
 *   size_bins, lifetime_bins     the same by the bin that a block was allocated in: bin, bucket,
 *                count, bytes
 *   leaks        records of leak checks: kind (enum log_reach; 4: not freed, in a log without any
 *                leak check), node, site, found, bytes, blocks,
 *                indirect_bytes, indirect_blocks; path: a list of lines for each, or an empty one
 *   comparison   only with --compare: name, summary of the baseline, rows: node, site, and each
 *                number of --json with before_ and now_
 */
#ifndef ALLOCPTRACE_ANALYZE_PAGE_DATA_H
#define ALLOCPTRACE_ANALYZE_PAGE_DATA_H

#include <stdio.h>

#include "output/analyze/report.h"
#include "output/log/error.h"

/* The report has the observer of page_histograms.h. Writes a gzip file in base64. */
struct error *page_data_write(const struct report *report, FILE *out);

#endif
