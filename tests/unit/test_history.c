/* SPDX-License-Identifier: MIT */
/*
 * The history of a replay against an oracle that keeps what was at each event: whatever bins were
 * made longer, each must tell what the events within it tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/history.h"
#include "tests/unit/replay_fixture.h"

enum { ROWS = 6, BLOCKS = 64, STEPS = 6000, MOST_STEPS = STEPS + 2 };

/* What is alive after a step, and what was allocated and freed until then. */
struct state {
    uint64_t time; /* never goes back */
    uint64_t live_bytes, live, allocated, allocated_bytes, freed, freed_bytes;
    struct {
        uint64_t live_bytes, live, allocated, allocated_bytes;
    } rows[ROWS + 1];
};

struct oracle {
    struct replay replay;
    struct state steps[MOST_STEPS + 1]; /* before the first, and after each */
    size_t count;
    struct {
        uint64_t size; /* 0: not alive */
        uint32_t row;
    } blocks[BLOCKS];
    uint64_t random;
};

static uint64_t draw(struct oracle *oracle, uint64_t bound)
{
    oracle->random = oracle->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (oracle->random >> 33) % bound;
}

static void begin(struct oracle *oracle, struct replay_options options, unsigned needs,
                  uint64_t tick_ns)
{
    struct log_header header = {.version = 1, .tick_ns = tick_ns};
    *oracle = (struct oracle){.random = 1};
    options.needs = needs;
    assert_null(replay_init(&oracle->replay, &options, &header));
    fixture_feed(&oracle->replay,
                 (struct log_record){.kind = LOG_MODULE,
                                     .module = {.module = 1, .path = fixture_text("/bin/prog")}});
    fixture_process(&oracle->replay, 1, 0, LOG_ORIGIN_LAUNCH);
    fixture_thread(&oracle->replay, 1, 1);
    for (uint32_t i = 1; i <= ROWS; i++)
        fixture_stack(&oracle->replay, i, 0, 0, "f");
}

static struct oracle *create(uint64_t tick_ns, double interval)
{
    struct oracle *oracle = malloc(sizeof *oracle);
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    assert_non_null(oracle);
    options.interval = interval;
    begin(oracle, options, REPLAY_NEEDS_HISTORY, tick_ns);
    return oracle;
}

static void destroy(struct oracle *oracle)
{
    replay_deinit(&oracle->replay);
    free(oracle);
}

static struct state *next(struct oracle *oracle, uint64_t time)
{
    const struct state *before = &oracle->steps[oracle->count];
    assert_true(oracle->count < MOST_STEPS);
    struct state *state = &oracle->steps[++oracle->count];
    *state = *before;
    if (time > state->time)
        state->time = time;
    return state;
}

static void note_freed(struct oracle *oracle, struct state *state, size_t slot)
{
    uint64_t size = oracle->blocks[slot].size;
    state->freed++;
    state->freed_bytes += size;
    state->live--;
    state->live_bytes -= size;
    state->rows[oracle->blocks[slot].row].live--;
    state->rows[oracle->blocks[slot].row].live_bytes -= size;
    oracle->blocks[slot].size = 0;
}

static void note_allocated(struct oracle *oracle, struct state *state, size_t slot, uint32_t row)
{
    uint64_t size = oracle->blocks[slot].size;
    oracle->blocks[slot].row = row;
    state->allocated++;
    state->allocated_bytes += size;
    state->live++;
    state->live_bytes += size;
    state->rows[row].allocated++;
    state->rows[row].allocated_bytes += size;
    state->rows[row].live++;
    state->rows[row].live_bytes += size;
}

