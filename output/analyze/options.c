/* SPDX-License-Identifier: MIT */
#include "output/analyze/options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/report_kinds.h"
#include "output/log/option_value.h"

#define DEFAULT_LIMIT 10
#define DEFAULT_MIN_SHARE 1

enum option_id {
    OPTION_FLAMEGRAPH = 256,
    OPTION_INVERTED,
    OPTION_TREE,
    OPTION_MIN_SHARE,
    OPTION_METRIC,
    OPTION_LEAKS,
    OPTION_LEAK_KINDS,
    OPTION_CHECK,
    OPTION_TIMELINE,
    OPTION_HTML,
    OPTION_INTERVAL,
    OPTION_JSON,
    OPTION_VIEW,
    OPTION_OLDER_THAN,
    OPTION_EXPORT,
    OPTION_SAVE,
    OPTION_COMPARE,
    OPTION_COLOR,
    OPTION_FILTER,
    OPTION_SKIP,
    OPTION_MIN_COUNT,
    OPTION_THRESHOLD_BYTES,
    OPTION_LIMIT,
    OPTION_SORT_BY,
    OPTION_GROUP_BY,
    OPTION_PROCESS,
    OPTION_THREAD,
    OPTION_FROM,
    OPTION_TO,
    OPTION_SUPPRESSIONS,
    OPTION_NO_BUILTIN_SUPPRESSIONS,
    OPTION_GEN_SUPPRESSIONS,
    OPTION_FAIL_IF,
    OPTION_WARN_IF,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"flamegraph", optional_argument, NULL, OPTION_FLAMEGRAPH},
    {"inverted", no_argument, NULL, OPTION_INVERTED},
    {"tree", required_argument, NULL, OPTION_TREE},
    {"min-share", required_argument, NULL, OPTION_MIN_SHARE},
    {"metric", required_argument, NULL, OPTION_METRIC},
    {"timeline", optional_argument, NULL, OPTION_TIMELINE},
    {"html", required_argument, NULL, OPTION_HTML},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"leaks", optional_argument, NULL, OPTION_LEAKS},
    {"leak-kinds", required_argument, NULL, OPTION_LEAK_KINDS},
    {"check", required_argument, NULL, OPTION_CHECK},
    {"json", no_argument, NULL, OPTION_JSON},
    {"view", required_argument, NULL, OPTION_VIEW},
    {"older-than", required_argument, NULL, OPTION_OLDER_THAN},
    {"export", required_argument, NULL, OPTION_EXPORT},
    {"save", required_argument, NULL, OPTION_SAVE},
    {"compare", required_argument, NULL, OPTION_COMPARE},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"skip", required_argument, NULL, OPTION_SKIP},
    {"min-count", required_argument, NULL, OPTION_MIN_COUNT},
    {"threshold-bytes", required_argument, NULL, OPTION_THRESHOLD_BYTES},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"sort-by", required_argument, NULL, OPTION_SORT_BY},
    {"group-by", required_argument, NULL, OPTION_GROUP_BY},
    {"process", required_argument, NULL, OPTION_PROCESS},
    {"thread", required_argument, NULL, OPTION_THREAD},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS},
    {"no-builtin-suppressions", no_argument, NULL, OPTION_NO_BUILTIN_SUPPRESSIONS},
    {"gen-suppressions", no_argument, NULL, OPTION_GEN_SUPPRESSIONS},
    {"fail-if", required_argument, NULL, OPTION_FAIL_IF},
    {"warn-if", required_argument, NULL, OPTION_WARN_IF},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* The last one given counts. */
static struct error *take_regex(const char *name, const char *text, bool *given, regex_t *regex)
{
    if (*given)
        regfree(regex);
    int failure = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);
    *given = !failure;
    if (!failure)
        return NULL;
    char why[128];
    regerror(failure, regex, why, sizeof why);
    return error_format(ERROR_USAGE, "--%s takes an extended regular expression; '%s' is none: %s",
                        name, text, why);
}

static bool is_standard_output(const char *file)
{
    return !file || strcmp(file, "-") == 0;
}

