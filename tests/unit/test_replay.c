/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/replay_fixture.h"

static const struct replay_sums *sums_of(const struct replay *replay, uint32_t stack)
{
    for (size_t i = 1; i < replay->row_count; i++) {
        if (replay->rows[i].stack == stack)
            return &replay->rows[i].sums;
    }
    fail_msg("no row for stack %u", stack);
    return NULL;
}

static void counts_are_valgrinds(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_realloc(&replay, 1, 0x10, 0x20, 300, 1); /* moved */
    fixture_realloc(&replay, 1, 0x20, 0x20, 50, 1);  /* in place */
    fixture_free(&replay, 1, 0x20);
    fixture_alloc(&replay, 1, 0x30, 0, 1); /* a block of no bytes is a block */
    fixture_finish(&replay);
    assert_int_equal(replay.totals.allocations, 4);
    assert_int_equal(replay.totals.deallocations, 3);
    assert_int_equal(replay.totals.reallocations, 2);
    assert_int_equal(replay.totals.bytes, 450);
    assert_int_equal(replay.totals.peak_bytes, 300);
    assert_int_equal(replay.totals.leaked, 1);
    assert_int_equal(replay.totals.leaked_bytes, 0);
    replay_deinit(&replay);
}

static void peak_set_is_the_one_at_the_highest_point(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    for (uint32_t i = 1; i <= 3; i++)
        fixture_stack(&replay, i, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1); /* 100: a peak */
    fixture_alloc(&replay, 1, 0x20, 50, 2);  /* 150: a peak */
    fixture_free(&replay, 1, 0x10);          /* 50 */
    fixture_alloc(&replay, 1, 0x30, 99, 3);  /* 149 */
    fixture_alloc(&replay, 1, 0x40, 1, 1);   /* 150 again: not above the first */
    fixture_free(&replay, 1, 0x20);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.peak_bytes, 150);
    assert_int_equal(replay.totals.peak_blocks, 2);
    assert_int_equal(sums_of(&replay, 1)->peak_bytes, 100);
    assert_int_equal(sums_of(&replay, 2)->peak_bytes, 50);
    assert_int_equal(sums_of(&replay, 3)->peak_bytes, 0);
    replay_deinit(&replay);
}

/* The lazy account by row against one that copies everything at each new peak. */
static void peak_set_agrees_with_a_full_copy(void **state)
{
    (void)state;
    enum { STACKS = 20, BLOCKS = 400, STEPS = 30000 };
    struct replay replay;
    static uint64_t sizes[BLOCKS];
    static uint32_t stacks[BLOCKS];
    uint64_t live[STACKS + 1] = {0};
    uint64_t at_peak[STACKS + 1] = {0};
    uint64_t total = 0;
    uint64_t peak = 0;
    fixture_begin(&replay, REPLAY_BY_STACK);
    for (uint32_t i = 1; i <= STACKS; i++)
        fixture_stack(&replay, i, 0, 0, "f");
    srand(3);
    for (int step = 0; step < STEPS; step++) {
        size_t block = (size_t)rand() % BLOCKS;
        if (sizes[block]) {
            fixture_free(&replay, 1, 0x1000 + block * 16);
            live[stacks[block]] -= sizes[block];
            total -= sizes[block];
            sizes[block] = 0;
        } else {
            sizes[block] = (uint64_t)rand() % 1000 + 1;
            stacks[block] = (uint32_t)rand() % STACKS + 1;
            fixture_alloc(&replay, 1, 0x1000 + block * 16, sizes[block], stacks[block]);
            live[stacks[block]] += sizes[block];
            total += sizes[block];
            if (total > peak) {
                peak = total;
                memcpy(at_peak, live, sizeof at_peak);
            }
        }
    }
    fixture_finish(&replay);
    assert_int_equal(replay.totals.peak_bytes, peak);
    assert_int_equal(replay.totals.leaked_bytes, total);
    for (uint32_t i = 1; i <= STACKS; i++) {
        assert_int_equal(sums_of(&replay, i)->peak_bytes, at_peak[i]);
        assert_int_equal(sums_of(&replay, i)->leaked_bytes, live[i]);
    }
    replay_deinit(&replay);
}

static void temporary_is_freed_before_its_thread_allocates_again(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 2, 0x20, 1, 1); /* another thread's does not matter */
    fixture_free(&replay, 1, 0x10);        /* temporary */
    fixture_free(&replay, 1, 0x20);        /* temporary, whoever frees it */
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 1, 0x30, 1, 1);
    fixture_free(&replay, 1, 0x10); /* not temporary */
    fixture_free(&replay, 1, 0x30); /* temporary */
    fixture_finish(&replay);
    assert_int_equal(replay.totals.temporary, 3);
    replay_deinit(&replay);
}