/* Allocates, frees or reallocates the block of a slot; of a row by chance. */
static void step(struct oracle *oracle, uint64_t time)
{
    size_t slot = draw(oracle, BLOCKS);
    uint64_t address = 0x1000 * (slot + 1);
    uint32_t row = (uint32_t)draw(oracle, ROWS) + 1;
    uint64_t size = draw(oracle, 1000) + 1;
    struct state *state = next(oracle, time);
    struct log_record record = {.kind = LOG_ALLOC};
    if (oracle->blocks[slot].size && draw(oracle, 3) == 0) {
        record.kind = LOG_REALLOC;
        record.realloc = (struct log_realloc){.time = time,
                                              .thread = 1,
                                              .old_address = address,
                                              .new_address = address,
                                              .size = size,
                                              .stack = row};
        note_freed(oracle, state, slot);
        oracle->blocks[slot].size = size;
        note_allocated(oracle, state, slot, row);
    } else if (oracle->blocks[slot].size) {
        record.kind = LOG_FREE;
        record.free = (struct log_free){.time = time, .thread = 1, .address = address};
        note_freed(oracle, state, slot);
    } else {
        record.alloc = (struct log_alloc){
            .time = time, .thread = 1, .address = address, .size = size, .stack = row};
        oracle->blocks[slot].size = size;
        note_allocated(oracle, state, slot, row);
    }
    fixture_feed(&oracle->replay, record);
}

static void assert_bin(const struct history_bin *bin, const struct state *from,
                       const struct state *to, uint64_t peak)
{
    assert_int_equal(bin->live_bytes, to->live_bytes);
    assert_int_equal(bin->live, to->live);
    assert_int_equal(bin->peak_bytes, peak);
    assert_int_equal(bin->allocated, to->allocated - from->allocated);
    assert_int_equal(bin->allocated_bytes, to->allocated_bytes - from->allocated_bytes);
    assert_int_equal(bin->freed, to->freed - from->freed);
    assert_int_equal(bin->freed_bytes, to->freed_bytes - from->freed_bytes);
}

/* Each row that changed has exactly one point, and the others have none. */
static void assert_points(const struct history *history, size_t bin, const struct state *from,
                          const struct state *to, const bool *changed)
{
    size_t count;
    const struct history_point *points = history_points(history, bin, &count);
    bool seen[ROWS + 1] = {false};
    for (size_t i = 0; i < count; i++) {
        uint32_t row = points[i].row;
        assert_true(row >= 1 && row <= ROWS && !seen[row] && changed[row]);
        seen[row] = true;
        assert_int_equal(points[i].live_bytes, to->rows[row].live_bytes);
        assert_int_equal(points[i].live, to->rows[row].live);
        assert_int_equal(points[i].allocated, to->rows[row].allocated - from->rows[row].allocated);
        assert_int_equal(points[i].allocated_bytes,
                         to->rows[row].allocated_bytes - from->rows[row].allocated_bytes);
    }
    assert_memory_equal(seen, changed, sizeof seen);
}

/* Rows are numbered as they first allocate. */
static uint32_t row_of_stack(const struct oracle *oracle, uint32_t stack)
{
    for (uint32_t i = 1; i < oracle->replay.row_count; i++) {
        if (oracle->replay.rows[i].stack == stack)
            return i;
    }
    return 0;
}

static void number_rows(struct oracle *oracle)
{
    for (size_t i = 0; i <= oracle->count; i++) {
        struct state old = oracle->steps[i];
        for (uint32_t stack = 1; stack <= ROWS; stack++) {
            if (row_of_stack(oracle, stack))
                oracle->steps[i].rows[row_of_stack(oracle, stack)] = old.rows[stack];
        }
    }
}

