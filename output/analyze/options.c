/* SPDX-License-Identifier: MIT */
#include "output/analyze/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 10

enum option_id {
    OPTION_FLAMEGRAPH = 256,
    OPTION_METRIC,
    OPTION_LEAKS,
    OPTION_JSON,
    OPTION_FILTER,
    OPTION_MIN_COUNT,
    OPTION_THRESHOLD_BYTES,
    OPTION_LIMIT,
    OPTION_SORT_BY,
    OPTION_GROUP_BY,
    OPTION_PROCESS,
    OPTION_THREAD,
    OPTION_FROM,
    OPTION_TO,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"flamegraph", optional_argument, NULL, OPTION_FLAMEGRAPH},
    {"metric", required_argument, NULL, OPTION_METRIC},
    {"leaks", no_argument, NULL, OPTION_LEAKS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"min-count", required_argument, NULL, OPTION_MIN_COUNT},
    {"threshold-bytes", required_argument, NULL, OPTION_THRESHOLD_BYTES},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"sort-by", required_argument, NULL, OPTION_SORT_BY},
    {"group-by", required_argument, NULL, OPTION_GROUP_BY},
    {"process", required_argument, NULL, OPTION_PROCESS},
    {"thread", required_argument, NULL, OPTION_THREAD},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

void options_print_help(void)
{
    fputs(
        "Usage: allocptrace-analyze [options] LOG\n"
        "Tells who allocated what and what leaked, from a log that allocptrace wrote.\n"
        "LOG '-' is standard input.\n"
        "\n"
        "What to print:\n"
        "  (nothing given)          a summary: totals, peak, leaks, top sites; one large table\n"
        "                           with --metric, --sort-by or --group-by\n"
        "      --leaks              each stack whose blocks were alive at the end\n"
        "      --flamegraph[=FILE]  folded stacks, for flamegraph.pl, inferno or speedscope\n"
        "      --json               all sites and totals, for programs\n"
        "      --metric=METRIC      what tables and folded stacks weigh: bytes (default),\n"
        "                           allocations, peak, leaked or temporary\n"
        "\n"
        "Which sites are shown:\n"
        "      --filter=REGEX       function, module or file matches (extended regex); of whole\n"
        "                           stacks, any frame's\n"
        "      --min-count=N        at least N allocations\n"
        "      --threshold-bytes=N  at least N bytes allocated\n"
        "                           (--leaks: N blocks and N bytes not freed)\n"
        "      --limit=N            at most N (0 for all; default 10, 5 in the summary's tables,\n"
        "                           all for --json and --flamegraph)\n"
        "\n"
        "How they are shown:\n"
        "      --sort-by=KEY        count, size, peak, leaked or name\n"
        "      --group-by=KEY       function, module, file, line (default), thread, process\n"
        "  -v                       exact bytes; -vv: whole paths of files; -vvv: whole stacks\n"
        "\n"
        "Which part of the log:\n"
        "      --process=PID        only this process\n"
        "      --thread=TID         only allocations by this thread\n"
        "      --from=SECONDS       only allocations made from then on\n"
        "      --to=SECONDS         stop there, as if the program had ended\n"
        "\n"
        "  -h, --help               print this and exit\n"
        "      --version            print the version and exit\n"
        "\n"
        "The exit status is 0, 2 for wrong usage, 3 for a log that cannot be read. A log that\n"
        "was cut off is read up to there, with a warning.\n",
        stdout);
}

/* The index of text among words (NULL-terminated). */
static struct error *parse_word(const char *name, const char *text, const char *const *words,
                                int *out)
{
    char accepted[128] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return NULL;
        }
        size_t used = strlen(accepted);
        snprintf(accepted + used, sizeof accepted - used, "%s%s", i ? ", " : "", words[i]);
    }
    return error_format(ERROR_USAGE, "--%s takes one of %s, not '%s'", name, accepted, text);
}

static struct error *parse_number(const char *name, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return error_format(ERROR_USAGE, "--%s takes a whole number, not '%s'", name, text);
    return NULL;
}

static struct error *parse_id(const char *name, const char *text, int64_t *out)
{
    uint64_t number;
    struct error *error = parse_number(name, text, &number);
    if (!error && number > INT32_MAX)
        error = error_format(ERROR_USAGE, "--%s: there is no such id as %s", name, text);
    *out = (int64_t)number;
    return error;
}

static struct error *parse_seconds(const char *name, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out) || *out < 0)
        return error_format(ERROR_USAGE, "--%s takes a number of seconds, not '%s'", name, text);
    return NULL;
}

static struct error *parse_filter(const char *text, struct options *options)
{
    if (options->has_filter)
        regfree(&options->filter);
    int failure = regcomp(&options->filter, text, REG_EXTENDED | REG_NOSUB);
    options->has_filter = !failure;
    if (!failure)
        return NULL;
    char why[128];
    regerror(failure, &options->filter, why, sizeof why);
    return error_format(
        ERROR_USAGE, "--filter takes an extended regular expression; '%s' is none: %s", text, why);
}

