/* SPDX-License-Identifier: MIT */
/* The exports for valgrind's viewers, where stacks are many or deep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "output/analyze/export_stacks.h"
#include "tests/unit/replay_fixture.h"
#include "tests/unit/report_fixture.h"

static const struct log_header header = {.tick_ns = 1000};

static void begin(struct replay *replay)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.needs = REPLAY_NEEDS_HISTORY;
    fixture_begin_with(replay, options);
}

static char *print(struct replay *replay,
                   struct error *(*export)(const struct report *report, FILE *out))
{
    struct options options = fixture_report_options();
    fixture_finish(replay);
    char *text = fixture_print(export, replay, &options, &header);
    replay_deinit(replay);
    return text;
}

/* count functions, each with a block of that size, called by main; the first is stack 2. */
static void fill_callees(struct replay *replay, uint32_t first, uint32_t count, uint64_t size)
{
    for (uint32_t i = first; i < first + count; i++) {
        char name[32];
        snprintf(name, sizeof name, "callee%u", i);
        fixture_stack(replay, i, 1, 0, name);
        fixture_alloc(replay, 1, i * UINT64_C(0x10000), size, i);
    }
}

static void massif_sums_up_what_is_below_its_threshold(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_stack(&replay, 1, 0, 0, "main");
    fill_callees(&replay, 2, 1, 9000);
    fill_callees(&replay, 3, 1, 1000);
    fill_callees(&replay, 4, 200, 10);
    char *text = print(&replay, export_massif);
    const char *peak = strstr(text, "heap_tree=peak\n");
    assert_non_null(peak);
    static const char wanted[] =
        "heap_tree=peak\n"
        "n3: 12000 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n"
        " n1: 9000 0x1001: callee2 (a.c:2)\n"
        "  n0: 9000 0x1000: main (a.c:1)\n"
        " n0: 2000 in 200 places, all below massif's threshold (1.00%)\n"
        " n1: 1000 0x1002: callee3 (a.c:3)\n"
        "  n0: 1000 0x1000: main (a.c:1)\n"
        "#-----------\n";
    assert_memory_equal(peak, wanted, strlen(wanted));
    free(text);
}

/* Hundreds of siblings that all reach the threshold by a hair. */
static void massif_has_room_for_all_that_reach_the_threshold(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_stack(&replay, 1, 0, 0, "main");
    fill_callees(&replay, 2, 100, 1);
    char *text = print(&replay, export_massif);
    assert_non_null(strstr(text, "heap_tree=peak\nn100: 100 "));
    assert_null(strstr(text, "below"));
    free(text);
}

/* A recursion, each of whose frames is a caller of its own. */
static uint32_t fill_recursion(struct replay *replay, uint32_t depth)
{
    for (uint32_t i = 1; i <= depth; i++)
        fixture_stack(replay, i, i - 1, 0, "recurse");
    return depth;
}

static void massif_cuts_deep_stacks(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    uint32_t stack = fill_recursion(&replay, 100000);
    fixture_alloc(&replay, 1, 0x10, 8, stack);
    char *text = print(&replay, export_massif);
    assert_non_null(strstr(text, "recurse (a.c:99971)\n"));
    assert_null(strstr(text, "recurse (a.c:99970)\n"));
    free(text);
}

/* Deep stacks that differ where they are cut off are one: the viewer takes none twice. */
static void dhat_merges_stacks_that_are_the_same_as_far_as_they_are_written(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    uint32_t deep = fill_recursion(&replay, 3);
    uint32_t tops[2] = {2, 3};
    uint32_t next = deep + 1;
    /* Two chains of the same frames, whose outermost callers differ. */
    for (uint32_t i = 0; i < EXPORT_MOST_DEPTH; i++) {
        for (size_t chain = 0; chain < 2; chain++) {
            fixture_feed(&replay, (struct log_record){
                                      .kind = LOG_STACK,
                                      .stack = {.stack = next, .parent = tops[chain], .frame = 1}});
            tops[chain] = next++;
        }
    }
    fixture_alloc(&replay, 1, 0x10, 8, tops[0]);
    fixture_alloc(&replay, 1, 0x20, 8, tops[1]);
    char *text = print(&replay, export_dhat);
    json_t *data = json_loads(text, 0, NULL);
    assert_non_null(data);
    const json_t *points = json_object_get(data, "pps");
    assert_int_equal(json_array_size(points), 1);
    const json_t *point = json_array_get(points, 0);
    assert_int_equal(json_integer_value(json_object_get(point, "tb")), 16);
    const json_t *frames = json_object_get(point, "fs");
    assert_int_equal(json_array_size(frames), EXPORT_MOST_DEPTH + 1);
    json_int_t last = json_integer_value(json_array_get(frames, EXPORT_MOST_DEPTH));
    const json_t *table = json_object_get(data, "ftbl");
    assert_string_equal(json_string_value(json_array_get(table, (size_t)last)),
                        EXPORT_MORE_CALLERS);
    json_decref(data);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(massif_sums_up_what_is_below_its_threshold),
        cmocka_unit_test(massif_has_room_for_all_that_reach_the_threshold),
        cmocka_unit_test(massif_cuts_deep_stacks),
        cmocka_unit_test(dhat_merges_stacks_that_are_the_same_as_far_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
