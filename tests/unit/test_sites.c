/* SPDX-License-Identifier: MIT */
/* Which function a block is charged to, and how it is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "output/analyze/internal_frames.h"
#include "output/analyze/report.h"
#include "output/analyze/sites.h"
#include "tests/unit/replay_fixture.h"

static void allocator_internal_functions_are_passed_over(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        bool internal;
    } cases[] = {
        {"operator new(unsigned long)", true},
        {"operator new[](unsigned long)", true},
        {"alloc::raw_vec::RawVec<T,A>::grow_one", true},
        {"alloc::alloc::exchange_malloc", true},
        {"__rust_alloc", true},
        {"std::__new_allocator<int>::allocate(unsigned long, void const*)", true},
        {"main", false},
        {"operator_new_user", false},
        {"my::alloc::alloc::thing", false},
        {"std::vector<int, std::allocator<int> >::push_back(int&&)", false},
        {"f(std::allocator<int>)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct catalog_line line = {.function = cases[i].function, .module = ""};
        if (internal_frame(&line) != cases[i].internal)
            fail_msg("%s", cases[i].function);
    }
    struct catalog_line malloc_line = {.function = "x", .flags = LOG_FRAME_ALLOCATOR};
    assert_true(internal_frame(&malloc_line));
}

static void fill(struct replay *replay)
{
    fixture_begin(replay, REPLAY_BY_STACK);
    fixture_stack(replay, 1, 0, 0, "main");
    fixture_stack(replay, 2, 1, 0, "evil;name\nhere");
    fixture_stack(replay, 3, 2, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(replay, 4, 1, LOG_FRAME_ALLOCATOR, "calloc");
    fixture_alloc(replay, 1, 0x10, 100, 3);
    fixture_alloc(replay, 1, 0x20, 40, 4);
    fixture_free(replay, 1, 0x20);
    replay_finish(replay);
}

static char *print(struct error *(*print_report)(const struct report *report, FILE *out),
                   const struct replay *replay, struct options *options)
{
    struct log_header header = {.tick_ns = 1000};
    struct report report = {.options = options, .replay = replay, .header = &header};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_null(print_report(&report, out));
    fclose(out);
    return text;
}

static void folded_lines_can_be_split_at_semicolons(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = {.limit = 10, .pid = -1, .tid = -1};
    fill(&replay);
    char *text = print(report_folded, &replay, &options);
    assert_string_equal(text, "main 40\nmain;evil:name?here 100\n");
    free(text);
    options.verbose = 1;
    text = print(report_folded, &replay, &options);
    assert_string_equal(text, "main;calloc 40\nmain;evil:name?here;malloc 100\n");
    free(text);
    options.metric = METRIC_LEAKED;
    text = print(report_folded, &replay, &options);
    assert_string_equal(text, "main;evil:name?here;malloc 100\n");
    free(text);
    replay_deinit(&replay);
}

static void json_has_the_contracts_keys(void **state)
{
    (void)state;
    static const char *const site_keys[] = {
        "function",    "module",     "file",         "line",         "count",
        "total_bytes", "peak_bytes", "leaked_bytes", "leaked_count", "temporary"};
    static const char *const summary_keys[] = {
        "total_allocations",     "total_deallocations", "total_reallocations",
        "total_bytes_allocated", "peak_memory",         "current_memory",
        "leaked_bytes",          "leaked_blocks",       "temporary_allocations"};
    struct replay replay;
    struct options options = {.limit = 10, .pid = -1, .tid = -1, .group = GROUP_LINE};
    fill(&replay);
    char *text = print(report_json, &replay, &options);
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    if (!root)
        fail_msg("%s", error.text);
    json_t *sites = json_object_get(root, "allocations");
    assert_int_equal(json_array_size(sites), 2);
    for (size_t i = 0; i < sizeof site_keys / sizeof *site_keys; i++)
        assert_non_null(json_object_get(json_array_get(sites, 0), site_keys[i]));
    json_t *summary = json_object_get(root, "summary");
    for (size_t i = 0; i < sizeof summary_keys / sizeof *summary_keys; i++)
        assert_non_null(json_object_get(summary, summary_keys[i]));
    assert_int_equal(json_integer_value(json_object_get(summary, "total_allocations")), 2);
    assert_int_equal(json_integer_value(json_object_get(summary, "leaked_bytes")), 100);
    json_t *heaviest = json_array_get(sites, 0);
    assert_string_equal(json_string_value(json_object_get(heaviest, "function")),
                        "evil;name\nhere");
    assert_int_equal(json_integer_value(json_object_get(heaviest, "line")), 2);
    json_decref(root);
    free(text);
    replay_deinit(&replay);
}

static void terminal_output_is_neutralized(void **state)
{
    (void)state;
    struct replay replay;
    struct options options = {.limit = 10, .pid = -1, .tid = -1, .log = "x"};
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "\033]0;owned\007");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    replay_finish(&replay);
    for (int i = 0; i < 2; i++) {
        char *text = print(i ? report_leaks : report_summary, &replay, &options);
        assert_null(strchr(text, '\033'));
        assert_non_null(strstr(text, "owned"));
        free(text);
    }
    replay_deinit(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocator_internal_functions_are_passed_over),
        cmocka_unit_test(folded_lines_can_be_split_at_semicolons),
        cmocka_unit_test(json_has_the_contracts_keys),
        cmocka_unit_test(terminal_output_is_neutralized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
