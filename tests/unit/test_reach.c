/* SPDX-License-Identifier: MIT */
/* Which state each shape of pointers leads to. Numbers in the names: case numbers of the valgrind
 * manual, 4.2.8. */
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

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(chain_of_beginnings_is_reachable),
        TEST(lost_chain_is_indirectly_lost),
        TEST(pointer_into_the_middle_is_possible),
        TEST(possible_becomes_reachable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
