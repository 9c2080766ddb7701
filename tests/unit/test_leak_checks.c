/* SPDX-License-Identifier: MIT */
/* Leak checks: what is kept of them, who owns what is indirectly lost, which of them are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/leak_checks.h"
#include "tests/unit/replay_fixture.h"

static void check(struct replay *replay, uint32_t id, uint32_t process)
{
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_CHECK,
                                     .check = {.check = id, .process = process, .time = id}});
}

static void root(struct replay *replay, uint32_t id, uint32_t of)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_ROOT,
                                             .root = {.root = id,
                                                      .check = of,
                                                      .kind = LOG_ROOT_GLOBAL,
                                                      .module = 1,
                                                      .name = fixture_text("table")}});
}

static void check_end(struct replay *replay, uint32_t id)
{
    const struct log_count counts[] = {{fixture_text("pause_ns"), 1234}, {fixture_text("new"), 1}};
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_CHECK_END, .check_end = {.check = id, 2, counts}});
}

/* Of a block that begins at address, allocated by thread 1. */
static struct log_verdict verdict(uint32_t of, enum log_reach reach, uint64_t address,
                                  uint64_t size, uint32_t stack, uint64_t holder)
{
    return (struct log_verdict){.check = of,
                                .address = address,
                                .size = size,
                                .stack = stack,
                                .thread = 1,
                                .reach = reach,
                                .holder = holder};
}

static void feed(struct replay *replay, struct log_verdict one)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_VERDICT, .verdict = one});
}

static void begin(struct replay *replay, struct replay_options options)
{
    fixture_begin_with(replay, options);
    for (uint32_t i = 1; i <= 4; i++)
        fixture_stack(replay, i, 0, 0, "f");
}

static const struct leak_sum *sum_of(const struct leak_check *one, enum log_reach reach,
                                     uint32_t stack)
{
    const struct leak_sum *found = NULL;
    for (size_t i = 0; i < one->sum_count; i++) {
        if (one->sums[i].reach == reach && one->sums[i].stack == stack) {
            assert_null(found);
            found = &one->sums[i];
        }
    }
    assert_non_null(found);
    return found;
}

static void assert_amount(const struct leak_amount *amount, uint64_t bytes, uint64_t blocks)
{
    assert_int_equal(amount->bytes, bytes);
    assert_int_equal(amount->blocks, blocks);
}

static void sums_up_by_stack_and_kind(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    check(&replay, 1, 1);
    root(&replay, 1, 1);
    feed(&replay, verdict(1, LOG_REACHABLE, 0x1000, 10, 1, 0x9000));
    feed(&replay, verdict(1, LOG_REACHABLE, 0x2000, 20, 1, 0x1000));
    feed(&replay, verdict(1, LOG_POSSIBLY_LOST, 0x3000, 5, 1, 0x2001));
    feed(&replay, verdict(1, LOG_DEFINITELY_LOST, 0x4000, 7, 2, 0x4000));
    check_end(&replay, 1);
    fixture_finish(&replay);
    const struct leak_check *one = &replay.leaks.list[1];
    assert_int_equal(replay.leaks.count, 2);
    assert_true(one->ended && one->shown);
    assert_int_equal(one->sum_count, 3);
    assert_amount(&sum_of(one, LOG_REACHABLE, 1)->amount, 30, 2);
    assert_amount(&sum_of(one, LOG_POSSIBLY_LOST, 1)->amount, 5, 1);
    assert_amount(&replay.totals.lost[LOG_DEFINITELY_LOST], 7, 1);
    assert_amount(&replay.totals.lost[LOG_REACHABLE], 30, 2);
    assert_int_equal(one->numbers[LEAK_PAUSE_NS], 1234);
    assert_null(one->paths);
    replay_deinit(&replay);
}

static void indirectly_lost_blocks_belong_to_what_leads_to_them(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    check(&replay, 1, 1);
    /* A chain of three, written from its end on, and one whose holder is beyond its block. */
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x3000, 30, 3, 0x2018));
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x2000, 0x20, 2, 0x1008));
    feed(&replay, verdict(1, LOG_DEFINITELY_LOST, 0x1000, 0x10, 1, 0x1000));
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x4000, 40, 4, 0x1010));
    check_end(&replay, 1);
    fixture_finish(&replay);
    const struct leak_check *one = &replay.leaks.list[1];
    for (uint32_t stack = 2; stack <= 3; stack++) {
        assert_true(sum_of(one, LOG_INDIRECTLY_LOST, stack)->has_owner);
        assert_int_equal(sum_of(one, LOG_INDIRECTLY_LOST, stack)->owner_stack, 1);
    }
    assert_false(sum_of(one, LOG_INDIRECTLY_LOST, 4)->has_owner);
    replay_deinit(&replay);
}

