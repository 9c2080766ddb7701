/* SPDX-License-Identifier: MIT */
/* Which state each shape of pointers leads to. Numbers behind names are those of the cases in the
 * valgrind manual, 4.2.8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define SIZE 0x10000
#define ROOT BASE /* a page of roots */
#define ROOT_END (BASE + 0x1000)
#define A (BASE + 0x2000)
#define B (BASE + 0x2100)
#define C (BASE + 0x2200)
#define D (BASE + 0x2300)

static struct heap heap;

/* Blocks A to D of 64 bytes, and a page of a module's data. */
static int set_up(void **state)
{
    (void)state;
    heap_init(&heap, BASE, SIZE);
    heap_range(&heap, ROOT, ROOT_END, LOG_ROOT_GLOBAL);
    heap_block(&heap, A, 64);
    heap_block(&heap, B, 64);
    heap_block(&heap, C, 64);
    heap_block(&heap, D, 64);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heap_deinit(&heap);
    return 0;
}

static void chain_of_beginnings_is_reachable(void **state) /* 1, 2 */
{
    (void)state;
    heap_put(&heap, ROOT + 0x40, B);
    heap_put(&heap, B + 8, A);
    heap_put(&heap, A + 56, D);
    heap_decide(&heap);
    heap_expect(&heap, B, LOG_REACHABLE, ROOT + 0x40);
    heap_expect(&heap, A, LOG_REACHABLE, B + 8);
    heap_expect(&heap, D, LOG_REACHABLE, A + 56);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
    assert_true(heap_verdict(&heap, B)->from_root);
    assert_int_equal(heap_verdict(&heap, B)->root, 0);
    assert_false(heap_verdict(&heap, A)->from_root);
    assert_int_equal(heap.result.root_bytes, ROOT_END - ROOT);
    assert_int_equal(heap.result.heap_bytes, 4 * 64);
    assert_int_equal(heap.result.unreadable_bytes, 0);
}

static void lost_chain_is_indirectly_lost(void **state) /* 3, 4, 9 */
{
    (void)state;
    heap_put(&heap, C, B);
    heap_put(&heap, B, A + 16);
    heap_decide(&heap);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
    heap_expect(&heap, B, LOG_INDIRECTLY_LOST, C);
    heap_expect(&heap, A, LOG_INDIRECTLY_LOST, B);
    heap_expect(&heap, D, LOG_DEFINITELY_LOST, D);
}

static void pointer_into_the_middle_is_possible(void **state) /* 5 to 7 */
{
    (void)state;
    heap_put(&heap, ROOT, A + 20);
    heap_put(&heap, A + 8, B);
    heap_put(&heap, B + 8, C + 40);
    heap_put(&heap, C, D);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_POSSIBLY_LOST, ROOT);
    heap_expect(&heap, B, LOG_POSSIBLY_LOST, A + 8);
    heap_expect(&heap, C, LOG_POSSIBLY_LOST, B + 8);
    heap_expect(&heap, D, LOG_POSSIBLY_LOST, C);
}

static void possible_becomes_reachable(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, A + 20); /* the first way */
    heap_put(&heap, A + 8, D);
    heap_put(&heap, ROOT + 8, B);
    heap_put(&heap, B, C);
    heap_put(&heap, C + 8, A); /* a better one, by a longer way */
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, C + 8);
    heap_expect(&heap, D, LOG_REACHABLE, A + 8);
    assert_false(heap_verdict(&heap, A)->from_root);
}

static void pointer_from_a_root_into_the_middle_does_not_undo(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, A);
    heap_put(&heap, ROOT + 8, A + 8);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, ROOT);
}

/* What hangs on a possibly lost block stays so, though its own pointer is to a beginning. */
static void chain_is_no_better_than_its_worst_pointer(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, A + 1);
    heap_put(&heap, A, B);
    heap_put(&heap, B, C);
    heap_put(&heap, ROOT + 16, C + 63);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_POSSIBLY_LOST, ROOT);
    heap_expect(&heap, B, LOG_POSSIBLY_LOST, A);
    heap_expect(&heap, C, LOG_POSSIBLY_LOST, ROOT + 16);
    heap_expect(&heap, D, LOG_DEFINITELY_LOST, D);
}