static void reallocation_race_keeps_both_blocks_apart(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_realloc_begin(&replay, 1, 0x10);
    fixture_alloc(&replay, 2, 0x10, 7, 1); /* got the address that the reallocation gave up */
    fixture_realloc(&replay, 1, 0x10, 0x50, 200, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.allocations, 3);
    assert_int_equal(replay.totals.deallocations, 1);
    assert_int_equal(replay.totals.missed_frees, 0);
    assert_int_equal(replay.totals.leaked_bytes, 207);
    replay_deinit(&replay);
}

static void reallocation_to_nothing_frees_though_another_thread_came_between(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_feed(&replay, (struct log_record){.kind = LOG_REALLOC_BEGIN,
                                              .realloc_begin = {.thread = 1, .address = 0x10}});
    fixture_alloc(&replay, 2, 0x20, 7, 1);
    fixture_free(&replay, 1, 0x10);
    replay_finish(&replay);
    assert_int_equal(replay.totals.deallocations, 1);
    assert_int_equal(replay.totals.unknown_frees, 0);
    assert_int_equal(replay.totals.leaked_bytes, 7);
    replay_deinit(&replay);
}

static void failed_reallocation_leaves_the_block_alive(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_realloc_begin(&replay, 1, 0x10);
    fixture_feed(&replay, (struct log_record){.kind = LOG_FAILED,
                                              .failed = {.thread = 1, .size = 9999, .stack = 1}});
    fixture_free(&replay, 1, 0x10);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.failed, 1);
    assert_int_equal(replay.totals.deallocations, 1);
    assert_int_equal(replay.totals.leaked, 0);
    assert_int_equal(replay.totals.unknown_frees, 0);
    replay_deinit(&replay);
}

static void block_where_one_is_alive_means_a_missed_free(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_alloc(&replay, 1, 0x10, 5, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.missed_frees, 1);
    assert_int_equal(replay.totals.leaked_bytes, 5);
    replay_deinit(&replay);
}

static void unknown_frees_at_a_threads_end_are_the_librarys(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_free(&replay, 2, 0x999); /* the program's own mistake */
    fixture_alloc(&replay, 2, 0x10, 1, 1);
    fixture_free(&replay, 2, 0x10);
    fixture_free(&replay, 2, 0x10); /* from the thread's cache as it ends */
    fixture_free(&replay, 2, 0x20);
    fixture_feed(&replay, (struct log_record){.kind = LOG_THREAD_END, .thread_end = {.thread = 2}});
    fixture_finish(&replay);
    assert_int_equal(replay.totals.unknown_frees, 1);
    assert_int_equal(replay.totals.cleanup_frees, 2);
    assert_int_equal(replay.totals.deallocations, 1);
    replay_deinit(&replay);
}

/* Two threads reallocate the same unknown address; the second one's block is another. */
static void reallocation_of_an_unknown_block_ends_no_other(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_realloc_begin(&replay, 1, 0x10);
    fixture_alloc(&replay, 2, 0x10, 7, 1);
    fixture_realloc(&replay, 1, 0x10, 0x50, 200, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.unknown_frees, 1);
    assert_int_equal(replay.totals.deallocations, 0);
    assert_int_equal(replay.totals.leaked_bytes, 207);
    replay_deinit(&replay);
}

static void reallocation_cut_short_leaves_its_block_alive(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_process(&replay, 2, 0, LOG_ORIGIN_CLONE);
    fixture_thread(&replay, 3, 2);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 2, 0x10, 100, 1);
    fixture_alloc(&replay, 3, 0x10, 1000, 1);
    fixture_realloc_begin(&replay, 2, 0x10);
    fixture_realloc_begin(&replay, 3, 0x10);
    fixture_end_process(&replay, 2, 0);
    assert_int_equal(replay.totals.leaked_bytes, 1000);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.leaked_bytes, 1100);
    assert_int_equal(replay.totals.live_bytes, 0);
    replay_deinit(&replay);
}