static void circles_without_an_owner_have_none(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    check(&replay, 1, 1);
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x1000, 16, 1, 0x2000));
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x2000, 16, 2, 0x1000));
    feed(&replay, verdict(1, LOG_INDIRECTLY_LOST, 0x3000, 16, 3, 0x2008));
    check_end(&replay, 1);
    fixture_finish(&replay);
    for (uint32_t stack = 1; stack <= 3; stack++)
        assert_false(sum_of(&replay.leaks.list[1], LOG_INDIRECTLY_LOST, stack)->has_owner);
    replay_deinit(&replay);
}

static void the_innermost_of_nested_blocks_has_a_word(void **state)
{
    struct leak_blocks blocks = {0};
    const struct leak_block list[] = {
        {.address = 0x1000, .size = 0x100, .holder = 0x1000},
        {.address = 0x1040, .size = 0x10, .holder = 0x1040},
        {.address = 0x2000, .size = 8, .holder = 0x1048},
        {.address = 0x2010, .size = 8, .holder = 0x1050}, /* behind the inner one's end */
        {.address = 0x2020, .size = 8, .holder = 0x1100}, /* behind both */
        {.address = 0x2030, .size = 8, .holder = 0x1000, .root = 1},
    };
    (void)state;
    for (size_t i = sizeof list / sizeof *list; i-- > 0;)
        assert_true(leak_blocks_add(&blocks, &list[i]));
    assert_true(leak_blocks_link(&blocks));
    assert_int_equal(blocks.list[1].address, 0x1040);
    assert_int_equal(blocks.list[0].parent, LEAK_NO_BLOCK);
    assert_int_equal(blocks.list[1].parent, LEAK_NO_BLOCK);
    assert_int_equal(blocks.list[2].parent, 1);
    assert_int_equal(blocks.list[3].parent, 0);
    assert_int_equal(blocks.list[4].parent, LEAK_NO_BLOCK);
    assert_int_equal(blocks.list[5].parent, LEAK_NO_BLOCK);
    leak_blocks_deinit(&blocks);
}

/* Three checks of process 1, the last of which is cut off, and one of process 2. */
static void feed_four(struct replay *replay, struct replay_options options)
{
    begin(replay, options);
    fixture_process(replay, 2, 1, LOG_ORIGIN_FORK);
    check(replay, 1, 1);
    check(replay, 2, 2); /* both at once */
    feed(replay, verdict(1, LOG_DEFINITELY_LOST, 0x1000, 1, 1, 0x1000));
    feed(replay, verdict(2, LOG_DEFINITELY_LOST, 0x1000, 10, 1, 0x1000));
    check_end(replay, 2);
    root(replay, 1, 1);
    check_end(replay, 1);
    check(replay, 3, 1);
    root(replay, 2, 3);
    feed(replay, verdict(3, LOG_DEFINITELY_LOST, 0x1000, 100, 1, 0x1000));
    check_end(replay, 3);
    check(replay, 4, 1);
    feed(replay, verdict(4, LOG_DEFINITELY_LOST, 0x1000, 1000, 1, 0x1000));
    fixture_finish(replay);
}

static void the_last_check_of_each_process_is_shown(void **state)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct replay replay;
    (void)state;
    options.needs = REPLAY_NEEDS_PATHS;
    feed_four(&replay, options);
    assert_amount(&replay.totals.lost[LOG_DEFINITELY_LOST], 110, 2);
    assert_int_equal(replay.totals.leak_checks, 2);
    const bool has_paths[] = {false, false, true, true, false};
    for (size_t i = 1; i <= 4; i++) {
        assert_int_equal(replay.leaks.list[i].paths != NULL, has_paths[i]);
        assert_int_equal(replay.leaks.list[i].shown, has_paths[i]);
        assert_int_equal(replay.leaks.list[i].ended, i != 4);
        assert_int_equal(replay.leaks.list[i].sum_count, 1);
    }
    assert_int_equal(replay.leaks.list[3].paths->root_count, 1);
    assert_string_equal(replay.leaks.list[3].paths->roots[0].name, "table");
    replay_deinit(&replay);
}

static void one_check_or_all_can_be_shown(void **state)
{
    static const struct {
        uint32_t check;
        uint64_t bytes;
    } cases[] = {{1, 1}, {3, 100}, {4, 1000}, {5, 0}, {LEAK_SHOW_ALL, 111}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct replay_options options = fixture_options(REPLAY_BY_STACK);
        struct replay replay;
        options.check = cases[i].check;
        feed_four(&replay, options);
        assert_int_equal(replay.totals.lost[LOG_DEFINITELY_LOST].bytes, cases[i].bytes);
        replay_deinit(&replay);
    }
}