static void possible_beats_lost(void **state)
{
    (void)state;
    heap_put(&heap, A, B); /* A is lost */
    heap_put(&heap, ROOT, B + 4);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_POSSIBLY_LOST, ROOT);
}

static void own_pointers_save_no_block(void **state)
{
    (void)state;
    heap_put(&heap, A, A);
    heap_put(&heap, B, B + 16);
    heap_put(&heap, C, C); /* hangs on D besides */
    heap_put(&heap, D, C + 8);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
    heap_expect(&heap, C, LOG_INDIRECTLY_LOST, D);
    heap_expect(&heap, D, LOG_DEFINITELY_LOST, D);
}

/* A block that is possibly lost does not get better by its own pointer to its beginning. */
static void own_pointer_upgrades_no_block(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, A + 24);
    heap_put(&heap, A, A);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_POSSIBLY_LOST, ROOT);
}

static void cycle_has_one_leader(void **state)
{
    (void)state;
    heap_put(&heap, B, C);
    heap_put(&heap, C, D);
    heap_put(&heap, D, B + 8);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
    heap_expect(&heap, C, LOG_INDIRECTLY_LOST, B);
    heap_expect(&heap, D, LOG_INDIRECTLY_LOST, C);
}

/* A and B are a cycle, and so are C and D, which point to the first: A, taken for a leader, is not
 * one when C turns out to lead to it. */
static void cycle_that_another_one_leads_to_has_no_leader(void **state)
{
    (void)state;
    heap_put(&heap, A, B);
    heap_put(&heap, B, A);
    heap_put(&heap, C, D);
    heap_put(&heap, D, C);
    heap_put(&heap, D + 8, B + 4);
    heap_put(&heap, C + 8, A);
    heap_decide(&heap);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
    heap_expect(&heap, D, LOG_INDIRECTLY_LOST, C);
    heap_expect(&heap, A, LOG_INDIRECTLY_LOST, C + 8);
    heap_expect(&heap, B, LOG_INDIRECTLY_LOST, A);
}

static void cycle_that_a_lost_block_leads_to_has_no_leader(void **state)
{
    (void)state;
    heap_put(&heap, A, B);
    heap_put(&heap, B, A);
    heap_put(&heap, D, B);
    heap_decide(&heap);
    heap_expect(&heap, D, LOG_DEFINITELY_LOST, D);
    heap_expect(&heap, B, LOG_INDIRECTLY_LOST, D);
    heap_expect(&heap, A, LOG_INDIRECTLY_LOST, B);
}

static void block_of_two_lost_ones_counts_once(void **state)
{
    (void)state;
    heap_put(&heap, A, C);
    heap_put(&heap, B, C);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
    heap_expect(&heap, C, LOG_INDIRECTLY_LOST, A);
}

static void reachable_cycle_ends(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, D);
    heap_put(&heap, D, A);
    heap_put(&heap, A, D);
    heap_decide(&heap);
    heap_expect(&heap, D, LOG_REACHABLE, ROOT);
    heap_expect(&heap, A, LOG_REACHABLE, D);
}

static void unaligned_words_are_no_pointers(void **state)
{
    (void)state;
    heap_put(&heap, ROOT + 4, A);
    heap_put(&heap, ROOT + 17, B);
    heap_range(&heap, BASE + 0x1804, BASE + 0x180f, LOG_ROOT_MAPPING); /* no whole aligned word */
    heap_put(&heap, BASE + 0x1804, C);
    heap_put(&heap, ROOT + 0x100, D);
    heap_put(&heap, D + 60, B); /* half of it lies behind the block */
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
    heap_expect(&heap, D, LOG_REACHABLE, ROOT + 0x100);
}