static void run_fork(struct replay *replay)
{
    fixture_stack(replay, 1, 0, 0, "f");
    fixture_alloc(replay, 1, 0x10, 100, 1);
    fixture_alloc(replay, 1, 0x20, 10, 1);
    fixture_process(replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(replay, 2, 2);
    fixture_free(replay, 2, 0x10);        /* the child's copy: the parent's is alive */
    fixture_alloc(replay, 2, 0x10, 7, 1); /* at the same address, in another process */
    fixture_free(replay, 1, 0x20);
    fixture_free(replay, 1, 0x10);
    fixture_finish(replay);
}

static void forked_child_has_copies_that_it_cannot_leak(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    run_fork(&replay);
    assert_int_equal(replay.totals.allocations, 3);
    assert_int_equal(replay.totals.deallocations, 3);
    assert_int_equal(replay.totals.inherited_frees, 1);
    assert_int_equal(replay.totals.unknown_frees, 0);
    assert_int_equal(replay.totals.missed_frees, 0);
    assert_int_equal(replay.totals.temporary, 1); /* 0x20, in the parent alone */
    assert_int_equal(replay.totals.peak_bytes, 220);
    assert_int_equal(replay.totals.leaked_bytes, 7);
    assert_int_equal(replay.totals.live_bytes, 0);
    replay_deinit(&replay);
}

/* Killed in the middle of the fork: what it had was not kept for the child. */
static void child_of_an_ended_process_may_free_what_is_unknown(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_feed(&replay, (struct log_record){.kind = LOG_PROCESS_END,
                                              .process_end = {.process = 1, .status = 9}});
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(&replay, 2, 2);
    fixture_free(&replay, 2, 0x10);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.inherited_frees, 1);
    assert_int_equal(replay.totals.unknown_frees, 0);
    replay_deinit(&replay);
}

static void child_alone_is_summed_up_with_its_inheritance(void **state)
{
    (void)state;
    struct replay replay;
    for (int split = REPLAY_BY_STACK; split <= REPLAY_BY_PROCESS; split++) {
        struct replay_options options = fixture_options((enum replay_split)split);
        options.pid = 102;
        fixture_begin_with(&replay, options);
        run_fork(&replay);
        assert_int_equal(replay.totals.allocations, 1);
        assert_int_equal(replay.totals.deallocations, 1);
        assert_int_equal(replay.totals.peak_bytes, 110);
        assert_int_equal(replay.totals.leaked_bytes, 7);
        replay_deinit(&replay);
    }
}

static void rows_of_a_child_are_its_own_when_split_by_process(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_PROCESS);
    run_fork(&replay);
    assert_int_equal(replay.row_count, 3);
    assert_int_equal(replay.rows[1].process, 1);
    assert_int_equal(replay.rows[1].sums.peak_bytes, 110);
    assert_int_equal(replay.rows[2].process, 2);
    assert_int_equal(replay.rows[2].sums.peak_bytes, 110);
    assert_int_equal(replay.rows[2].sums.leaked_bytes, 7);
    replay_deinit(&replay);
}

static void span_of_time_limits_what_is_summed_up(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.from = 1;
    options.to = 2;
    fixture_begin_with(&replay, options);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc_at(&replay, 500000, 1, 0x10, 1, 1); /* ticks are microseconds here */
    fixture_alloc_at(&replay, 1000000, 1, 0x20, 10, 1);
    fixture_free_at(&replay, 1500000, 1, 0x10);
    fixture_alloc_at(&replay, 2000000, 1, 0x30, 100, 1);
    fixture_alloc_at(&replay, 2000001, 1, 0x40, 1000, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.bytes, 110);
    assert_int_equal(replay.totals.deallocations, 0);
    assert_int_equal(replay.totals.unknown_frees, 0);
    assert_int_equal(replay.totals.leaked_bytes, 110);
    replay_deinit(&replay);
}

static void thread_filter_follows_its_blocks(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.tid = 202;
    fixture_begin_with(&replay, options);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 2, 0x20, 10, 1);
    fixture_free(&replay, 1, 0x20);
    fixture_free(&replay, 2, 0x10);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.allocations, 1);
    assert_int_equal(replay.totals.deallocations, 1);
    assert_int_equal(replay.totals.bytes, 10);
    replay_deinit(&replay);
}

static void mappings_are_no_part_of_the_heap(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_feed(
        &replay,
        (struct log_record){.kind = LOG_MMAP,
                            .mmap = {.thread = 1, .address = 0x1000, .size = 0x3000, .stack = 1}});
    fixture_feed(&replay,
                 (struct log_record){.kind = LOG_MUNMAP,
                                     .munmap = {.thread = 1, .address = 0x2000, .size = 0x1000}});
    fixture_finish(&replay);
    assert_int_equal(replay.totals.mapped, 1);
    assert_int_equal(replay.totals.mapped_bytes, 0x3000);
    assert_int_equal(replay.totals.mapped_peak, 0x3000);
    assert_int_equal(replay.totals.mapped_end, 0x2000);
    assert_int_equal(replay.totals.bytes, 0);
    assert_int_equal(replay.totals.leaked, 0);
    replay_deinit(&replay);
}