/* Compares each bin with the steps whose times are in it. */
static void check(struct oracle *oracle)
{
    fixture_finish(&oracle->replay);
    number_rows(oracle);
    const struct history *history = oracle->replay.history;
    size_t at = 0; /* the last step before the bin */
    for (size_t i = 0; i < history->bin_count; i++) {
        uint64_t end = history_time(history, i + 1);
        size_t first = at;
        uint64_t peak = oracle->steps[at].live_bytes;
        bool changed[ROWS + 1] = {false};
        assert_true(i == 0 || end > history_time(history, i));
        /* In a log without times an event's end is its number. Nothing is behind the last tick. */
        while (at < oracle->count &&
               (end == UINT64_MAX || oracle->steps[at + 1].time < end + history->options.events)) {
            at++;
            if (oracle->steps[at].live_bytes > peak)
                peak = oracle->steps[at].live_bytes;
            for (size_t row = 1; row <= ROWS; row++)
                changed[row] = changed[row] || memcmp(&oracle->steps[at].rows[row],
                                                      &oracle->steps[at - 1].rows[row],
                                                      sizeof oracle->steps[at].rows[row]) != 0;
        }
        assert_bin(&history->bins[i], &oracle->steps[first], &oracle->steps[at], peak);
        assert_points(history, i, &oracle->steps[first], &oracle->steps[at], changed);
    }
    assert_int_equal(at, oracle->count);
}

static void each_tick_of_a_short_log_is_a_bin(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 0);
    for (uint64_t i = 0; i < 2000; i++)
        step(oracle, i / 3);
    check(oracle);
    assert_int_equal(oracle->replay.history->bin_count, 667);
    assert_int_equal(history_time(oracle->replay.history, 667), 667);
    destroy(oracle);
}

static void bins_of_a_long_log_are_made_longer(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 0);
    uint64_t time = 0;
    for (uint64_t i = 0; i < STEPS; i++)
        step(oracle, time += draw(oracle, 100));
    check(oracle);
    size_t bins = oracle->replay.history->bin_count;
    assert_true(bins > 1024 && bins <= 2048);
    destroy(oracle);
}

static void bins_with_many_points_are_made_longer(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 0);
    oracle->replay.history->most_points = 500;
    for (uint64_t i = 0; i < STEPS; i++)
        step(oracle, i);
    check(oracle);
    size_t bins = oracle->replay.history->bin_count;
    assert_true(bins >= 64 && bins <= 256);
    destroy(oracle);
}

static void time_may_jump_and_go_back(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 0);
    uint64_t time = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        uint64_t jump = draw(oracle, 200);
        if (jump == 0)
            time += UINT64_C(1) << draw(oracle, 40);
        else if (jump < 20)
            time -= time > 1000 ? draw(oracle, 1000) : 0;
        else
            time += jump;
        step(oracle, time);
    }
    step(oracle, UINT64_MAX - 1);
    step(oracle, UINT64_MAX);
    check(oracle);
    destroy(oracle);
}

static void a_chosen_length_is_kept_to(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 0.007);
    for (uint64_t i = 0; i < STEPS; i++)
        step(oracle, i * 5000);
    check(oracle);
    assert_int_equal(history_time(oracle->replay.history, 1), 7000);
    assert_int_equal(oracle->replay.history->bin_count, (STEPS - 1) * 5000 / 7000 + 1);
    destroy(oracle);
}

static void a_chosen_length_that_makes_too_many_bins_is_doubled(void **state)
{
    (void)state;
    struct oracle *oracle = create(1000, 1e-6);
    for (uint64_t i = 0; i < 1000; i++)
        step(oracle, i * 300);
    check(oracle);
    assert_int_equal(history_time(oracle->replay.history, 1), 4);
    destroy(oracle);
}

static void events_without_times_are_counted(void **state)
{
    (void)state;
    for (int chosen = 0; chosen < 2; chosen++) {
        struct oracle *oracle = create(0, chosen ? 9.5 : 0);
        for (uint64_t i = 1; i <= 5000; i++) {
            step(oracle, 0);
            oracle->steps[i].time = i;
        }
        check(oracle);
        assert_int_equal(history_time(oracle->replay.history, 0), 0);
        assert_int_equal(history_time(oracle->replay.history, 1), chosen ? 10 : 4);
        assert_int_equal(history_time(oracle->replay.history, oracle->replay.history->bin_count),
                         5000);
        destroy(oracle);
    }
}

