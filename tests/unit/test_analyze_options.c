/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/analyze/options.h"
#include "output/analyze/report_kinds.h"

#define MOST_WORDS 8

static struct error *parse(const char *const *words, struct options *options)
{
    static char *argv[MOST_WORDS + 2]; /* the options point into it */
    argv[0] = (char *)(uintptr_t) "allocptrace-analyze";
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)words[argc - 1]; /* getopt_long() moves the words, not their text */
        argc++;
    }
    argv[argc] = NULL;
    optind = 0; /* glibc's getopt_long starts anew */
    return options_parse(argc, argv, options);
}

static void good_command_lines_are_taken(void **state)
{
    (void)state;
    struct options options;
    assert_null(parse((const char *[]){"x.cbor", NULL}, &options));
    assert_int_equal(options.output_count, 1);
    assert_ptr_equal(options.outputs[0].kind, report_kind(REPORT_SUMMARY));
    assert_int_equal(options.limit, 10);
    assert_int_equal(options.log_count, 1);
    assert_string_equal(options.logs[0], "x.cbor");
    options_deinit(&options);

    /* Options may follow the log, as in the contract's example. */
    assert_null(
        parse((const char *[]){"x.cbor", "--flamegraph", "--metric=peak", "-vv", NULL}, &options));
    assert_int_equal(options.output_count, 1);
    assert_ptr_equal(options.outputs[0].kind, report_kind(REPORT_FOLDED));
    assert_null(options.outputs[0].file);
    assert_int_equal(options.metric, METRIC_PEAK);
    assert_int_equal(options.verbose, 2);
    assert_true(options.table);
    options_deinit(&options);

    assert_null(parse((const char *[]){"a", "--json", "-", NULL}, &options));
    assert_int_equal(options.log_count, 2);
    assert_string_equal(options.logs[0], "a");
    assert_string_equal(options.logs[1], "-");
    options_deinit(&options);

    assert_null(parse((const char *[]){"--fail-if=growth>5%", "--compare=b", "a", NULL}, &options));
    assert_ptr_equal(options.outputs[0].kind, report_kind(REPORT_COMPARE));
    assert_string_equal(options.baseline, "b");
    assert_int_equal(options.gate_count, 1);
    options_deinit(&options);

    assert_null(
        parse((const char *[]){"--flamegraph=a.svg", "--inverted", "x.cbor", NULL}, &options));
    assert_ptr_equal(options.outputs[0].kind, report_kind(REPORT_FLAMEGRAPH));
    assert_true(options.inverted);
    options_deinit(&options);

    /* Any number of reports go to files, beside one on standard output. */
    assert_null(parse((const char *[]){"--json", "--json", "--flamegraph=a", "--export=folded:b:c",
                                       "x.cbor", NULL},
                      &options));
    assert_int_equal(options.output_count, 3);
    assert_string_equal(options.outputs[2].file, "b:c");
    options_deinit(&options);

    assert_null(parse((const char *[]){"--limit=0", "--group-by=thread", "--sort-by=name",
                                       "--filter=^a+$", "--from=1.5", "-", NULL},
                      &options));
    assert_true(options.limit == OPTIONS_NO_LIMIT);
    assert_int_equal(options.group, GROUP_THREAD);
    assert_true(options.has_filter);
    assert_true(options.from > 1.4 && options.from < 1.6);
    options_deinit(&options);
}

static void bad_command_lines_name_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *message;
    } cases[] = {
        {{NULL}, "no log given"},
        {{"--metric=size", "a"}, "bytes, allocations, peak, leaked, temporary"},
        {{"--sort-by=x", "a"}, "count, size, peak, leaked, name"},
        {{"--group-by=x", "a"}, "function, module, file, line, thread, process"},
        {{"--filter=[", "a"}, "regular expression"},
        {{"--limit=-1", "a"}, "whole number"},
        {{"--from=x", "a"}, "number of seconds"},
        {{"--process=99999999999", "a"}, "no such id"},
        {{"--interval=0", "a"}, "--interval takes a number of seconds above 0"},
        {{"--time-line", "a"}, "unknown option"},
        {{"--tree=up", "a"}, "top-down, bottom-up"},
        {{"--tree=top-down", "--min-share=101%", "a"}, "takes a percentage"},
        {{"--min-share=1", "a"}, "--min-share is for --tree"},
        {{"--tree=top-down", "--tree=bottom-up", "a"}, "cannot both"},
        {{"--inverted", "--json", "a"}, "--inverted is for --flamegraph"},
        {{"--json=1", "a"}, "takes no value"},
        {{"--json", "--leaks", "a"}, "--json and --leaks cannot both"},
        {{"--json", "--flamegraph=-", "a"}, "--json and --flamegraph cannot both"},
        {{"--export=folded:-", "--leaks", "a"}, "--export=folded and --leaks cannot both"},
        {{"--from=2", "--to=1", "a"}, "--from is later than --to"},
        {{"--flamegraph=", "a"}, "takes a file name"},
        {{"--export=x:y", "a"}, "one of folded"},
        {{"--export=folded", "a"}, "names no file"},
        {{"--save=x", "--export=folded:x", "a"}, "would both write x"},
        {{"--interval=1", "--json", "a"}, "--interval is for --timeline"},
        {{"--interval=1", "--timeline", "--html=b", "a"}, "--html has its own"},
        {{"--min-count", NULL}, "needs a value"},
        {{"-x", "a"}, "unknown option '-x'"},
        {{"--fail-if=leek>0", "a"}, "leaked-blocks"},
        {{"--gen-suppressions", "--compare=b", "a"}, "without --compare"},
        {{"--color=blue", "a"}, "auto, always, never"},
        {{"--save=", "a"}, "takes a file name"},
        {{"--warn-if=growth>5%", "a"}, "needs a baseline: --compare"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options options;
        struct error *error = parse(cases[i].words, &options);
        assert_non_null(error);
        assert_int_equal(error->code, ERROR_USAGE);
        if (!strstr(error->message, cases[i].message))
            fail_msg("'%s' lacks '%s'", error->message, cases[i].message);
        error_free(error);
        options_deinit(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_command_lines_are_taken),
        cmocka_unit_test(bad_command_lines_name_what_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
