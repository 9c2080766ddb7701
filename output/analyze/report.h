/* SPDX-License-Identifier: MIT */
/*
 * report.h - what the analyzer prints. Each report is a file of its own; all take a finished
 * replay and write to out.
 */
#ifndef ALLOCPTRACE_ANALYZE_REPORT_H
#define ALLOCPTRACE_ANALYZE_REPORT_H

#include <stdio.h>

#include "output/analyze/comparison.h"
#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/analyze/suppressions.h"
#include "output/log/error.h"

struct report {
    const struct options *options;
    const struct replay *replay;
    const struct log_header *header;
    const struct comparison *comparison;     /* with --compare's baseline, NULL without */
    const struct suppressions *suppressions; /* with what they have suppressed; may be NULL */
    bool truncated;                          /* the log has no end record */
    const char *file;                 /* the name of what is written to, NULL for standard output */
    struct replay_observer *observer; /* the report's own, see report_kinds.h; or NULL */
};

/* report_summary.c: totals and the top sites. */
struct error *report_summary(const struct report *report, FILE *out);
/* report_leaks.c: the blocks that leak checks found lost or, without one, report_unfreed(). */
struct error *report_leaks(const struct report *report, FILE *out);
/* A block group for each stack with blocks alive at the end. */
struct error *report_unfreed(const struct report *report, FILE *out);
/* report_leak_records.c: what leak checks say of each stack's blocks. */
struct error *report_leak_records(const struct report *report, FILE *out);
/* report_leak_summary.c: their totals by kind, and all checks of the log. */
struct error *report_leak_summary(const struct report *report, FILE *out);
struct error *report_leak_checks(const struct report *report, FILE *out);
/* report_compare.c: what changed since the baseline. */
struct error *report_compare(const struct report *report, FILE *out);
/* report_gen_suppressions.c: what report_leaks() is with --gen-suppressions. */
struct error *report_gen_suppressions(const struct report *report, FILE *out);
/* report_leaks_compare.c: what report_leaks() is with a baseline. */
struct error *report_leaks_compare(const struct report *report, FILE *out);
/* report_json.c: the contract's JSON. */
struct error *report_json(const struct report *report, FILE *out);
/* The same with the sums of all stacks, as a baseline for --compare (json_stacks.h, saved.h). */
struct error *report_saved(const struct report *report, FILE *out);
/* report_folded.c: folded stacks, outermost or, with --inverted, innermost first, by --metric. */
struct error *report_folded(const struct report *report, FILE *out);
/* report_flamegraph.c: the same as an interactive SVG. */
struct error *report_flamegraph(const struct report *report, FILE *out);
/* report_tree.c: trees of text, from the outermost frames or from the sites on, by --metric. */
struct error *report_top_down(const struct report *report, FILE *out);
struct error *report_bottom_up(const struct report *report, FILE *out);
/* report_html.c: one page with all views, for a browser; the report has an observer of
 * page_histograms.h. */
struct error *report_html(const struct report *report, FILE *out);
/* report_timeline.c: the heap over time as CSV. */
struct error *report_timeline(const struct report *report, FILE *out);
/* report_timeline_plot.c: the same as a plot. */
struct error *report_timeline_svg(const struct report *report, FILE *out);
struct error *report_timeline_html(const struct report *report, FILE *out);

/* export_pprof.c: pprof's gzipped profile.proto. */
struct error *export_pprof(const struct report *report, FILE *out);
/* export_speedscope.c: speedscope's JSON. */
struct error *export_speedscope(const struct report *report, FILE *out);
/* export_sqlite.c: a database, to a regular file; with each block if the report has an observer of
 * block_spool.h. */
struct error *export_sqlite(const struct report *report, FILE *out);
/* export_valgrind_xml.c: memcheck's XML. */
struct error *export_valgrind_xml(const struct report *report, FILE *out);
/* export_heaptrack.c: heaptrack's interpreted data. */
struct error *export_heaptrack(const struct report *report, FILE *out);
/* export_dhat.c, export_massif.c: what these tools of valgrind write. */
struct error *export_dhat(const struct report *report, FILE *out);
struct error *export_massif(const struct report *report, FILE *out);

#endif