static void bins_are_the_same_without_points(void **state)
{
    (void)state;
    struct oracle *whole = create(1000, 0);
    struct oracle *curve = malloc(sizeof *curve);
    assert_non_null(curve);
    begin(curve, fixture_options(REPLAY_BY_STACK), REPLAY_NEEDS_CURVE, 1000);
    for (uint64_t i = 0; i < STEPS; i++) {
        step(whole, i * 7);
        step(curve, i * 7);
    }
    fixture_finish(&whole->replay);
    fixture_finish(&curve->replay);
    const struct history *a = whole->replay.history;
    const struct history *b = curve->replay.history;
    assert_int_equal(a->bin_count, b->bin_count);
    assert_true(a->point_count > 0 && b->point_count == 0);
    for (size_t i = 0; i < a->bin_count; i++) {
        struct history_bin bin = a->bins[i];
        bin.point = 0;
        assert_memory_equal(&bin, &b->bins[i], sizeof bin);
    }
    destroy(whole);
    destroy(curve);
}

static void a_part_of_the_log_begins_where_it_does(void **state)
{
    (void)state;
    struct oracle *oracle = malloc(sizeof *oracle);
    assert_non_null(oracle);
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.from = 1.0;
    options.to = 1.5;
    begin(oracle, options, REPLAY_NEEDS_HISTORY, 1000);
    fixture_alloc_at(&oracle->replay, 5, 1, 0x999000, 7, 1);
    for (uint64_t i = 0; i < 1000; i++)
        step(oracle, 1000000 + i * 100);
    fixture_free_at(&oracle->replay, 1600000, 1, 0x999000);
    check(oracle);
    assert_int_equal(history_time(oracle->replay.history, 0), 1000000);
    assert_int_equal(history_time(oracle->replay.history, oracle->replay.history->bin_count),
                     1500001);
    destroy(oracle);
}

/* Live bytes at a time, as the history has them. */
static uint64_t live_at(const struct replay *replay, uint64_t time)
{
    const struct history *history = replay->history;
    for (size_t i = 0; i < history->bin_count; i++) {
        if (history_time(history, i + 1) > time)
            return history->bins[i].live_bytes;
    }
    fail_msg("the history ends before %llu", (unsigned long long)time);
    return 0;
}

/* The last that is known of a row. */
static uint64_t last_of_row(const struct replay *replay, uint32_t row)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < replay->history->bin_count; i++) {
        size_t count;
        const struct history_point *points = history_points(replay->history, i, &count);
        for (size_t p = 0; p < count; p++)
            bytes = points[p].row == row ? points[p].live_bytes : bytes;
    }
    return bytes;
}

static void begin_history(struct replay *replay, int64_t pid)
{
    struct replay_options options = fixture_options(REPLAY_BY_STACK);
    options.needs = REPLAY_NEEDS_HISTORY;
    options.pid = pid;
    fixture_begin_with(replay, options);
    fixture_stack(replay, 1, 0, 0, "f");
    fixture_stack(replay, 2, 0, 0, "g");
}

static void a_process_gives_back_its_memory_when_it_ends_but_the_last_one_keeps_it(void **state)
{
    (void)state;
    struct replay replay;
    begin_history(&replay, -1);
    fixture_alloc_at(&replay, 10, 1, 0x10, 100, 1);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(&replay, 2, 2);
    fixture_alloc_at(&replay, 20, 2, 0x20, 1000, 2);
    fixture_end_process_at(&replay, 500, 2);
    fixture_end_process_at(&replay, 900, 1);
    fixture_finish(&replay);
    assert_int_equal(live_at(&replay, 15), 200); /* with the child's copy */
    assert_int_equal(live_at(&replay, 499), 1200);
    assert_int_equal(live_at(&replay, 500), 100);
    assert_int_equal(live_at(&replay, 900), 100);
    assert_int_equal(history_time(replay.history, replay.history->bin_count), 901);
    replay_deinit(&replay);
}