/* A report that standard output cannot take beside another one is to have a file. */
static struct error *add_output(struct options *options, const struct report_kind *kind,
                                const char *file)
{
    if (file && !*file)
        return error_format(ERROR_USAGE, "%s takes a file name after '='", kind->option);
    for (size_t i = 0; is_standard_output(file) && i < options->output_count; i++) {
        const struct output *other = &options->outputs[i];
        if (!is_standard_output(other->file))
            continue;
        if (other->kind == kind)
            return NULL;
        return error_format(ERROR_USAGE,
                            "%s and %s cannot both go to standard output: give only one "
                            "without a file",
                            other->kind->option, kind->option);
    }
    for (size_t i = 0; !is_standard_output(file) && i < options->output_count; i++) {
        const struct output *other = &options->outputs[i];
        if (!is_standard_output(other->file) && strcmp(other->file, file) == 0 &&
            strncmp(file, "/dev/", 5) != 0)
            return error_format(ERROR_USAGE, "%s and %s would both write %s: give each its own",
                                other->kind->option, kind->option, file);
    }
    struct output *outputs =
        realloc(options->outputs, (options->output_count + 1) * sizeof *outputs);
    if (!outputs)
        return error_no_memory();
    options->outputs = outputs;
    outputs[options->output_count++] = (struct output){.kind = kind, .file = file};
    return NULL;
}

static struct error *add_report(struct options *options, enum report_id id, const char *file)
{
    return add_output(options, report_kind(id), file);
}

static struct error *take_flamegraph(struct options *options, const char *file)
{
    size_t length = file ? strlen(file) : 0;
    bool is_svg = length > 4 && strcmp(file + length - 4, ".svg") == 0;
    return add_report(options, is_svg ? REPORT_FLAMEGRAPH : REPORT_FOLDED, file);
}

static struct error *take_leaks(struct options *options, const char *value)
{
    static const char *const words[] = {"full", "summary", "checks", "unfreed", NULL};
    static const enum report_id ids[] = {REPORT_LEAKS, REPORT_LEAK_SUMMARY, REPORT_LEAK_CHECKS,
                                         REPORT_UNFREED};
    int word = 0;
    if (!value)
        return add_report(options, REPORT_LEAKS, NULL);
    struct error *error = option_word("leaks", value, words, &word);
    if (!error && !word)
        options->leak_kinds = LEAK_ALL_KINDS;
    return error ? error : add_report(options, ids[word], NULL);
}

/* --leak-kinds=KIND,... */
static struct error *take_leak_kinds(struct options *options, const char *value)
{
    /* As valgrind calls them; by enum log_reach. */
    static const char *const words[] = {"reachable", "possible", "indirect",
                                        "definite",  "all",      NULL};
    unsigned kinds = 0;
    for (const char *at = value; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        int word = 0;
        char *one = strndup(at, strcspn(at, ","));
        if (!one)
            return error_no_memory();
        struct error *error = option_word("leak-kinds", one, words, &word);
        free(one);
        if (error)
            return error;
        kinds |= word < LOG_REACH_KINDS ? 1U << word : LEAK_ALL_KINDS;
    }
    options->leak_kinds = kinds;
    return NULL;
}

/* --check=N, last or all */
static struct error *take_check(struct options *options, const char *value)
{
    uint64_t number = 0;
    options->check_given = true;
    options->check = LEAK_SHOW_ALL;
    if (strcmp(value, "all") == 0)
        return NULL;
    struct error *error = strcmp(value, "last") == 0
                              ? NULL
                              : option_number_between("check", value, 1, UINT32_MAX - 1, &number);
    options->check = error || !number ? LEAK_SHOW_LAST : (uint32_t)number;
    return error;
}

static struct error *take_tree(struct options *options, const char *value)
{
    static const char *const directions[] = {"top-down", "bottom-up", NULL};
    int direction = 0;
    struct error *error = option_word("tree", value, directions, &direction);
    return error ? error
                 : add_report(options, direction ? REPORT_BOTTOM_UP : REPORT_TOP_DOWN, NULL);
}

