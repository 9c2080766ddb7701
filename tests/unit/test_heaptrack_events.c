/* SPDX-License-Identifier: MIT */
/* The lines of a heaptrack file, and the table of pairs that they refer to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/heaptrack_events.h"
#include "output/analyze/heaptrack_infos.h"
#include "tests/unit/replay_fixture.h"
#include "tests/unit/report_fixture.h"

static struct replay_observer *observer;

static void begin(struct replay *replay)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    assert_null(heaptrack_events_observe(&observer));
    options.observers = observer;
    fixture_begin_with(replay, options);
    fixture_stack(replay, 1, 0, 0, "main");
    fixture_stack(replay, 2, 1, LOG_FRAME_ALLOCATOR, "malloc");
    fixture_stack(replay, 3, 1, LOG_FRAME_ALLOCATOR, "calloc");
}

/* Ends the log; the events that were written must be these. */
static void check_events(struct replay *replay, const char *wanted)
{
    char *text = NULL;
    size_t size;
    fixture_finish(replay);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_null(heaptrack_events_write(observer, replay, out));
    fclose(out);
    assert_string_equal(text, wanted);
    free(text);
    observer->destroy(observer);
    replay_deinit(replay);
}

static void pairs_are_of_sizes_and_callers_of_the_allocation_function(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_alloc(&replay, 1, 0x10, 0xabc, 2);
    fixture_alloc(&replay, 1, 0x20, 0xabc, 3);
    fixture_alloc(&replay, 1, 0x30, 1, 2);
    fixture_alloc(&replay, 1, 0x40, 1, 0);
    check_events(&replay, "a abc 3\n+ 1\n+ 1\na 1 3\n+ 2\na 1 1\n+ 3\nc 0\n");
}

static void frees_look_temporary_only_if_they_are(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_alloc(&replay, 1, 0x10, 8, 2);
    fixture_alloc(&replay, 1, 0x20, 8, 2);
    fixture_free(&replay, 1, 0x10); /* not the last one, which is of the same pair */
    fixture_free(&replay, 1, 0x20); /* the last one, but not at once */
    fixture_alloc(&replay, 1, 0x30, 8, 2);
    fixture_free(&replay, 1, 0x30);
    assert_int_equal(replay.totals.temporary, 2);
    check_events(&replay, "a 8 3\n+ 1\n+ 1\na 8 3\n- 2\n- 1\n- 0\n+ 1\n- 1\nc 0\n");
}

static void a_resized_block_is_not_temporary(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_alloc(&replay, 1, 0x10, 8, 2);
    fixture_realloc(&replay, 1, 0x10, 0x20, 9, 2);
    check_events(&replay, "a 8 3\n+ 1\na 8 3\n- 2\na 9 3\n+ 3\nc 0\n");
}

static void what_a_process_leaves_makes_way_and_is_put_back(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_CLONE);
    fixture_thread(&replay, 2, 2);
    fixture_alloc(&replay, 2, 0x10, 8, 2);
    fixture_alloc(&replay, 2, 0x20, 8, 2);
    fixture_end_process(&replay, 2, 0);
    fixture_alloc(&replay, 1, 0x10, 8, 2);
    check_events(&replay, "a 8 3\n+ 1\n+ 1\n"
                          "a 10 3\n- 2\n+ 1\n"
                          "a fffffffffffffff0 3\n- 3\nc 0\n");
}

static void what_an_exec_ends_has_not_leaked(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_alloc(&replay, 1, 0x10, 8, 2);
    fixture_end_process(&replay, 1, -2);
    check_events(&replay, "a 8 3\n+ 1\na 8 3\n- 2\nc 0\n");
}

static void copies_of_a_fork_are_added_and_no_allocations(void **state)
{
    (void)state;
    struct replay replay;
    begin(&replay);
    fixture_alloc(&replay, 1, 0x10, 8, 2);
    fixture_alloc(&replay, 1, 0x20, 4, 2);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(&replay, 2, 2);
    fixture_free(&replay, 2, 0x10);
    fixture_end_process(&replay, 2, 0);
    fixture_free(&replay, 1, 0x10);
    check_events(&replay, "a 8 3\n+ 1\na 4 3\n+ 2\n"
                          "a fffffffffffffff4 3\n- 3\n- 1\n"
                          "a 4 3\n- 4\n- 1\nc 0\n");
}

/* Pairs that are found again keep their numbers until there are too many. */
static void the_table_of_pairs_is_bounded(void **state)
{
    (void)state;
    struct heaptrack_infos infos = {0};
    for (uint64_t i = 1; i <= HEAPTRACK_MOST_INFOS; i++) {
        struct heaptrack_info *info = heaptrack_infos_find(&infos, i, 7);
        assert_non_null(info);
        assert_int_equal(info->number, 0);
        info->number = i;
    }
    size_t capacity = infos.capacity;
    assert_int_equal(infos.count, HEAPTRACK_MOST_INFOS);
    /* Nothing is forgotten for what is known. */
    for (uint64_t i = 1; i <= HEAPTRACK_MOST_INFOS; i++)
        assert_int_equal(heaptrack_infos_find(&infos, i, 7)->number, i);
    assert_int_equal(heaptrack_infos_find(&infos, 1, 8)->number, 0);
    assert_int_equal(infos.count, 1);
    assert_int_equal(infos.capacity, capacity);
    assert_int_equal(heaptrack_infos_find(&infos, 1, 7)->number, 0);
    heaptrack_infos_deinit(&infos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_of_sizes_and_callers_of_the_allocation_function),
        cmocka_unit_test(frees_look_temporary_only_if_they_are),
        cmocka_unit_test(a_resized_block_is_not_temporary),
        cmocka_unit_test(what_a_process_leaves_makes_way_and_is_put_back),
        cmocka_unit_test(what_an_exec_ends_has_not_leaked),
        cmocka_unit_test(copies_of_a_fork_are_added_and_no_allocations),
        cmocka_unit_test(the_table_of_pairs_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
