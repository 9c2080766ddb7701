/* SPDX-License-Identifier: MIT */
/* What the replay keeps of blocks' lives beyond counts: times, slack, growth, who frees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/replay_fixture.h"

static void alloc_with_slack(struct replay *replay, uint64_t address, uint64_t size, uint64_t slack)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_ALLOC,
                                             .alloc = {.thread = 1,
                                                       .address = address,
                                                       .size = size,
                                                       .stack = 1,
                                                       .slack = slack,
                                                       .has_slack = true}});
}

static void a_buffer_that_grows_is_one_chain(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "make");
    fixture_stack(&replay, 2, 0, 0, "grow");
    fixture_alloc(&replay, 1, 0x100, 16, 1);
    fixture_realloc(&replay, 1, 0x100, 0x200, 32, 2); /* copies 16 */
    fixture_realloc(&replay, 1, 0x200, 0x200, 64, 2); /* in place */
    fixture_realloc(&replay, 1, 0x200, 0x300, 8, 2);  /* copies what is kept: 8 */
    fixture_free(&replay, 1, 0x300);
    fixture_alloc(&replay, 1, 0x400, 5, 1);
    fixture_realloc(&replay, 1, 0x400, 0x500, 6, 2); /* copies 5; not freed */
    fixture_finish(&replay);
    const struct replay_sums *grow = &replay.rows[2].sums;
    assert_int_equal(grow->reallocations, 4);
    assert_int_equal(grow->moved, 3);
    assert_int_equal(grow->copied, 16 + 8 + 5);
    assert_int_equal(grow->chains, 2);
    assert_int_equal(grow->chain_length, 3);
    assert_int_equal(grow->chain_first, 16);
    assert_int_equal(grow->chain_last, 8);
    assert_int_equal(replay.rows[1].sums.chains, 0);
    assert_int_equal(replay.totals.copied, 29);
    assert_int_equal(replay.totals.chains, 2);
    replay_deinit(&replay);
}

static void chains_are_given_back(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    for (unsigned i = 0; i < 10000; i++) {
        fixture_alloc(&replay, 1, 0x100, 1, 1);
        fixture_realloc(&replay, 1, 0x100, 0x200, 2, 1);
        fixture_free(&replay, 1, 0x200);
    }
    assert_int_equal(replay.totals.chains, 10000);
    assert_true(replay.chains.count <= 2);
    replay_deinit(&replay);
}

static void slack_is_summed_where_it_is_known(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_stack(&replay, 1, 0, 0, "f");
    alloc_with_slack(&replay, 0x10, 1, 23);
    alloc_with_slack(&replay, 0x20, 24, 0);
    fixture_alloc(&replay, 1, 0x30, 1000, 1); /* the allocator does not tell */
    fixture_free(&replay, 1, 0x10);
    alloc_with_slack(&replay, 0x40, 100, 4);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.slack, 27);
    assert_int_equal(replay.totals.slack_count, 3);
    assert_int_equal(replay.totals.peak_slack, 4); /* 1,124 bytes */
    assert_int_equal(replay.rows[1].sums.peak_slack, 4);
    assert_int_equal(replay.rows[1].sums.most_bytes, 1124);
    assert_int_equal(replay.rows[1].sums.most, 3);
    replay_deinit(&replay);
}

static void lifetimes_are_measured(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.needs = REPLAY_NEEDS_BUCKETS;
    fixture_begin_with(&replay, options); /* a tick is a microsecond */
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc_at(&replay, 0, 1, 0x10, 9, 1);
    fixture_free_at(&replay, 0, 1, 0x10); /* under a microsecond */
    fixture_alloc_at(&replay, 100, 1, 0x20, 16, 1);
    fixture_free_at(&replay, 199, 1, 0x20); /* 99: under 100 */
    fixture_alloc_at(&replay, 200, 1, 0x30, 17, 1);
    fixture_free_at(&replay, 300, 1, 0x30);        /* 100: under 1,000 */
    fixture_alloc_at(&replay, 400, 1, 0x40, 0, 1); /* 600 until the end */
    fixture_alloc_at(&replay, 1000, 1, 0x50, 8, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.lifetimes.all[0].count, 1);
    assert_int_equal(replay.lifetimes.all[2].count, 1);
    assert_int_equal(replay.lifetimes.all[3].count, 1);
    assert_int_equal(replay.lifetimes.all[3].bytes, 17);
    assert_int_equal(replay.lifetimes.all[BUCKETS_NOT_FREED].count, 2);
    assert_int_equal(replay.rows[1].sums.lifetime, 99 + 100 + 600);
    assert_int_equal(replay.sizes.all[0].count, 1); /* 0 */
    assert_int_equal(replay.sizes.all[1].count, 1); /* 8 */
    assert_int_equal(replay.sizes.all[2].count, 2); /* 9, 16 */
    assert_int_equal(replay.sizes.all[3].count, 1); /* 17 */
    assert_int_equal(replay.sizes.rows[1].count, 4);
    replay_deinit(&replay);
}