static void options_choose_checks_and_blocks(void **state)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    struct replay replay;
    (void)state;
    options.pid = 102;
    feed_four(&replay, options);
    assert_amount(&replay.totals.lost[LOG_DEFINITELY_LOST], 10, 1);
    replay_deinit(&replay);

    options = fixture_options(REPLAY_BY_STACK);
    options.tid = 202;
    begin(&replay, options);
    fixture_thread(&replay, 2, 1);
    check(&replay, 1, 1);
    feed(&replay, verdict(1, LOG_DEFINITELY_LOST, 0x1000, 1, 1, 0x1000));
    struct log_verdict other = verdict(1, LOG_DEFINITELY_LOST, 0x2000, 2, 1, 0x2000);
    other.thread = 2;
    feed(&replay, other);
    check_end(&replay, 1);
    fixture_finish(&replay);
    assert_amount(&replay.totals.lost[LOG_DEFINITELY_LOST], 2, 1);
    replay_deinit(&replay);

    /* Ticks are of a microsecond: the second check is behind --to, which ends it all. */
    options = fixture_options(REPLAY_BY_STACK);
    options.to = 1e-6;
    begin(&replay, options);
    check(&replay, 1, 1);
    check(&replay, 2, 1);
    feed(&replay, verdict(2, LOG_DEFINITELY_LOST, 0x1000, 2, 1, 0x1000));
    fixture_feed(&replay,
                 (struct log_record){.kind = LOG_ALLOC, .alloc = {.time = 5, .thread = 1}});
    feed(&replay, verdict(1, LOG_DEFINITELY_LOST, 0x1000, 1, 1, 0x1000));
    check_end(&replay, 1);
    check_end(&replay, 2);
    fixture_finish(&replay);
    assert_amount(&replay.totals.lost[LOG_DEFINITELY_LOST], 1, 1);
    replay_deinit(&replay);
}

static void unknown_kinds_are_passed_over(void **state)
{
    struct replay replay;
    (void)state;
    begin(&replay, fixture_options(REPLAY_BY_STACK));
    check(&replay, 1, 1);
    feed(&replay, verdict(1, (enum log_reach)17, 0x1000, 1, 1, 0x1000));
    feed(&replay, verdict(1, LOG_REACHABLE, 0x2000, 2, 1, 0x1000));
    check_end(&replay, 1);
    fixture_finish(&replay);
    assert_int_equal(replay.leaks.list[1].sum_count, 1);
    assert_amount(&replay.totals.lost[LOG_REACHABLE], 2, 1);
    replay_deinit(&replay);
}

static void what_contradicts_the_log_is_corrupt(void **state)
{
    const struct log_record wrong[] = {
        {.kind = LOG_CHECK, .check = {.check = 1, .process = 1}},
        {.kind = LOG_CHECK, .check = {.check = 4, .process = 1}},
        {.kind = LOG_CHECK, .check = {.check = 3, .process = 2}},
        {.kind = LOG_CHECK, .check = {.check = 3, .process = 0}},
        {.kind = LOG_ROOT, .root = {.root = 2, .check = 1}},
        {.kind = LOG_ROOT, .root = {.root = 1, .check = 3}},
        {.kind = LOG_ROOT, .root = {.root = 1, .check = 1, .thread = 2}},
        {.kind = LOG_ROOT, .root = {.root = 1, .check = 1, .module = 2}},
        {.kind = LOG_ROOT, .root = {.root = 1, .check = 2}}, /* has ended */
        {.kind = LOG_VERDICT, .verdict = {.check = 0, .address = 1}},
        {.kind = LOG_VERDICT, .verdict = {.check = 2, .address = 1}},
        {.kind = LOG_VERDICT, .verdict = {.check = 1, .address = 1, .stack = 5}},
        {.kind = LOG_VERDICT, .verdict = {.check = 1, .address = 1, .thread = 2}},
        {.kind = LOG_VERDICT, .verdict = {.check = 1, .address = 1, .root = 1}},
        {.kind = LOG_VERDICT, .verdict = {.check = 1, .address = 1, .size = UINT64_MAX}},
        {.kind = LOG_CHECK_END, .check_end = {.check = 2}},
        {.kind = LOG_CHECK_END, .check_end = {.check = 3}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct replay replay;
        begin(&replay, fixture_options(REPLAY_BY_STACK));
        check(&replay, 1, 1);
        check(&replay, 2, 1);
        check_end(&replay, 2);
        struct error *error = replay_record(&replay, &wrong[i]);
        if (!error || error->code != ERROR_CORRUPT)
            fail_msg("record %zu is taken in", i);
        error_free(error);
        replay_deinit(&replay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_up_by_stack_and_kind),
        cmocka_unit_test(indirectly_lost_blocks_belong_to_what_leads_to_them),
        cmocka_unit_test(circles_without_an_owner_have_none),
        cmocka_unit_test(the_innermost_of_nested_blocks_has_a_word),
        cmocka_unit_test(the_last_check_of_each_process_is_shown),
        cmocka_unit_test(one_check_or_all_can_be_shown),
        cmocka_unit_test(options_choose_checks_and_blocks),
        cmocka_unit_test(unknown_kinds_are_passed_over),
        cmocka_unit_test(what_contradicts_the_log_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
