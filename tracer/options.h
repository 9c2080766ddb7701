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
    const char **allocators; /* the words of --allocator */
    size_t allocator_count;
};

/* An ERROR_USAGE error's message says what is wrong and what would be right. */
struct error *options_parse(int argc, char **argv, struct options *options);
void options_deinit(struct options *options);
void options_print_help(void);

#endif