/* The byte behind a block is not the block's. */
static void pointer_behind_a_block_is_none(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, A + 64);
    heap_put(&heap, ROOT + 8, B + 63);
    heap_put(&heap, ROOT + 16, C - 1);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_POSSIBLY_LOST, ROOT + 8);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
}

static void each_root_is_told(void **state)
{
    (void)state;
    heap_range(&heap, BASE + 0x1000, BASE + 0x1100, LOG_ROOT_STACK);
    heap_range(&heap, BASE + 0x1100, BASE + 0x1200, LOG_ROOT_TLS);
    heap_register(&heap, 5);
    heap_register(&heap, C);
    heap_register(&heap, D + 32);
    heap_put(&heap, BASE + 0x10f8, A);
    heap_put(&heap, BASE + 0x1100, B);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, BASE + 0x10f8);
    assert_int_equal(heap_verdict(&heap, A)->root, 1);
    heap_expect(&heap, B, LOG_REACHABLE, BASE + 0x1100);
    assert_int_equal(heap_verdict(&heap, B)->root, 2);
    heap_expect(&heap, C, LOG_REACHABLE, C);
    assert_true(heap_verdict(&heap, C)->from_root);
    assert_int_equal(heap_verdict(&heap, C)->root, 3 + 1);
    heap_expect(&heap, D, LOG_POSSIBLY_LOST, D);
    assert_true(heap_verdict(&heap, D)->from_root);
    assert_int_equal(heap_verdict(&heap, D)->root, 3 + 2);
}

/* A heap that is given as a root, too, keeps nothing alive by the words in its blocks; what lies
 * between them counts. A thread's stack counts also in a block. */
static void words_in_blocks_are_not_a_mappings(void **state)
{
    (void)state;
    heap_range(&heap, A - 0x100, D + 0x100, LOG_ROOT_MAPPING);
    heap_put(&heap, A, B);
    heap_put(&heap, B + 64, C); /* behind the block */
    heap_range(&heap, D + 16, D + 32, LOG_ROOT_STACK);
    heap_put(&heap, D + 24, D);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_INDIRECTLY_LOST, A);
    heap_expect(&heap, C, LOG_REACHABLE, B + 64);
    heap_expect(&heap, D, LOG_REACHABLE, D + 24);
    assert_int_equal(heap_verdict(&heap, C)->root, 1);
    assert_int_equal(heap_verdict(&heap, D)->root, 2);
}

static void no_blocks_no_verdicts(void **state)
{
    (void)state;
    heap.block_count = 0;
    heap_register(&heap, 0);
    heap_decide(&heap);
}

static void no_roots_no_reachable_block(void **state)
{
    (void)state;
    heap.range_count = 0;
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    assert_int_equal(heap.result.root_bytes, 0);
}

static void block_of_no_bytes_is_reached_by_its_address(void **state)
{
    (void)state;
    heap_block(&heap, BASE + 0x3000, 0);
    heap_block(&heap, BASE + 0x3010, 0);
    heap_block(&heap, BASE + 0x3020, 0);
    heap_put(&heap, ROOT, BASE + 0x3000);
    heap_put(&heap, ROOT + 8, BASE + 0x3011);
    heap_put(&heap, A, BASE + 0x3020);
    heap_put(&heap, BASE + 0x3000, B); /* not the block's word */
    heap_decide(&heap);
    heap_expect(&heap, BASE + 0x3000, LOG_REACHABLE, ROOT);
    heap_expect(&heap, BASE + 0x3010, LOG_DEFINITELY_LOST, BASE + 0x3010);
    heap_expect(&heap, BASE + 0x3020, LOG_INDIRECTLY_LOST, A);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
}

