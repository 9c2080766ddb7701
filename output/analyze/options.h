/* SPDX-License-Identifier: MIT */
/*
 * options.h - the words of allocptrace-analyze's command line.
 */
#ifndef ALLOCPTRACE_ANALYZE_OPTIONS_H
#define ALLOCPTRACE_ANALYZE_OPTIONS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/color.h"
#include "output/analyze/gate.h"
#include "output/log/error.h"

enum action {
    ACTION_REPORT,
    ACTION_HELP,
    ACTION_VERSION,
};

/* A report that was asked for, and where it goes. */
struct output {
    const struct report_kind *kind; /* report_kinds.h */
    const char *file;               /* NULL: standard output */
};

enum metric {
    METRIC_BYTES,
    METRIC_ALLOCATIONS,
    METRIC_PEAK,
    METRIC_LEAKED,
    METRIC_TEMPORARY,
};

enum sort_key {
    SORT_COUNT,
    SORT_SIZE,
    SORT_PEAK,
    SORT_LEAKED,
    SORT_NAME,
    SORT_CUMULATIVE,
    SORT_DEFAULT, /* by what the table is about */
};

enum group_key {
    GROUP_FUNCTION,
    GROUP_MODULE,
    GROUP_FILE,
    GROUP_LINE,
    GROUP_THREAD,
    GROUP_PROCESS,
};

#define OPTIONS_NO_LIMIT SIZE_MAX

struct options {
    enum action action;
    const char *const *logs; /* among the command line's words */
    size_t log_count;
    struct output *outputs; /* at most one of them to standard output; never empty */
    size_t output_count;
    enum metric metric;
    bool metric_given;
    enum sort_key sort;
    enum group_key group;
    bool group_given;
    bool has_filter, has_skip;
    regex_t filter, skip;
    uint64_t min_count, threshold_bytes;
    double min_share; /* of a tree's frames, percent */
    bool min_share_given;
    size_t limit;
    bool limit_given;
    bool table;        /* --metric, --sort-by or --group-by: one table instead of the summary's */
    bool inverted;     /* flame graphs from the allocating functions to their callers */
    int64_t pid, tid;  /* -1 for all */
    double from, to;   /* seconds; infinite where not given */
    double older_than; /* seconds; 0: all */
    uint32_t check;    /* --check: an id, LEAK_SHOW_LAST or LEAK_SHOW_ALL */
    bool check_given;
    unsigned leak_kinds; /* --leak-kinds: 1 << enum log_reach each; 0: not given */
    double interval;     /* of --timeline, seconds or events; 0 if not given */
    int verbose;
    enum color_when color;
    const char *baseline;      /* to compare with, NULL for none */
    const char **suppressions; /* files of --suppressions */
    size_t suppressions_count;
    bool no_builtin_suppressions;
    bool gen_suppressions;
    struct gate *gates; /* of --fail-if and --warn-if, as given */
    size_t gate_count;
};

/* An ERROR_USAGE error's message says what is wrong and what is accepted. */
struct error *options_parse(int argc, char **argv, struct options *options);
void options_deinit(struct options *options);

/* The options that choose among sites or stacks, and whether any of them is given. */
#define OPTIONS_CHOOSING "--filter, --min-count and --threshold-bytes"
bool options_choose(const struct options *options);

/* options_help.c */
void options_print_help(void);

#endif
