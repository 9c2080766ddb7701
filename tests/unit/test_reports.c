/* SPDX-License-Identifier: MIT */
/* What the reports print, on a replay of records written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "output/analyze/format.h"
#include "tests/unit/replay_fixture.h"
#include "tests/unit/report_fixture.h"

static const struct log_header header = {.tick_ns = 1000};

static void fill(struct replay *replay)
{
    fixture_begin(replay, REPLAY_BY_PROCESS);
    fixture_stack(replay, 1, 0, 0, "main");
    fixture_stack(replay, 2, 1, 0, "evil;name\nhere");
    fixture_stack(replay, 3, 2, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(replay, 4, 1, LOG_FRAME_ALLOCATOR, "calloc");
    fixture_alloc(replay, 1, 0x10, 100, 3);
    fixture_alloc(replay, 1, 0x20, 40, 4);
    fixture_free(replay, 1, 0x20);
}

static void folded_lines_can_be_split_at_semicolons(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    char *text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main 40\nmain;evil:name\\x0ahere 100\n");
    free(text);
    options.verbose = 1;
    text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main;evil:name\\x0ahere;malloc 100\nmain;calloc 40\n");
    free(text);
    options.metric = METRIC_LEAKED;
    text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main;evil:name\\x0ahere;malloc 100\n");
    free(text);
    replay_deinit(&replay);
}

static void folded_stacks_with_the_same_names_are_one_line(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_stack(&replay, 5, 0, 0, "main"); /* another address in main */
    fixture_alloc(&replay, 1, 0x30, 2, 5);
    fixture_finish(&replay);
    char *text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main 42\nmain;evil:name\\x0ahere 100\n");
    free(text);
    options.limit_given = true;
    options.limit = 1;
    text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main;evil:name\\x0ahere 100\n");
    free(text);
    replay_deinit(&replay);
}

static void folded_stacks_of_several_processes_begin_with_the_program(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_CLONE);
    fixture_thread(&replay, 2, 2);
    fixture_alloc(&replay, 2, 0x10, 1, 4);
    fixture_alloc(&replay, 2, 0x20, 1, 0);
    fixture_finish(&replay);
    char *text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "prog;[no stack] 1\nprog;main 41\n"
                              "prog;main;evil:name\\x0ahere 100\n");
    free(text);
    replay_deinit(&replay);
}

static void folded_filter_looks_at_every_frame(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    options.has_filter = true;
    assert_int_equal(regcomp(&options.filter, "^evil", REG_EXTENDED | REG_NOSUB), 0);
    char *text = fixture_print(report_folded, &replay, &options, &header);
    assert_string_equal(text, "main;evil:name\\x0ahere 100\n");
    free(text);
    regfree(&options.filter);
    replay_deinit(&replay);
}

static json_t *parse_report(const struct replay *replay, const struct options *options)
{
    json_error_t error;
    char *text = fixture_print(report_json, replay, options, &header);
    json_t *root = json_loads(text, 0, &error);
    if (!root)
        fail_msg("%s", error.text);
    free(text);
    return root;
}

static void json_has_the_contracts_keys(void **state)
{
    (void)state;
    static const char *const site_keys[] = {
        "function",    "module",     "file",         "line",         "count",
        "total_bytes", "peak_bytes", "leaked_bytes", "leaked_count", "temporary"};
    static const struct {
        const char *key;
        json_int_t value;
    } summary_keys[] = {
        {"total_allocations", 2},       {"total_deallocations", 1}, {"total_reallocations", 0},
        {"total_bytes_allocated", 140}, {"peak_memory", 140},       {"current_memory", 100},
        {"leaked_bytes", 100},          {"leaked_blocks", 1},       {"temporary_allocations", 1}};
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    json_t *root = parse_report(&replay, &options);
    json_t *sites = json_object_get(root, "allocations");
    assert_int_equal(json_array_size(sites), 2);
    for (size_t i = 0; i < sizeof site_keys / sizeof *site_keys; i++)
        assert_non_null(json_object_get(json_array_get(sites, 0), site_keys[i]));
    json_t *summary = json_object_get(root, "summary");
    for (size_t i = 0; i < sizeof summary_keys / sizeof *summary_keys; i++) {
        json_t *value = json_object_get(summary, summary_keys[i].key);
        assert_true(json_is_integer(value));
        assert_int_equal(json_integer_value(value), summary_keys[i].value);
    }
    json_t *heaviest = json_array_get(sites, 0);
    assert_string_equal(json_string_value(json_object_get(heaviest, "function")),
                        "evil;name\nhere");
    assert_string_equal(json_string_value(json_object_get(heaviest, "module")), "prog");
    assert_string_equal(json_string_value(json_object_get(heaviest, "file")), "/src/a.c");
    assert_int_equal(json_integer_value(json_object_get(heaviest, "line")), 2);
    assert_int_equal(json_integer_value(json_object_get(heaviest, "leaked_bytes")), 100);
    json_decref(root);
    replay_deinit(&replay);
}

