/* SPDX-License-Identifier: MIT */
#include "tracer/options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/log/option_value.h"
#include "output/log/record.h"

#define DEFAULT_DEPTH 512
#define MOST_DEPTH 1000000
#define DEFAULT_VERIFY 100

/* Seconds; any clock can count so many more. */
#define LONGEST 1e9

enum option_id {
    OPTION_DURATION = 256,
    OPTION_FOLLOW_FORK,
    OPTION_ALLOCATOR,
    OPTION_MMAP,
    OPTION_DEPTH,
    OPTION_NO_TIMESTAMPS,
    OPTION_FREE_STACKS,
    OPTION_STATS,
    OPTION_VERIFY_UNWIND,
    OPTION_UNWIND,
    OPTION_CPU,
    OPTION_LEAK_CHECK,
    OPTION_LEAK_WHEN,
    OPTION_LEAK_INTERVAL,
    OPTION_LEAK_ROOTS,
    OPTION_LEAK_SNAPSHOT,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"pid", required_argument, NULL, 'p'},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"follow-fork", required_argument, NULL, OPTION_FOLLOW_FORK},
    {"allocator", required_argument, NULL, OPTION_ALLOCATOR},
    {"mmap", no_argument, NULL, OPTION_MMAP},
    {"depth", required_argument, NULL, OPTION_DEPTH},
    {"no-timestamps", no_argument, NULL, OPTION_NO_TIMESTAMPS},
    {"free-stacks", no_argument, NULL, OPTION_FREE_STACKS},
    {"leak-check", required_argument, NULL, OPTION_LEAK_CHECK},
    {"leak-when", required_argument, NULL, OPTION_LEAK_WHEN},
    {"leak-interval", required_argument, NULL, OPTION_LEAK_INTERVAL},
    {"leak-roots", required_argument, NULL, OPTION_LEAK_ROOTS},
    {"leak-snapshot", required_argument, NULL, OPTION_LEAK_SNAPSHOT},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"verify-unwind", optional_argument, NULL, OPTION_VERIFY_UNWIND},
    {"unwind", required_argument, NULL, OPTION_UNWIND},
    {"cpu", required_argument, NULL, OPTION_CPU},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

void options_print_help(void)
{
    fputs(
        "Usage: allocptrace [options] -- PROGRAM [ARGUMENT...]\n"
        "       allocptrace [options] -p PID\n"
        "Records who allocates what in a program that is neither rebuilt nor preloaded into.\n"
        "Read the log with allocptrace-analyze.\n"
        "\n"
        "What is traced:\n"
        "  -p, --pid=PID            attach to a running process; Ctrl-C detaches from it\n"
        "      --duration=SECONDS   stop tracing after this long; the program goes on\n"
        "      --follow-fork=yes|no trace child processes too (default yes)\n"
        "      --allocator=SPEC     also trace a function of the program's own, described by\n"
        "                           its arguments: 'arena_alloc(_,size)', 'arena_free(_,ptr)',\n"
        "                           'pool_get@libpool.so*(size)', '0x4012a0@server(size)',\n"
        "                           'my_malloc=malloc'; may be repeated\n"
        "      --mmap               also trace mmap, munmap, mremap and brk\n"
        "\n"
        "What is written:\n"
        "  -o, --output=FILE        the log; '-' is standard output, a name ending in .zst is\n"
        "                           compressed (default allocptrace.PROGRAM.PID.cbor)\n"
        "      --depth=N            most frames kept for a stack (default 512)\n"
        "      --no-timestamps      leave times out: a smaller log, by the order of events only\n"
        "      --free-stacks        record the stacks of frees, too; a free then takes about\n"
        "                           as long as the entry of an allocation\n"
        "\n"
        "How leaks are looked for:\n"
        "      --leak-check=live|reachable|none  live lists what is never freed (default, and\n"
        "                           none is the same); reachable also finds out which blocks the\n"
        "                           program can still reach, at its end and whenever allocptrace\n"
        "                           gets SIGUSR1. The options below are for it\n"
        "      --leak-when=WORDS    when a program ends, several with commas: exit (before its\n"
        "                           exit handlers), end (after them), fatal (a signal ends it),\n"
        "                           none (default exit,fatal)\n"
        "      --leak-interval=SECONDS  also this often while it runs\n"
        "      --leak-roots=WORDS   where pointers are looked for: registers, stacks, globals,\n"
        "                           tls, mappings (default all)\n"
        "      --leak-snapshot=auto|fork|stop  a program that goes on is forked and its copy\n"
        "                           looked through (fork), held meanwhile (stop), or held where\n"
        "                           it cannot be forked (auto, the default)\n"
        "\n"
        "How it is traced:\n"
        "      --cpu=auto|share|free  let busy threads, all threads or none share a core with\n"
        "                           the tracer, which makes stops cheaper (default auto)\n"
        "      --stats              print the tracer's own counters at the end\n"
        "      --verify-unwind[=N]  compare every Nth stack with libdwfl's unwind of the stopped\n"
        "                           thread (default every 100th)\n"
        "      --unwind=rows|walk   rows caches unwind rules by address, walk asks libdwfl for\n"
        "                           each stack (default rows)\n"
        "\n"
        "Other:\n"
        "  -q, --quiet              print nothing but errors\n"
        "  -v, --verbose            print what is found and traced\n"
        "  -h, --help               print this and exit\n"
        "      --version            print the version and exit\n"
        "\n"
        "The exit status is the program's own, 128+N if signal N ended it, 125 if allocptrace\n"
        "itself failed, 126 if the program cannot be executed, 127 if it is not found.\n",
        stdout);
}

