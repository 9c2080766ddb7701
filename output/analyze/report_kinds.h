/* SPDX-License-Identifier: MIT */
/*
 * report_kinds.h - the table of all reports: how each is asked for, what writes it, and what the
 * replay must have collected for it. A new report is a file of its own and a line here.
 */
#ifndef ALLOCPTRACE_ANALYZE_REPORT_KINDS_H
#define ALLOCPTRACE_ANALYZE_REPORT_KINDS_H

#include <stddef.h>

#include "output/analyze/report.h"

/* Reports that an option of their own asks for. */
enum report_id {
    REPORT_SUMMARY,
    REPORT_COMPARE, /* in place of the summary */
    REPORT_LEAKS,
    REPORT_LEAK_SUMMARY,
    REPORT_LEAK_CHECKS,
    REPORT_UNFREED,
    REPORT_JSON,
    REPORT_SAVED,
    REPORT_FOLDED,
    REPORT_FLAMEGRAPH,
    REPORT_TOP_DOWN,
    REPORT_BOTTOM_UP,
    REPORT_TIMELINE,
    REPORT_TIMELINE_SVG,
    REPORT_TIMELINE_HTML,
    REPORT_HTML,
};

typedef struct error *(*report_writer)(const struct report *report, FILE *out);

struct report_kind {
    const char *option; /* as on the command line, for messages: "--leaks", "--export=pprof" */
    report_writer write;
    enum replay_split split; /* at least so finely are the rows to be split */
    unsigned needs;          /* enum replay_need */
    /* For a report that must see each event: makes its observer, which write() finds in the report.
     * NULL for the others. */
    struct error *(*observe)(struct replay_observer **observer);
};

const struct report_kind *report_kind(enum report_id id);

/* The view of a name that is length bytes long; NULL if there is none. */
const struct report_kind *report_kind_of_view(const char *name, size_t length);
/* The names of all views, "a, b, c"; returns out. */
const char *report_kind_views(char *out, size_t size);

/* The export of a name that is length bytes long; NULL if there is none. */
const struct report_kind *report_kind_of_export(const char *name, size_t length);
/* The names of all exports, "a, b, c"; returns out. */
const char *report_kind_exports(char *out, size_t size);

#endif