static void json_stays_valid_with_any_bytes_in_names(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "\xff\"\\\001\xc3");
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_finish(&replay);
    json_t *root = parse_report(&replay, &options);
    json_t *site = json_array_get(json_object_get(root, "allocations"), 0);
    assert_string_equal(json_string_value(json_object_get(site, "function")),
                        "\\xff\"\\\\x01\\xc3");
    json_decref(root);
    replay_deinit(&replay);
}

static void json_limit_holds_only_if_given(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    options.limit = 1;
    for (size_t given = 0; given < 2; given++) {
        options.limit_given = given;
        json_t *root = parse_report(&replay, &options);
        assert_int_equal(json_array_size(json_object_get(root, "allocations")), given ? 1 : 2);
        json_decref(root);
    }
    replay_deinit(&replay);
}

static void terminal_output_is_neutralized(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "\033]0;owned\007");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_finish(&replay);
    for (int verbose = 0; verbose < 4; verbose++) {
        options.verbose = verbose;
        for (int i = 0; i < 2; i++) {
            char *text =
                fixture_print(i ? report_leaks : report_summary, &replay, &options, &header);
            assert_null(strchr(text, '\033'));
            assert_non_null(strstr(text, "owned"));
            free(text);
        }
    }
    replay_deinit(&replay);
}

static void summary_tells_totals_and_top_sites(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    char *text = fixture_print(report_summary, &replay, &options, &header);
    static const char *const wanted[] = {
        "140 bytes in 2 allocations; 1 freed", "100 bytes in 1 block",
        "Sites by memory at the peak",         "71.4%  evil;name\\x0ahere (a.c:2)",
        "Sites by memory not freed",           "100.0%  evil;name\\x0ahere (a.c:2)",
        "Sites by temporary allocations",      "Next: allocptrace-analyze --leaks x.cbor",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!strstr(text, wanted[i]))
            fail_msg("'%s' is missing in:\n%s", wanted[i], text);
    }
    assert_null(strstr(text, "Invalid"));
    assert_null(strstr(text, "Missed"));
    assert_null(strstr(text, "Mapped"));
    free(text);
    replay_deinit(&replay);
}

static void next_command_can_be_pasted_into_a_shell(void **state)
{
    (void)state;
    static const struct {
        const char *log, *wanted;
    } cases[] = {{"my log.cbor", " 'my log.cbor' "}, {"it's.cbor", " 'it'\\''s.cbor' "}};
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_finish(&replay);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.logs = &cases[i].log;
        char *text = fixture_print(report_summary, &replay, &options, &header);
        assert_non_null(strstr(text, cases[i].wanted));
        free(text);
    }
    const char *logs[] = {"x.cbor", "-"}; /* standard input cannot be read again */
    options.logs = logs;
    options.log_count = 2;
    char *text = fixture_print(report_summary, &replay, &options, &header);
    assert_null(strstr(text, "Next:"));
    free(text);
    replay_deinit(&replay);
}

static void unknown_frees_are_told_by_how_the_log_began(void **state)
{
    (void)state;
    struct log_header attached = {.tick_ns = 1000, .attached = true};
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_free(&replay, 1, 0x999);
    fixture_finish(&replay);
    char *text = fixture_print(report_summary, &replay, &options, &header);
    assert_non_null(strstr(text, "1 frees of addresses where no block was alive"));
    free(text);
    text = fixture_print(report_summary, &replay, &options, &attached);
    assert_non_null(strstr(text, "1 freed blocks had been allocated before tracing began"));
    free(text);
    replay_deinit(&replay);
}