static void a_process_that_appears_after_the_last_one_s_end_goes_on(void **state)
{
    (void)state;
    struct replay replay;
    begin_history(&replay, -1);
    fixture_alloc_at(&replay, 10, 1, 0x10, 100, 1);
    fixture_end_process_at(&replay, 50, 1);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(&replay, 2, 2);
    fixture_alloc_at(&replay, 80, 2, 0x20, 1000, 2);
    fixture_finish(&replay);
    assert_int_equal(live_at(&replay, 49), 100);
    assert_int_equal(live_at(&replay, 50), 0);
    assert_int_equal(live_at(&replay, 80), 1000);
    assert_int_equal(last_of_row(&replay, 1), 0);
    assert_int_equal(last_of_row(&replay, 2), 1000);
    replay_deinit(&replay);
}

static void one_process_s_history_is_its_own(void **state)
{
    (void)state;
    struct replay replay;
    begin_history(&replay, 102);
    fixture_alloc_at(&replay, 10, 1, 0x10, 100, 1);
    fixture_alloc_at(&replay, 300, 1, 0x20, 50, 1);
    fixture_process(&replay, 2, 1, LOG_ORIGIN_FORK);
    fixture_thread(&replay, 2, 2);
    fixture_alloc_at(&replay, 400, 2, 0x30, 1000, 2);
    fixture_end_process_at(&replay, 500, 2);
    fixture_alloc_at(&replay, 900, 1, 0x40, 100, 1);
    fixture_end_process_at(&replay, 1000, 1);
    fixture_finish(&replay);
    const struct history *history = replay.history;
    assert_int_equal(history_time(history, 0), 300); /* when it was forked */
    assert_int_equal(history_time(history, history->bin_count), 501);
    assert_int_equal(history->bins[history->bin_count - 1].live_bytes, 1150);
    replay_deinit(&replay);
}

static void a_log_goes_on_to_its_end(void **state)
{
    (void)state;
    struct replay replay;
    begin_history(&replay, -1);
    fixture_feed(&replay, (struct log_record){.kind = LOG_END, .end = {.time = 99}});
    fixture_finish(&replay);
    assert_int_equal(replay.history->bin_count, 100);
    assert_int_equal(live_at(&replay, 99), 0);
    replay_deinit(&replay);
    begin_history(&replay, -1);
    fixture_finish(&replay);
    assert_true(replay.history->bin_count <= 1);
    assert_int_equal(history_time(replay.history, 0), 0);
    replay_deinit(&replay);
}

static void a_free_that_was_not_seen_is_none(void **state)
{
    (void)state;
    struct replay replay;
    begin_history(&replay, -1);
    fixture_alloc_at(&replay, 1, 1, 0x10, 100, 1);
    fixture_alloc_at(&replay, 2, 1, 0x10, 30, 2);
    fixture_finish(&replay);
    assert_int_equal(live_at(&replay, 2), 30);
    assert_int_equal(replay.history->bins[2].freed, replay.totals.deallocations);
    assert_int_equal(last_of_row(&replay, 1), 0);
    replay_deinit(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tick_of_a_short_log_is_a_bin),
        cmocka_unit_test(bins_of_a_long_log_are_made_longer),
        cmocka_unit_test(bins_with_many_points_are_made_longer),
        cmocka_unit_test(time_may_jump_and_go_back),
        cmocka_unit_test(a_chosen_length_is_kept_to),
        cmocka_unit_test(a_chosen_length_that_makes_too_many_bins_is_doubled),
        cmocka_unit_test(events_without_times_are_counted),
        cmocka_unit_test(bins_are_the_same_without_points),
        cmocka_unit_test(a_part_of_the_log_begins_where_it_does),
        cmocka_unit_test(a_process_gives_back_its_memory_when_it_ends_but_the_last_one_keeps_it),
        cmocka_unit_test(a_process_that_appears_after_the_last_one_s_end_goes_on),
        cmocka_unit_test(one_process_s_history_is_its_own),
        cmocka_unit_test(a_log_goes_on_to_its_end),
        cmocka_unit_test(a_free_that_was_not_seen_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