static struct error *set_report(struct options *options, enum action action)
{
    if (options->action != ACTION_SUMMARY && options->action != action)
        return error_format(ERROR_USAGE,
                            "--flamegraph, --leaks and --json are reports of their own: give one");
    options->action = action;
    return NULL;
}

static struct error *take_flamegraph(struct options *options, const char *file)
{
    size_t length = file ? strlen(file) : 0;
    options->flamegraph_file = file;
    if (file && !length)
        return error_format(ERROR_USAGE, "--flamegraph= takes a file name");
    if (length > 4 && strcmp(file + length - 4, ".svg") == 0)
        return error_format(ERROR_USAGE,
                            "--flamegraph writes folded stacks, no SVG: give a name that does not "
                            "end in .svg and turn it into one with flamegraph.pl or inferno");
    return set_report(options, ACTION_FLAMEGRAPH);
}

static struct error *take_option(struct options *options, int id, const char *value)
{
    static const char *const metrics[] = {"bytes",  "allocations", "peak",
                                          "leaked", "temporary",   NULL};
    static const char *const sort_keys[] = {"count", "size", "peak", "leaked", "name", NULL};
    static const char *const group_keys[] = {"function", "module",  "file", "line",
                                             "thread",   "process", NULL};
    struct error *error = NULL;
    uint64_t number = 0;
    int word = 0;
    switch (id) {
    case OPTION_FLAMEGRAPH:
        return take_flamegraph(options, value);
    case OPTION_METRIC:
        error = parse_word("metric", value, metrics, &word);
        options->metric = (enum metric)word;
        options->table = true;
        break;
    case OPTION_LEAKS:
        return set_report(options, ACTION_LEAKS);
    case OPTION_JSON:
        return set_report(options, ACTION_JSON);
    case OPTION_FILTER:
        return parse_filter(value, options);
    case OPTION_MIN_COUNT:
        return parse_number("min-count", value, &options->min_count);
    case OPTION_THRESHOLD_BYTES:
        return parse_number("threshold-bytes", value, &options->threshold_bytes);
    case OPTION_LIMIT:
        error = parse_number("limit", value, &number);
        options->limit = number ? number : OPTIONS_NO_LIMIT;
        options->limit_given = true;
        break;
    case OPTION_SORT_BY:
        error = parse_word("sort-by", value, sort_keys, &word);
        options->sort = (enum sort_key)word;
        options->table = true;
        break;
    case OPTION_GROUP_BY:
        error = parse_word("group-by", value, group_keys, &word);
        options->group = (enum group_key)word;
        options->table = true;
        break;
    case OPTION_PROCESS:
        return parse_id("process", value, &options->pid);
    case OPTION_THREAD:
        return parse_id("thread", value, &options->tid);
    case OPTION_FROM:
        return parse_seconds("from", value, &options->from);
    case OPTION_TO:
        return parse_seconds("to", value, &options->to);
    case 'v':
        options->verbose++;
        break;
    case 'h':
        options->action = ACTION_HELP;
        break;
    case OPTION_VERSION:
        options->action = ACTION_VERSION;
        break;
    default:
        return error_format(ERROR_USAGE, "option without a meaning: %d", id);
    }
    return error;
}

static struct error *bad_option(int id, char **argv)
{
    const char *word = argv[optind - 1];
    if (id == ':')
        return error_format(ERROR_USAGE, "option '%s' needs a value; see --help", word);
    if (optopt && optopt < 256)
        return error_format(ERROR_USAGE, "unknown option '-%c'; see --help", optopt);
    if (optopt)
        return error_format(ERROR_USAGE, "option '%s' takes no value; see --help", word);
    return error_format(ERROR_USAGE, "unknown option '%s'; see --help", word);
}

struct error *options_parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){
        .sort = SORT_DEFAULT,
        .group = GROUP_LINE,
        .limit = DEFAULT_LIMIT,
        .pid = -1,
        .tid = -1,
        .from = -INFINITY,
        .to = INFINITY,
    };
    opterr = 0;
    for (;;) {
        int id = getopt_long(argc, argv, ":vh", long_options, NULL);
        if (id < 0)
            break;
        struct error *error =
            id == ':' || id == '?' ? bad_option(id, argv) : take_option(options, id, optarg);
        if (error)
            return error;
        if (options->action == ACTION_HELP || options->action == ACTION_VERSION)
            return NULL;
    }
    if (optind == argc)
        return error_format(ERROR_USAGE, "no log given; see --help");
    if (optind + 1 < argc)
        return error_format(ERROR_USAGE, "one log at a time is read, and '%s' is a second one",
                            argv[optind + 1]);
    options->log = argv[optind];
    return NULL;
}

void options_deinit(struct options *options)
{
    if (options->has_filter)
        regfree(&options->filter);
    options->has_filter = false;
}