static void what_cannot_be_read_holds_no_pointers(void **state)
{
    (void)state;
    heap.hole_start = BASE + 0x3000;
    heap.hole_end = BASE + 0x4000;
    heap_block(&heap, BASE + 0x2ff0, 0x1020); /* 16 bytes before the hole, 16 behind it */
    heap_put(&heap, ROOT, BASE + 0x2ff0);
    heap_put(&heap, BASE + 0x2ff8, A);
    heap_put(&heap, BASE + 0x3000, B);
    heap_put(&heap, BASE + 0x3ff8, C);
    heap_put(&heap, BASE + 0x4008, D);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, BASE + 0x2ff8);
    heap_expect(&heap, B, LOG_DEFINITELY_LOST, B);
    heap_expect(&heap, C, LOG_DEFINITELY_LOST, C);
    heap_expect(&heap, D, LOG_REACHABLE, BASE + 0x4008);
    assert_int_equal(heap.result.unreadable_bytes, 0x1000);
}

/* ---- Other layouts ---- */

/* Blocks of 16 bytes, each of which points to the next one, which is so many bytes further on. */
static void list(struct heap *list, uint64_t first, size_t count, uint64_t step)
{
    uint64_t low = step >> 63 ? first + (count - 1) * step : first;
    uint64_t distance = step >> 63 ? -step : step;
    heap_init(list, BASE, count * distance + 0x2000);
    for (size_t i = 0; i < count; i++)
        heap_block(list, low + i * distance, 16);
    for (size_t i = 0; i + 1 < count; i++)
        heap_put(list, first + i * step + 8, first + (i + 1) * step);
    heap_register(list, first);
    heap_decide(list);
    for (size_t i = 1; i < count; i++)
        heap_expect(list, first + i * step, LOG_REACHABLE, first + (i - 1) * step + 8);
}

static void list_takes_one_read_a_page_and_less(void **state)
{
    (void)state;
    struct heap upward, downward, strangers;
    list(&upward, BASE, 4000, 32);
    assert_true(upward.reads <= 4000 * 32 / 4096 / 2);
    heap_deinit(&upward);
    list(&downward, BASE + 3999 * 32 + 0x1000, 4000, -UINT64_C(32));
    assert_true(downward.reads <= 4000 * 32 / 4096 / 2);
    heap_deinit(&downward);
    list(&strangers, BASE, 500, 3 * 4096);
    assert_true(strangers.reads <= 500 + 2);
    heap_deinit(&strangers);
}

static void wide_heap_takes_few_reads(void **state)
{
    (void)state;
    enum { COUNT = 4000, STEP = 48 };
    struct heap wide;
    heap_init(&wide, BASE, COUNT * STEP + COUNT * 8);
    heap_block(&wide, BASE, COUNT * 8);
    heap_register(&wide, BASE);
    for (size_t i = 0; i + 1 < COUNT; i++) {
        heap_block(&wide, BASE + COUNT * 8 + i * STEP, 24);
        heap_put(&wide, BASE + 8 * i, BASE + COUNT * 8 + i * 7 % (COUNT - 1) * STEP);
    }
    heap_decide(&wide);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(wide.result.verdicts[i].reach, LOG_REACHABLE);
    assert_true(wide.reads <= 4);
    heap_deinit(&wide);
}

/* Longer than the buffer, so that it comes in several reads. */
static void long_block_is_searched_to_its_end(void **state)
{
    (void)state;
    const uint64_t size = (UINT64_C(10) << 20) + 24;
    struct heap large;
    heap_init(&large, BASE, size + 0x1000);
    heap_block(&large, BASE + 8, size);
    heap_block(&large, BASE + size + 0x100, 16);
    heap_block(&large, BASE + size + 0x200, 16);
    heap_put(&large, BASE + size, BASE + size + 0x100);      /* its last word */
    heap_put(&large, BASE + (4 << 20), BASE + size + 0x200); /* about where it is cut */
    heap_register(&large, BASE + 8);
    heap_decide(&large);
    heap_expect(&large, BASE + size + 0x100, LOG_REACHABLE, BASE + size);
    heap_expect(&large, BASE + size + 0x200, LOG_REACHABLE, BASE + (4 << 20));
    assert_int_equal(large.result.heap_bytes, size + 32);
    heap_deinit(&large);
}