static void leaks_come_with_their_stacks_largest_first(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fill(&replay);
    fixture_alloc(&replay, 1, 0x30, 1000, 1);
    fixture_finish(&replay);
    char *text = fixture_print(report_leaks, &replay, &options, &header);
    const char *large = strstr(text, "1,000 bytes in 1 block (90.9%)");
    const char *small = strstr(text, "100 bytes in 1 block (9.1%)");
    assert_non_null(large);
    assert_non_null(small);
    assert_true(large < small);
    assert_non_null(strstr(small, "    malloc (a.c:3)\n    evil;name\\x0ahere (a.c:2)\n"
                                  "    main (a.c:1)\n"));
    free(text);
    options.threshold_bytes = 500;
    text = fixture_print(report_leaks, &replay, &options, &header);
    assert_non_null(strstr(text, "in 2 blocks not freed; chosen of them: 1,000 bytes in 1 block, "
                                 "from 1 stack\n"));
    free(text);
    replay_deinit(&replay);
}

/* Two addresses of one line, as an unrolled loop has them. */
static void leaks_that_look_the_same_are_one(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = fixture_report_options();
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "main");
    for (uint32_t id = 2; id <= 3; id++) {
        struct log_location location = {
            .function = fixture_text("loop"), .file = fixture_text("/src/a.c"), .line = 7};
        fixture_feed(&replay, (struct log_record){
                                  .kind = LOG_FRAME,
                                  .frame = {.frame = id, .module = 1, .address = 0x1000 + id}});
        fixture_feed(&replay,
                     (struct log_record){
                         .kind = LOG_SYMBOL,
                         .symbol = {.frame = id, .location_count = 1, .locations = &location}});
        fixture_feed(&replay,
                     (struct log_record){.kind = LOG_STACK,
                                         .stack = {.stack = id, .parent = 1, .frame = id}});
        fixture_alloc(&replay, 1, 0x10 * id, 100, id);
    }
    fixture_finish(&replay);
    char *text = fixture_print(report_leaks, &replay, &options, &header);
    assert_non_null(strstr(text, "200 bytes in 2 blocks not freed, from 1 stack"));
    assert_non_null(strstr(text, "of 2 allocated here: 1 of 1"));
    free(text);
    replay_deinit(&replay);
}

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    char text[64];
    assert_string_equal(format_number(0, text, sizeof text), "0");
    assert_string_equal(format_number(1234567, text, sizeof text), "1,234,567");
    assert_string_equal(format_number(UINT64_MAX, text, sizeof text), "18,446,744,073,709,551,615");
    assert_string_equal(format_bytes(1, false, text, sizeof text), "1 byte");
    assert_string_equal(format_bytes(1023, false, text, sizeof text), "1,023 bytes");
    assert_string_equal(format_bytes(1310720, false, text, sizeof text), "1.25 MiB");
    assert_string_equal(format_bytes(1310720, true, text, sizeof text), "1,310,720 bytes");
    assert_string_equal(format_bytes_both(1310720, false, text, sizeof text),
                        "1.25 MiB (1,310,720 bytes)");
    assert_string_equal(format_share(1, 0, text, sizeof text), "-");
    assert_string_equal(format_share(1, 8, text, sizeof text), "12.5%");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_lines_can_be_split_at_semicolons),
        cmocka_unit_test(folded_stacks_with_the_same_names_are_one_line),
        cmocka_unit_test(folded_stacks_of_several_processes_begin_with_the_program),
        cmocka_unit_test(folded_filter_looks_at_every_frame),
        cmocka_unit_test(json_has_the_contracts_keys),
        cmocka_unit_test(json_stays_valid_with_any_bytes_in_names),
        cmocka_unit_test(json_limit_holds_only_if_given),
        cmocka_unit_test(terminal_output_is_neutralized),
        cmocka_unit_test(summary_tells_totals_and_top_sites),
        cmocka_unit_test(next_command_can_be_pasted_into_a_shell),
        cmocka_unit_test(unknown_frees_are_told_by_how_the_log_began),
        cmocka_unit_test(leaks_come_with_their_stacks_largest_first),
        cmocka_unit_test(leaks_that_look_the_same_are_one),
        cmocka_unit_test(numbers_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
