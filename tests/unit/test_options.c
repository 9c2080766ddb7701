/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/log/record.h"
#include "tracer/options.h"

#define MOST_WORDS 12

static struct error *parse(const char *const *words, struct options *options)
{
    static char *argv[MOST_WORDS + 2]; /* the options point into it */
    argv[0] = (char *)(uintptr_t) "allocptrace";
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1]; /* getopt permutes, it does not write */
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
    assert_null(parse((const char *[]){"--", "ls", "-l", NULL}, &options));
    assert_string_equal(options.command[0], "ls");
    assert_string_equal(options.command[1], "-l");
    assert_true(options.follow_fork && options.timestamps && !options.mappings);
    assert_int_equal(options.depth, 512);

    /* The program's own options are its own, with or without "--". */
    assert_null(parse((const char *[]){"-q", "prog", "-p", "12", NULL}, &options));
    assert_true(options.quiet);
    assert_int_equal(options.pid, 0);
    assert_string_equal(options.command[1], "-p");

    assert_null(parse((const char *[]){"-p", "42", "-o", "x.zst", "--duration=0.5", "--depth=7",
                                       "--follow-fork=no", "--mmap", "--no-timestamps", NULL},
                      &options));
    assert_int_equal(options.pid, 42);
    assert_string_equal(options.output, "x.zst");
    assert_true(options.duration > 0.49 && options.duration < 0.51);
    assert_int_equal(options.depth, 7);
    assert_true(!options.follow_fork && options.mappings && !options.timestamps);

    assert_null(parse((const char *[]){"--allocator=a(size)", "--allocator", "b(ptr)", "x", NULL},
                      &options));
    assert_int_equal(options.allocator_count, 2);
    assert_string_equal(options.allocators[1], "b(ptr)");
    options_deinit(&options);

    assert_null(parse((const char *[]){"--verify-unwind", "x", NULL}, &options));
    assert_int_equal(options.verify_nth, 100);
    assert_null(parse(
        (const char *[]){"--verify-unwind=3", "--unwind=walk", "--cpu=free", "x", NULL}, &options));
    assert_int_equal(options.verify_nth, 3);
    assert_true(options.walk_only && !options.free_stacks);
    assert_null(parse((const char *[]){"--free-stacks", "x", NULL}, &options));
    assert_true(options.free_stacks);
    assert_null(parse((const char *[]){"--cpu=free", "x", NULL}, &options));
    assert_int_equal(options.affinity, AFFINITY_FREE);
}

static void leak_checks_are_asked_for(void **state)
{
    (void)state;
    struct options options;
    assert_null(parse((const char *[]){"x", NULL}, &options));
    assert_false(options.leak_check);
    assert_null(parse((const char *[]){"--leak-check=none", "x", NULL}, &options));
    assert_false(options.leak_check);

    assert_null(parse((const char *[]){"--leak-check=reachable", "x", NULL}, &options));
    assert_true(options.leak_check);
    assert_int_equal(options.leak_moments, 1 << LOG_MOMENT_EXIT | 1 << LOG_MOMENT_FATAL);
    assert_int_equal(options.leak_roots & 0x1f, 0x1f);
    assert_int_equal(options.leak_snapshot, LEAK_SNAPSHOT_AUTO);
    assert_true(options.leak_interval == 0);

    assert_null(parse((const char *[]){"--leak-when=end,fatal", "--leak-interval=1.5",
                                       "--leak-roots=globals,stacks", "--leak-snapshot=stop",
                                       "--leak-check=reachable", "x", NULL},
                      &options));
    assert_int_equal(options.leak_moments, 1 << LOG_MOMENT_END | 1 << LOG_MOMENT_FATAL);
    assert_int_equal(options.leak_roots, 1 << LOG_ROOT_GLOBAL | 1 << LOG_ROOT_STACK);
    assert_int_equal(options.leak_snapshot, LEAK_SNAPSHOT_STOP);
    assert_true(options.leak_interval > 1.49 && options.leak_interval < 1.51);
}

static void bad_command_lines_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *message;
    } cases[] = {
        {{NULL}, "nothing to trace"},
        {{"-p", "0"}, "--pid takes a number from 1"},
        {{"-p", "12x"}, "not '12x'"},
        {{"-p", "-5"}, "not '-5'"},
        {{"-p", "1", "ls"}, "not both"},
        {{"--depth=0", "ls"}, "--depth takes a number from 1"},
        {{"--depth=99999999999999999999", "ls"}, "--depth takes a number"},
        {{"--duration=-1", "ls"}, "seconds above 0"},
        {{"--duration=nan", "ls"}, "seconds above 0"},
        {{"--duration=1e10", "ls"}, "at most 1000000000 seconds"},
        {{"--follow-fork=maybe", "ls"}, "one of no, yes"},
        {{"--cpu=fast", "ls"}, "one of auto, share, free"},
        {{"--leak-check=full", "ls"}, "one of live, reachable, none"},
        {{"--leak-when=exit,never", "ls"}, "one of exit, end, fatal, none or"},
        {{"--leak-roots=", "ls"}, "not ''"},
        {{"--leak-interval=0", "ls"}, "seconds above 0"},
        {{"--leak-when=end", "ls"}, "are for --leak-check=reachable"},
        {{"--output=", "ls"}, "file name"},
        {{"--bogus", "ls"}, "unknown option '--bogus'"},
        {{"-z", "ls"}, "unknown option '-z'"},
        {{"--output"}, "needs a value"},
        {{"--stats=1", "ls"}, "takes no value"},
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

static void help_and_version_need_nothing_else(void **state)
{
    (void)state;
    struct options options;
    assert_null(parse((const char *[]){"--help", NULL}, &options));
    assert_int_equal(options.action, OPTIONS_HELP);
    assert_null(parse((const char *[]){"--version", NULL}, &options));
    assert_int_equal(options.action, OPTIONS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_command_lines_are_taken),
        cmocka_unit_test(leak_checks_are_asked_for),
        cmocka_unit_test(bad_command_lines_say_what_is_wrong),
        cmocka_unit_test(help_and_version_need_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