static void top_of_the_address_space_is_like_any_other(void **state)
{
    (void)state;
    const uint64_t base = UINT64_MAX - 0xfff;
    struct heap top;
    heap_init(&top, base, 0x1000);
    heap_block(&top, base + 0x100, 64);
    heap_block(&top, base + 0xf00, 0x80);
    heap_block(&top, UINT64_MAX - 0x1f, UINT64_MAX); /* no such size fits */
    heap_register(&top, base + 0x100);
    heap_put(&top, base + 0x138, base + 0xf00);
    heap_put(&top, base + 0xf78, UINT64_MAX - 0x1f);
    heap_put(&top, UINT64_MAX - 0x17, base + 0x100);
    heap_decide(&top);
    heap_expect(&top, base + 0xf00, LOG_REACHABLE, base + 0x138);
    heap_expect(&top, UINT64_MAX - 0x1f, LOG_REACHABLE, base + 0xf78);
    /* Pointers are compared with sizes, not with ends that have wrapped. */
    top.register_count = 0;
    heap_register(&top, UINT64_MAX);
    heap_decide(&top);
    heap_expect(&top, UINT64_MAX - 0x1f, LOG_POSSIBLY_LOST, UINT64_MAX - 0x1f);
    heap_expect(&top, base + 0x100, LOG_POSSIBLY_LOST, UINT64_MAX - 0x17);
    heap_deinit(&top);
}

/* ---- Memory that was never touched ---- */

static uint64_t touched_start, touched_end;

static void touched(uint64_t start, uint64_t end, reach_visit *visit, void *visit_data, void *data)
{
    (void)data;
    uint64_t from = start > touched_start ? start : touched_start;
    uint64_t to = end < touched_end ? end : touched_end;
    if (from < to)
        visit(from, to, visit_data);
}

static void untouched_memory_is_not_read(void **state)
{
    (void)state;
    const uint64_t tib = UINT64_C(1) << 40;
    heap_block(&heap, BASE + 0x8000, tib);
    heap_put(&heap, ROOT, BASE + 0x8000);
    heap_put(&heap, BASE + 0x9008, A);
    touched_start = BASE + 0x9000;
    touched_end = BASE + 0xa000;
    heap.touched = touched;
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, BASE + 0x9008);
    assert_int_equal(heap.result.heap_bytes, 4 * 64 + 0x1000);
    assert_int_equal(heap.result.unreadable_bytes, 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(chain_of_beginnings_is_reachable),
        TEST(lost_chain_is_indirectly_lost),
        TEST(pointer_into_the_middle_is_possible),
        TEST(possible_becomes_reachable),
        TEST(pointer_from_a_root_into_the_middle_does_not_undo),
        TEST(chain_is_no_better_than_its_worst_pointer),
        TEST(possible_beats_lost),
        TEST(own_pointers_save_no_block),
        TEST(own_pointer_upgrades_no_block),
        TEST(cycle_has_one_leader),
        TEST(cycle_that_another_one_leads_to_has_no_leader),
        TEST(cycle_that_a_lost_block_leads_to_has_no_leader),
        TEST(block_of_two_lost_ones_counts_once),
        TEST(reachable_cycle_ends),
        TEST(unaligned_words_are_no_pointers),
        TEST(pointer_behind_a_block_is_none),
        TEST(each_root_is_told),
        TEST(words_in_blocks_are_not_a_mappings),
        TEST(no_blocks_no_verdicts),
        TEST(no_roots_no_reachable_block),
        TEST(block_of_no_bytes_is_reached_by_its_address),
        TEST(what_cannot_be_read_holds_no_pointers),
        cmocka_unit_test(list_takes_one_read_a_page_and_less),
        cmocka_unit_test(wide_heap_takes_few_reads),
        cmocka_unit_test(long_block_is_searched_to_its_end),
        cmocka_unit_test(top_of_the_address_space_is_like_any_other),
        TEST(untouched_memory_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
