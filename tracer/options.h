/* SPDX-License-Identifier: MIT */
/*
 * options.h - the words of allocptrace's command line.
 */
#ifndef ALLOCPTRACE_TRACER_OPTIONS_H
#define ALLOCPTRACE_TRACER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "tracer/affinity.h"

enum options_action {
    OPTIONS_TRACE,
    OPTIONS_HELP,
    OPTIONS_VERSION,
};

/* --leak-snapshot: what is read by a check of a process that is to go on. */
enum leak_snapshot {
    LEAK_SNAPSHOT_AUTO, /* a forked copy, or the stopped process where there can be none */
    LEAK_SNAPSHOT_FORK, /* a forked copy, or there is no check */
    LEAK_SNAPSHOT_STOP, /* the stopped process */
};

struct options {
    enum options_action action;
    const char *output; /* NULL: a name made of the program's and its process id */
    pid_t pid;          /* to attach to, 0 to launch */
    char **command;     /* to launch; NULL-terminated */
    double duration;    /* seconds, 0 for no limit */
    bool follow_fork;
    bool mappings;
    bool timestamps;
    bool free_stacks;
    bool stats;
    bool walk_only;
    bool quiet;
    int verbose;
    size_t depth;
    unsigned verify_nth; /* 0: never */
    enum affinity_mode affinity;
    bool leak_check;       /* --leak-check=reachable; the others are for it only */
    unsigned leak_moments; /* 1 << enum log_moment: LOG_MOMENT_EXIT, _END, _FATAL */
    double leak_interval;  /* seconds, 0 for none */
    unsigned leak_roots;   /* 1 << enum log_root_kind */
    enum leak_snapshot leak_snapshot;
    bool leak_words;         /* one of them was given */
    const char **allocators; /* the words of --allocator */
    size_t allocator_count;
};

/* An ERROR_USAGE error's message says what is wrong and what would be right. */
struct error *options_parse(int argc, char **argv, struct options *options);
void options_deinit(struct options *options);
void options_print_help(void);

#endif
