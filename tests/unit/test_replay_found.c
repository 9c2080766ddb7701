/* SPDX-License-Identifier: MIT */
/* Blocks that were alive before tracing began: part of the heap, but neither allocations nor leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/analyze/history.h"
#include "tests/unit/replay_fixture.h"

#define NAME "[allocated before attach]"

static void found(struct replay *replay, uint32_t process, uint64_t address, uint64_t size)
{
    fixture_feed(replay, (struct log_record){
                             .kind = LOG_FOUND,
                             .found = {.process = process, .address = address, .size = size}});
}

/* Two of them, and a stack of the log's own. */
static void begin(struct replay *replay, struct replay_options options)
{
    fixture_begin_with(replay, options);
    fixture_stack(replay, 1, 0, 0, "f");
    found(replay, 1, 0x1000, 1000);
    found(replay, 1, 0x2000, 200);
}

static const struct replay_row *row_of_found(const struct replay *replay)
{
    size_t process = replay->options.split == REPLAY_BY_STACK ? 0 : 1;
    const struct replay_row *row = &replay->rows[replay->found_rows[process]];
    const struct catalog_stack *stack = &replay->catalog.stacks[row->stack];
    assert_string_equal(catalog_line(&replay->catalog, stack->frame, 0).function, NAME);
    assert_int_equal(stack->parent, 0);
    return row;
}

static void they_are_live_and_neither_allocated_nor_leaked(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    fixture_alloc(&replay, 1, 0x3000, 30, 1);
    fixture_free(&replay, 1, 0x1000);
    fixture_alloc(&replay, 1, 0x4000, 4, 1);
    fixture_finish(&replay);
    const struct replay_totals *totals = &replay.totals;
    assert_int_equal(totals->found, 2);
    assert_int_equal(totals->found_bytes, 1200);
    assert_int_equal(totals->found_freed, 1);
    assert_int_equal(totals->found_freed_bytes, 1000);
    assert_int_equal(totals->found_left_bytes, 200);
    assert_int_equal(totals->allocations, 2);
    assert_int_equal(totals->deallocations, 0);
    assert_int_equal(totals->unknown_frees + totals->inherited_frees + totals->missed_frees, 0);
    assert_int_equal(totals->peak_bytes, 1230);
    assert_int_equal(totals->leaked_bytes, 34);
    assert_int_equal(totals->left_bytes, 34);
    assert_int_equal(totals->live_bytes, 0);
    const struct replay_sums *sums = &row_of_found(&replay)->sums;
    assert_int_equal(sums->peak_bytes, 1200);
    assert_int_equal(sums->count + sums->leaked, 0);
    replay_deinit(&replay);
}

static void a_reallocation_is_an_allocation_of_the_new_size(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    fixture_realloc(&replay, 1, 0x1000, 0x5000, 1500, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.allocations, 1);
    assert_int_equal(replay.totals.reallocations, 1);
    assert_int_equal(replay.totals.deallocations, 0);
    assert_int_equal(replay.totals.bytes, 1500);
    assert_int_equal(replay.totals.found_freed, 1);
    assert_int_equal(replay.totals.copied, 1000);
    replay_deinit(&replay);
}

static void a_new_block_in_their_place_ends_them(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    found(&replay, 1, 0x2000, 300);
    fixture_alloc(&replay, 1, 0x1000, 10, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.found_left_bytes, 300);
    assert_int_equal(replay.totals.peak_bytes, 1300);
    replay_deinit(&replay);
}

static void a_freed_one_is_freed_twice_if_it_is_freed_again(void **state)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct replay replay;
    (void)state;
    options.needs = REPLAY_NEEDS_BAD_FREES;
    begin(&replay, options);
    fixture_free(&replay, 1, 0x1000);
    fixture_free(&replay, 1, 0x1000);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.unknown_frees, 1);
    assert_int_equal(replay.bad_frees.count, 1);
    assert_int_equal(replay.bad_frees.list[0].freed_by, 1);
    assert_int_equal(replay.bad_frees.list[0].size, 1000);
    replay_deinit(&replay);
}

static void a_child_has_copies_of_them(void **state)
{
    static const enum replay_split splits[] = {REPLAY_BY_STACK, REPLAY_BY_PROCESS,
                                               REPLAY_BY_THREAD};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct replay replay;
        begin(&replay, fixture_options(splits[i]));
        fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
        fixture_thread(&replay, 2, 2);
        fixture_free(&replay, 2, 0x2000);
        fixture_end_process(&replay, 2, 0);
        fixture_free(&replay, 1, 0x1000);
        fixture_finish(&replay);
        assert_int_equal(replay.totals.found_freed_bytes, 1000);
        assert_int_equal(replay.totals.found_left_bytes, 200);
        assert_int_equal(replay.totals.inherited_frees, 1);
        assert_int_equal(replay.totals.peak_bytes, 2400);
        assert_int_equal(replay.totals.leaked, 0);
        const struct replay_row *row = row_of_found(&replay);
        assert_int_equal(row->process, splits[i] == REPLAY_BY_STACK ? 0 : 1);
        if (splits[i] == REPLAY_BY_THREAD)
            assert_string_equal(replay.catalog.threads[row->thread].name, NAME);
        replay_deinit(&replay);
    }
}