static struct error *add_allocator(struct options *options, const char *spec)
{
    const char **allocators =
        realloc(options->allocators, (options->allocator_count + 1) * sizeof *allocators);
    if (!allocators)
        return error_no_memory();
    options->allocators = allocators;
    allocators[options->allocator_count++] = spec;
    return NULL;
}

static struct error *take_duration(const char *name, const char *text, double *out)
{
    struct error *error = option_duration(name, text, out);
    if (!error && *out > LONGEST)
        error = error_format(ERROR_USAGE, "--%s takes at most %.0f seconds, not '%s'", name,
                             LONGEST, text);
    return error;
}

/* The words are in the order of the enumerations in record.h. */
static struct error *take_leak_option(struct options *options, int id, const char *value)
{
    static const char *const checks[] = {"live", "reachable", "none", NULL};
    static const char *const moments[] = {"exit", "end", "fatal", "none", NULL};
    static const char *const roots[] = {"registers", "stacks", "globals", "tls", "mappings", NULL};
    static const char *const snapshots[] = {"auto", "fork", "stop", NULL};
    int word = 0;
    struct error *error = NULL;
    switch (id) {
    case OPTION_LEAK_CHECK:
        error = option_word("leak-check", value, checks, &word);
        options->leak_check = word == 1;
        return error;
    case OPTION_LEAK_WHEN:
        error = option_words("leak-when", value, moments, &options->leak_moments);
        break;
    case OPTION_LEAK_INTERVAL:
        error = take_duration("leak-interval", value, &options->leak_interval);
        break;
    case OPTION_LEAK_ROOTS:
        error = option_words("leak-roots", value, roots, &options->leak_roots);
        break;
    default:
        error = option_word("leak-snapshot", value, snapshots, &word);
        options->leak_snapshot = (enum leak_snapshot)word;
        break;
    }
    options->leak_words = true;
    return error;
}

static struct error *take_option(struct options *options, int id, const char *value)
{
    static const char *const no_yes[] = {"no", "yes", NULL};
    static const char *const cpu_modes[] = {"auto", "share", "free", NULL};
    static const char *const unwinders[] = {"rows", "walk", NULL};
    uint64_t number = 0;
    int word = 0;
    struct error *error = NULL;
    switch (id) {
    case 'o':
        options->output = value;
        if (!*value)
            error = error_format(ERROR_USAGE, "--output takes a file name, not an empty word");
        break;
    case 'p':
        error = option_number_between("pid", value, 1, INT_MAX, &number);
        options->pid = (pid_t)number;
        break;
    case OPTION_DURATION:
        error = take_duration("duration", value, &options->duration);
        break;
    case OPTION_FOLLOW_FORK:
        error = option_word("follow-fork", value, no_yes, &word);
        options->follow_fork = word;
        break;
    case OPTION_ALLOCATOR:
        error = add_allocator(options, value);
        break;
    case OPTION_MMAP:
        options->mappings = true;
        break;
    case OPTION_DEPTH:
        error = option_number_between("depth", value, 1, MOST_DEPTH, &number);
        options->depth = number;
        break;
    case OPTION_NO_TIMESTAMPS:
        options->timestamps = false;
        break;
    case OPTION_FREE_STACKS:
        options->free_stacks = true;
        break;
    case OPTION_LEAK_CHECK:
    case OPTION_LEAK_WHEN:
    case OPTION_LEAK_INTERVAL:
    case OPTION_LEAK_ROOTS:
    case OPTION_LEAK_SNAPSHOT:
        error = take_leak_option(options, id, value);
        break;
    case OPTION_STATS:
        options->stats = true;
        break;
    case OPTION_VERIFY_UNWIND:
        options->verify_nth = DEFAULT_VERIFY;
        if (value) {
            error = option_number_between("verify-unwind", value, 1, INT_MAX, &number);
            options->verify_nth = (unsigned)number;
        }
        break;
    case OPTION_UNWIND:
        error = option_word("unwind", value, unwinders, &word);
        options->walk_only = word == 1;
        break;
    case OPTION_CPU:
        error = option_word("cpu", value, cpu_modes, &word);
        options->affinity = (enum affinity_mode)word;
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->verbose++;
        break;
    case 'h':
        options->action = OPTIONS_HELP;
        break;
    case OPTION_VERSION:
        options->action = OPTIONS_VERSION;
        break;
    default:
        error = error_format(ERROR_USAGE, "option without a meaning: %d", id);
        break;
    }
    return error;
}

struct error *options_parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){
        .follow_fork = true,
        .timestamps = true,
        .depth = DEFAULT_DEPTH,
        .leak_moments = 1U << LOG_MOMENT_EXIT | 1U << LOG_MOMENT_FATAL,
        .leak_roots = ~0U,
    };
    opterr = 0;
    for (;;) {
        /* '+': the first word that is no option begins the program's own command line. */
        int id = getopt_long(argc, argv, "+:o:p:qvh", long_options, NULL);
        if (id < 0)
            break;
        struct error *error = id == ':' || id == '?' ? option_bad(id, argv, long_options)
                                                     : take_option(options, id, optarg);
        if (error)
            return error;
    }
    if (options->action != OPTIONS_TRACE)
        return NULL;
    if (optind < argc)
        options->command = argv + optind;
    if (options->command && options->pid)
        return error_format(ERROR_USAGE, "give a program or --pid, not both; see --help");
    if (!options->command && !options->pid)
        return error_format(ERROR_USAGE,
                            "nothing to trace: give '-- PROGRAM' or '-p PID'; see --help");
    if (options->leak_words && !options->leak_check)
        return error_format(ERROR_USAGE,
                            "--leak-when, --leak-interval, --leak-roots and --leak-snapshot are "
                            "for --leak-check=reachable");
    return NULL;
}

void options_deinit(struct options *options)
{
    free(options->allocators);
    options->allocators = NULL;
}