static void exec_takes_the_heap_away_without_leaks(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 100, 1);
    fixture_end_process(&replay, 1, -2);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_EXEC);
    fixture_thread(&replay, 2, 2);
    fixture_alloc(&replay, 2, 0x10, 30, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.leaked_bytes, 30);
    assert_int_equal(replay.totals.peak_bytes, 100);
    replay_deinit(&replay);
}

static void contradictions_are_errors(void **state)
{
    (void)state;
    static const struct log_record bad[] = {
        {.kind = LOG_ALLOC, .alloc = {.thread = 9, .address = 1, .stack = 1}},
        {.kind = LOG_ALLOC, .alloc = {.thread = 1, .address = 1, .stack = 77}},
        {.kind = LOG_ALLOC, .alloc = {.thread = 0, .address = 1, .stack = 1}},
        {.kind = LOG_STACK, .stack = {.stack = 5, .parent = 0, .frame = 1}},
        {.kind = LOG_STACK, .stack = {.stack = 2, .parent = 2, .frame = 1}},
        {.kind = LOG_STACK, .stack = {.stack = 2, .parent = 0, .frame = 4000000000}},
        {.kind = LOG_FRAME, .frame = {.frame = 2, .module = 5}},
        {.kind = LOG_FRAME, .frame = {.frame = 4000000000}},
        {.kind = LOG_THREAD, .thread = {.thread = 2, .process = 3}},
        {.kind = LOG_SYMBOL, .symbol = {.frame = 0}},
        {.kind = LOG_PROCESS, .process = {.process = 2, .parent = 2}},
        {.kind = LOG_PROCESS_END, .process_end = {.process = 5}},
        {.kind = LOG_ALLOC, .alloc = {.thread = 1, .address = 1, .size = UINT64_MAX, .stack = 1}},
        {.kind = LOG_MMAP, .mmap = {.thread = 1, .address = 1, .size = UINT64_MAX, .stack = 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct replay replay;
        fixture_begin(&replay, REPLAY_BY_STACK);
        fixture_stack(&replay, 1, 0, 0, "f");
        struct error *error = replay_record(&replay, &bad[i]);
        assert_non_null(error);
        assert_int_equal(error->code, ERROR_CORRUPT);
        error_free(error);
        replay_deinit(&replay);
    }
}

static void rows_split_by_thread_keep_their_sums_apart(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_THREAD);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 2, 0x20, 10, 1);
    fixture_alloc(&replay, 2, 0x30, 10, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.row_count, 3);
    assert_int_equal(replay.rows[1].thread, 1);
    assert_int_equal(replay.rows[1].sums.bytes, 1);
    assert_int_equal(replay.rows[2].thread, 2);
    assert_int_equal(replay.rows[2].sums.bytes, 20);
    replay_deinit(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_valgrinds),
        cmocka_unit_test(peak_set_is_the_one_at_the_highest_point),
        cmocka_unit_test(peak_set_agrees_with_a_full_copy),
        cmocka_unit_test(temporary_is_freed_before_its_thread_allocates_again),
        cmocka_unit_test(reallocation_race_keeps_both_blocks_apart),
        cmocka_unit_test(reallocation_to_nothing_frees_though_another_thread_came_between),
        cmocka_unit_test(failed_reallocation_leaves_the_block_alive),
        cmocka_unit_test(block_where_one_is_alive_means_a_missed_free),
        cmocka_unit_test(unknown_frees_at_a_threads_end_are_the_librarys),
        cmocka_unit_test(reallocation_of_an_unknown_block_ends_no_other),
        cmocka_unit_test(reallocation_cut_short_leaves_its_block_alive),
        cmocka_unit_test(forked_child_has_copies_that_it_cannot_leak),
        cmocka_unit_test(child_of_an_ended_process_may_free_what_is_unknown),
        cmocka_unit_test(child_alone_is_summed_up_with_its_inheritance),
        cmocka_unit_test(rows_of_a_child_are_its_own_when_split_by_process),
        cmocka_unit_test(span_of_time_limits_what_is_summed_up),
        cmocka_unit_test(thread_filter_follows_its_blocks),
        cmocka_unit_test(mappings_are_no_part_of_the_heap),
        cmocka_unit_test(exec_takes_the_heap_away_without_leaks),
        cmocka_unit_test(contradictions_are_errors),
        cmocka_unit_test(rows_split_by_thread_keep_their_sums_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