static void they_are_no_part_of_a_thread_or_a_time(void **state)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct replay replay;
    (void)state;
    for (int i = 0; i < 3; i++) {
        options = fixture_options(REPLAY_BY_STACK);
        options.tid = i == 0 ? 201 : -1;
        options.from = i == 1 ? 1e-6 : -INFINITY;
        options.pid = i == 2 ? 102 : -1;
        begin(&replay, options);
        fixture_free(&replay, 1, 0x1000);
        fixture_finish(&replay);
        assert_int_equal(replay.totals.found, 0);
        assert_int_equal(replay.totals.unknown_frees, 0);
        assert_int_equal(replay.totals.peak_bytes, 0);
        replay_deinit(&replay);
    }
}

static void the_heap_over_time_has_them(void **state)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct replay replay;
    (void)state;
    options.needs = REPLAY_NEEDS_HISTORY;
    begin(&replay, options);
    fixture_feed(&replay, (struct log_record){.kind = LOG_FREE,
                                              .free = {.thread = 1, .address = 0x1000, .time = 5}});
    fixture_finish(&replay);
    const struct history *history = replay.history;
    assert_int_equal(history->bins[0].live_bytes, 1200);
    assert_int_equal(history->bins[0].allocated, 0);
    assert_int_equal(history->bins[history->bin_count - 1].live_bytes, 200);
    assert_int_equal(history->bins[history->bin_count - 1].freed, 0);
    replay_deinit(&replay);
}

static void checks_name_them(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    fixture_feed(&replay,
                 (struct log_record){.kind = LOG_CHECK, .check = {.check = 1, .process = 1}});
    fixture_feed(&replay, (struct log_record){.kind = LOG_VERDICT,
                                              .verdict = {.check = 1,
                                                          .address = 0x1000,
                                                          .size = 1000,
                                                          .holder = 0x1000,
                                                          .reach = LOG_DEFINITELY_LOST}});
    fixture_feed(&replay, (struct log_record){.kind = LOG_VERDICT,
                                              .verdict = {.check = 1,
                                                          .address = 0x3000,
                                                          .size = 30,
                                                          .holder = 0x1010,
                                                          .stack = 1,
                                                          .thread = 1,
                                                          .reach = LOG_INDIRECTLY_LOST}});
    fixture_feed(&replay, (struct log_record){.kind = LOG_CHECK_END, .check_end = {.check = 1}});
    fixture_finish(&replay);
    const struct leak_check *one = &replay.leaks.list[1];
    uint32_t stack = row_of_found(&replay)->stack;
    assert_int_equal(one->sum_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct leak_sum *sum = &one->sums[i];
        if (sum->reach == LOG_DEFINITELY_LOST)
            assert_true(sum->found && sum->stack == stack);
        else
            assert_true(!sum->found && sum->owner_found && sum->owner_stack == stack);
    }
    replay_deinit(&replay);
}

static void what_contradicts_the_log_is_corrupt(void **state)
{
    const struct log_found wrong[] = {{.process = 0, .address = 1, .size = 1},
                                      {.process = 2, .address = 1, .size = 1},
                                      {.process = 1, .address = 1, .size = UINT64_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct replay replay;
        begin(&replay, fixture_options(REPLAY_BY_STACK));
        const struct log_record record = {.kind = LOG_FOUND, .found = wrong[i]};
        struct error *error = replay_record(&replay, &record);
        assert_non_null(error);
        assert_int_equal(error->code, ERROR_CORRUPT);
        error_free(error);
        replay_deinit(&replay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_live_and_neither_allocated_nor_leaked),
        cmocka_unit_test(a_reallocation_is_an_allocation_of_the_new_size),
        cmocka_unit_test(a_new_block_in_their_place_ends_them),
        cmocka_unit_test(a_freed_one_is_freed_twice_if_it_is_freed_again),
        cmocka_unit_test(a_child_has_copies_of_them),
        cmocka_unit_test(they_are_no_part_of_a_thread_or_a_time),
        cmocka_unit_test(the_heap_over_time_has_them),
        cmocka_unit_test(checks_name_them),
        cmocka_unit_test(what_contradicts_the_log_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