/* --view=NAME, or NAME:FILE */
static struct error *take_view(struct options *options, const char *value)
{
    char accepted[256];
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : strlen(value);
    const struct report_kind *kind = report_kind_of_view(value, length);
    if (!kind)
        return error_format(ERROR_USAGE, "--view takes one of %s, not '%s'",
                            report_kind_views(accepted, sizeof accepted), value);
    if (colon && !colon[1])
        return error_format(ERROR_USAGE, "--view=%s names no file after the colon", value);
    return add_output(options, kind, colon ? colon + 1 : NULL);
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static struct error *take_timeline(struct options *options, const char *file)
{
    enum report_id id = REPORT_TIMELINE;
    if (file && ends_in(file, ".svg"))
        id = REPORT_TIMELINE_SVG;
    else if (file && ends_in(file, ".html"))
        id = REPORT_TIMELINE_HTML;
    return add_report(options, id, file);
}

/* --export=KIND:FILE */
static struct error *take_export(struct options *options, const char *value)
{
    char accepted[256];
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : strlen(value);
    const struct report_kind *kind = report_kind_of_export(value, length);
    if (!kind)
        return error_format(ERROR_USAGE,
                            "--export takes KIND:FILE, where KIND is one of %s, not '%s'",
                            report_kind_exports(accepted, sizeof accepted), value);
    if (!colon || !colon[1])
        return error_format(ERROR_USAGE, "--export takes KIND:FILE, and '%s' names no file", value);
    return add_output(options, kind, colon + 1);
}

static struct error *add_suppressions(struct options *options, const char *file)
{
    const char **files =
        realloc(options->suppressions, (options->suppressions_count + 1) * sizeof *files);
    if (!files)
        return error_no_memory();
    options->suppressions = files;
    files[options->suppressions_count++] = file;
    return NULL;
}

static struct error *add_gate(struct options *options, const char *option, const char *text,
                              bool warns)
{
    struct gate gate;
    struct error *error = gate_parse(option, text, &gate);
    if (error)
        return error;
    gate.warns = warns;
    struct gate *gates = realloc(options->gates, (options->gate_count + 1) * sizeof *gates);
    if (!gates)
        return error_no_memory();
    options->gates = gates;
    gates[options->gate_count++] = gate;
    return NULL;
}

static struct error *take_option(struct options *options, int id, const char *value)
{
    static const char *const metrics[] = {"bytes",  "allocations", "peak",
                                          "leaked", "temporary",   NULL};
    static const char *const sort_keys[] = {"count", "size",       "peak", "leaked",
                                            "name",  "cumulative", NULL};
    static const char *const group_keys[] = {"function", "module",  "file", "line",
                                             "thread",   "process", NULL};
    static const char *const color_words[] = {"auto", "always", "never", NULL};
    struct error *error = NULL;
    uint64_t number = 0;
    int word = 0;
    switch (id) {
    case OPTION_FLAMEGRAPH:
        return take_flamegraph(options, value);
    case OPTION_INVERTED:
        options->inverted = true;
        break;
    case OPTION_TREE:
        return take_tree(options, value);
    case OPTION_MIN_SHARE:
        options->min_share_given = true;
        return option_percent("min-share", value, &options->min_share);
    case OPTION_METRIC:
        error = option_word("metric", value, metrics, &word);
        options->metric = (enum metric)word;
        options->metric_given = true;
        options->table = true;
        break;
    case OPTION_TIMELINE:
        return take_timeline(options, value);
    case OPTION_HTML:
        return add_report(options, REPORT_HTML, value);
    case OPTION_INTERVAL:
        return option_duration("interval", value, &options->interval);
    case OPTION_LEAKS:
        return take_leaks(options, value);
    case OPTION_LEAK_KINDS:
        return take_leak_kinds(options, value);
    case OPTION_CHECK:
        return take_check(options, value);
    case OPTION_JSON:
        return add_report(options, REPORT_JSON, NULL);
    case OPTION_VIEW:
        return take_view(options, value);
    case OPTION_OLDER_THAN:
        return option_seconds("older-than", value, &options->older_than);
    case OPTION_EXPORT:
        return take_export(options, value);
    case OPTION_SAVE:
        return add_report(options, REPORT_SAVED, value);
    case OPTION_COMPARE:
        options->baseline = value;
        break;
    case OPTION_COLOR:
        error = option_word("color", value, color_words, &word);
        options->color = (enum color_when)word;
        break;
    case OPTION_FILTER:
        return take_regex("filter", value, &options->has_filter, &options->filter);
    case OPTION_SKIP:
        return take_regex("skip", value, &options->has_skip, &options->skip);
    case OPTION_MIN_COUNT:
        return option_number("min-count", value, &options->min_count);
    case OPTION_THRESHOLD_BYTES:
        return option_number("threshold-bytes", value, &options->threshold_bytes);
    case OPTION_LIMIT:
        error = option_number("limit", value, &number);
        options->limit = number ? number : OPTIONS_NO_LIMIT;
        options->limit_given = true;
        break;
    case OPTION_SORT_BY:
        error = option_word("sort-by", value, sort_keys, &word);
        options->sort = (enum sort_key)word;
        options->table = true;
        break;
    case OPTION_GROUP_BY:
        error = option_word("group-by", value, group_keys, &word);
        options->group = (enum group_key)word;
        options->group_given = true;
        options->table = true;
        break;
    case OPTION_PROCESS:
        return option_id("process", value, &options->pid);
    case OPTION_THREAD:
        return option_id("thread", value, &options->tid);
    case OPTION_FROM:
        return option_seconds("from", value, &options->from);
    case OPTION_TO:
        return option_seconds("to", value, &options->to);
    case OPTION_SUPPRESSIONS:
        return add_suppressions(options, value);
    case OPTION_NO_BUILTIN_SUPPRESSIONS:
        options->no_builtin_suppressions = true;
        break;
    case OPTION_GEN_SUPPRESSIONS:
        options->gen_suppressions = true;
        return add_report(options, REPORT_LEAKS, NULL);
    case OPTION_FAIL_IF:
        return add_gate(options, "fail-if", value, false);
    case OPTION_WARN_IF:
        return add_gate(options, "warn-if", value, true);
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

/* Whether a report is asked for that is one of these two. */
static bool has_report(const struct options *options, report_writer one, report_writer other)
{
    for (size_t i = 0; i < options->output_count; i++) {
        report_writer write = options->outputs[i].kind->write;
        if (write == one || write == other)
            return true;
    }
    return false;
}

/* Whether what is asked for has a report that it is for. */
static struct error *check_fit(const struct options *options)
{
    for (size_t i = 0; i < options->gate_count; i++) {
        const struct gate *gate = &options->gates[i];
        if (gate->growth && !options->baseline)
            return error_format(ERROR_USAGE, "--%s='%s': growth needs a baseline: --compare",
                                gate->option, gate->text);
    }
    if (options->gen_suppressions && options->baseline)
        return error_format(ERROR_USAGE, "--gen-suppressions is about one log: without --compare");
    if (options->inverted && !has_report(options, report_folded, report_flamegraph))
        return error_format(ERROR_USAGE, "--inverted is for --flamegraph");
    if (options->min_share_given && !has_report(options, report_top_down, report_bottom_up))
        return error_format(ERROR_USAGE, "--min-share is for --tree");
    if (options->interval > 0 && !has_report(options, report_timeline, report_timeline_svg) &&
        !has_report(options, report_timeline_html, report_timeline_html))
        return error_format(ERROR_USAGE, "--interval is for --timeline");
    if (options->interval > 0 && has_report(options, report_html, report_html))
        return error_format(ERROR_USAGE,
                            "--interval is for --timeline, and --html has its own: ask for them in "
                            "two runs");
    if (options->from > options->to)
        return error_format(ERROR_USAGE, "--from is later than --to: nothing is between them");
    return NULL;
}

struct error *options_parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){
        .sort = SORT_DEFAULT,
        .group = GROUP_LINE,
        .limit = DEFAULT_LIMIT,
        .min_share = DEFAULT_MIN_SHARE,
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
        struct error *error = id == ':' || id == '?' ? option_bad(id, argv, long_options)
                                                     : take_option(options, id, optarg);
        if (error)
            return error;
        if (options->action == ACTION_HELP || options->action == ACTION_VERSION)
            return NULL;
    }
    if (optind == argc)
        return error_format(ERROR_USAGE, "no log given; see --help");
    options->logs = (const char *const *)&argv[optind];
    options->log_count = (size_t)(argc - optind);
    struct error *error = check_fit(options);
    if (!error && !options->output_count)
        error = add_report(options, options->baseline ? REPORT_COMPARE : REPORT_SUMMARY, NULL);
    return error;
}

bool options_choose(const struct options *options)
{
    return options->has_filter || options->min_count || options->threshold_bytes;
}

void options_deinit(struct options *options)
{
    if (options->has_filter)
        regfree(&options->filter);
    if (options->has_skip)
        regfree(&options->skip);
    options->has_filter = false;
    options->has_skip = false;
    free(options->suppressions);
    options->suppressions = NULL;
    options->suppressions_count = 0;
    free(options->gates);
    options->gates = NULL;
    options->gate_count = 0;
    free(options->outputs);
    options->outputs = NULL;
    options->output_count = 0;
}