static void every_size_has_its_bucket(void **state)
{
    (void)state;
    assert_int_equal(buckets_of_size(0), 0);
    for (unsigned bucket = 1; bucket < BUCKETS_SIZES - 1; bucket++) {
        assert_int_equal(buckets_of_size(buckets_size_end(bucket)), bucket);
        assert_int_equal(buckets_of_size(buckets_size_end(bucket) + 1), bucket + 1);
    }
    assert_int_equal(buckets_of_size(1), 1);
    assert_int_equal(buckets_of_size(UINT64_MAX), BUCKETS_SIZES - 1);
    assert_int_equal(buckets_of_lifetime(UINT64_MAX), BUCKETS_NOT_FREED - 1);
}

static void only_old_blocks_leak_if_asked_so(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.older_than = 1e-3; /* 1,000 ticks */
    fixture_begin_with(&replay, options);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc_at(&replay, 0, 1, 0x10, 100, 1);
    fixture_alloc_at(&replay, 1000, 1, 0x20, 10, 1);
    fixture_alloc_at(&replay, 1001, 1, 0x30, 1, 1);
    fixture_end_process_at(&replay, 2000, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.leaked, 2);
    assert_int_equal(replay.totals.leaked_bytes, 110);
    replay_deinit(&replay);
}

static void frees_by_other_threads_are_told_apart(void **state)
{
    (void)state;
    struct replay replay;
    size_t count;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_thread(&replay, 2, 1);
    fixture_thread(&replay, 3, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    for (uint32_t i = 1; i <= 4; i++)
        fixture_alloc(&replay, 1, 0x10 * i, i, 1);
    fixture_free(&replay, 1, 0x10);
    fixture_free(&replay, 2, 0x20);
    fixture_free(&replay, 2, 0x30);
    fixture_realloc(&replay, 3, 0x40, 0x50, 9, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.foreign, 3);
    assert_int_equal(replay.rows[1].sums.foreign, 3);
    struct thread_pair *pairs = thread_pairs_list(&replay.foreign, &count);
    assert_int_equal(count, 2);
    assert_int_equal(pairs[0].to, 2);
    assert_int_equal(pairs[0].count, 2);
    assert_int_equal(pairs[0].bytes, 5);
    assert_int_equal(pairs[1].to, 3);
    assert_int_equal(pairs[1].bytes, 4);
    free(pairs);
    replay_deinit(&replay);
}

static void double_frees_are_told_from_invalid_ones(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.needs = REPLAY_NEEDS_BAD_FREES;
    fixture_begin_with(&replay, options);
    fixture_thread(&replay, 2, 1);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc_at(&replay, 1, 1, 0x10, 7, 1);
    fixture_free_at(&replay, 2, 2, 0x10);
    fixture_free_at(&replay, 3, 1, 0x10);   /* double */
    fixture_free_at(&replay, 4, 1, 0x10);   /* and again */
    fixture_free_at(&replay, 5, 1, 0xbad0); /* never was a block */
    fixture_alloc_at(&replay, 6, 1, 0x10, 7, 1);
    fixture_free_at(&replay, 7, 1, 0x10); /* fine */
    fixture_alloc_at(&replay, 8, 1, 0x20, 1, 1);
    fixture_realloc(&replay, 1, 0x20, 0x30, 2, 1);
    /* What a thread's end frees was freed by the program before: no faults. */
    fixture_free_at(&replay, 9, 2, 0x40);
    fixture_free_at(&replay, 9, 2, 0x50);
    fixture_feed(&replay, (struct log_record){.kind = LOG_THREAD_END, .thread_end = {.thread = 2}});
    fixture_finish(&replay);
    const struct bad_frees *frees = &replay.bad_frees;
    assert_int_equal(frees->count, 5);
    assert_int_equal(replay.totals.unknown_frees, 3);
    assert_int_equal(frees->list[0].freed_by, 2);
    assert_int_equal(frees->list[0].freed_at, 2);
    assert_int_equal(frees->list[0].size, 7);
    assert_int_equal(frees->list[0].row, 1);
    assert_int_equal(frees->list[1].freed_by, 2);
    assert_int_equal(frees->list[2].freed_by, 0);
    for (size_t i = 0; i < frees->count; i++)
        assert_int_equal(frees->list[i].cleanup, i >= 3);
    replay_deinit(&replay);
}

/* A thread's last frees are the C library's own, unless a signal ended all. */
static void frees_that_kill_a_process_are_its_own(void **state)
{
    (void)state;
    static const int64_t statuses[] = {6 /* SIGABRT */, 0};
    for (size_t i = 0; i < 2; i++) {
        struct replay replay;
        struct replay_options options = fixture_options(REPLAY_BY_STACK);
        options.needs = REPLAY_NEEDS_BAD_FREES;
        fixture_begin_with(&replay, options);
        fixture_thread(&replay, 2, 1);
        fixture_free_at(&replay, 1, 2, 0x20); /* this thread ends before anything else happens */
        fixture_feed(&replay,
                     (struct log_record){.kind = LOG_THREAD_END, .thread_end = {.thread = 2}});
        fixture_free_at(&replay, 2, 1, 0x30);
        fixture_feed(&replay,
                     (struct log_record){.kind = LOG_THREAD_END, .thread_end = {.thread = 1}});
        fixture_end_process(&replay, 1, statuses[i]);
        fixture_finish(&replay);
        assert_int_equal(replay.totals.unknown_frees, statuses[i] ? 1 : 0);
        assert_int_equal(replay.totals.cleanup_frees, statuses[i] ? 1 : 2);
        assert_true(replay.bad_frees.list[0].cleanup);
        assert_int_equal(replay.bad_frees.list[1].cleanup, !statuses[i]);
        replay_deinit(&replay);
    }
}

static void ends_of_unknown_threads_are_passed_over(void **state)
{
    (void)state;
    struct replay replay;
    fixture_begin(&replay, REPLAY_BY_STACK);
    fixture_alloc(&replay, 1, 0x10, 1, 0);
    for (uint32_t id = 0; id < 100; id++)
        fixture_feed(&replay,
                     (struct log_record){.kind = LOG_THREAD_END, .thread_end = {.thread = id}});
    fixture_finish(&replay);
    assert_int_equal(replay.totals.cleanup_frees, 0);
    replay_deinit(&replay);
}

/* More blocks are freed than are remembered, twice over. */
static void freed_blocks_are_remembered_in_turn(void **state)
{
    (void)state;
    enum { BLOCKS = (1 << 21) + 5 };
    struct bad_frees frees = {.count = 0};
    uint32_t last = 0;
    for (uint64_t i = 1; i <= BLOCKS; i++) {
        struct live_block block = {.address = i * 16, .size = i};
        assert_true(bad_frees_note_freed(&frees, 1, &block, 1, i));
    }
    struct bad_free recent = {.address = UINT64_C(16) * BLOCKS, .process = 1, .thread = 1};
    struct bad_free oldest = {
        .address = UINT64_C(16) * (BLOCKS - (1 << 20) + 1), .process = 1, .thread = 1};
    struct bad_free forgotten = {
        .address = UINT64_C(16) * (BLOCKS - (1 << 20)), .process = 1, .thread = 1};
    struct bad_free elsewhere = {.address = recent.address, .process = 2, .thread = 1};
    assert_true(bad_frees_add(&frees, &recent, &last));
    assert_true(bad_frees_add(&frees, &oldest, &last));
    assert_true(bad_frees_add(&frees, &forgotten, &last));
    assert_true(bad_frees_add(&frees, &elsewhere, &last));
    assert_int_equal(frees.list[0].size, BLOCKS);
    assert_int_equal(frees.list[1].freed_by, 1);
    assert_int_equal(frees.list[2].freed_by, 0);
    assert_int_equal(frees.list[3].freed_by, 0);
    bad_frees_deinit(&frees);
}

static void without_times_events_are_the_clock(void **state)
{
    (void)state;
    struct replay replay;
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct log_header header = {.version = 1, .tick_ns = 0};
    assert_null(replay_init(&replay, &options, &header));
    fixture_process(&replay, 1, 0, LOG_ORIGIN_LAUNCH);
    fixture_thread(&replay, 1, 1);
    fixture_alloc(&replay, 1, 0x10, 1, 0);
    fixture_alloc(&replay, 1, 0x20, 1, 0);
    fixture_free(&replay, 1, 0x20);
    fixture_free(&replay, 1, 0x10);
    fixture_finish(&replay);
    assert_int_equal(replay.totals.last_time, 4);
    assert_int_equal(replay.totals.peak_time, 2);
    assert_int_equal(replay.rows[1].sums.lifetime, 3 + 1);
    replay_deinit(&replay);
}

struct watcher {
    struct replay_observer observer;
    unsigned begun, ended[REPLAY_EXECED + 1];
    uint64_t live;
};

static struct error *on_begin(struct replay_observer *observer, const struct replay *replay,
                              const struct live_block *block, uint64_t time)
{
    struct watcher *watcher = (struct watcher *)observer;
    (void)replay;
    (void)time;
    watcher->begun++;
    watcher->live += block->size;
    return NULL;
}

static struct error *on_end(struct replay_observer *observer, const struct replay *replay,
                            const struct live_block *block, uint64_t time, enum replay_end how)
{
    struct watcher *watcher = (struct watcher *)observer;
    (void)replay;
    (void)time;
    watcher->ended[how]++;
    watcher->live -= block->size;
    return NULL;
}

static void observers_see_each_block_begin_and_end(void **state)
{
    (void)state;
    struct replay replay;
    struct watcher watcher = {.observer = {.begin = on_begin, .end = on_end}};
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.observers = &watcher.observer;
    fixture_begin_with(&replay, options);
    fixture_stack(&replay, 1, 0, 0, "f");
    fixture_alloc(&replay, 1, 0x10, 1, 1);
    fixture_alloc(&replay, 1, 0x20, 2, 1);
    fixture_alloc(&replay, 1, 0x20, 3, 1); /* the free of the one before was missed */
    fixture_realloc(&replay, 1, 0x10, 0x30, 4, 1);
    fixture_free(&replay, 1, 0x30);
    assert_int_equal(watcher.live, replay.totals.live_bytes);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK); /* a copy of one block */
    fixture_end_process(&replay, 2, -2);             /* an exec */
    fixture_finish(&replay);
    assert_int_equal(watcher.begun, 5);
    assert_int_equal(watcher.ended[REPLAY_FREED], 1);
    assert_int_equal(watcher.ended[REPLAY_RESIZED], 1);
    assert_int_equal(watcher.ended[REPLAY_MISSED], 1);
    assert_int_equal(watcher.ended[REPLAY_EXECED], 1);
    assert_int_equal(watcher.ended[REPLAY_LEFT], 1);
    assert_int_equal(watcher.live, 0);
    replay_deinit(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_that_grows_is_one_chain),
        cmocka_unit_test(chains_are_given_back),
        cmocka_unit_test(slack_is_summed_where_it_is_known),
        cmocka_unit_test(lifetimes_are_measured),
        cmocka_unit_test(every_size_has_its_bucket),
        cmocka_unit_test(only_old_blocks_leak_if_asked_so),
        cmocka_unit_test(frees_by_other_threads_are_told_apart),
        cmocka_unit_test(double_frees_are_told_from_invalid_ones),
        cmocka_unit_test(frees_that_kill_a_process_are_its_own),
        cmocka_unit_test(ends_of_unknown_threads_are_passed_over),
        cmocka_unit_test(freed_blocks_are_remembered_in_turn),
        cmocka_unit_test(without_times_events_are_the_clock),
        cmocka_unit_test(observers_see_each_block_begin_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
