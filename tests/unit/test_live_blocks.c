/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tracer/leaks/live_blocks.h"

static void block_is_found_until_it_is_removed(void **state)
{
    (void)state;
    struct live_blocks *blocks = live_blocks_create();
    struct live_block block = {.address = 0x1000, .size = 5, .stack = 7, .thread = 2};
    assert_true(live_blocks_add(blocks, &block));
    assert_null(live_blocks_find(blocks, 0x1001));
    const struct live_block *found = live_blocks_find(blocks, 0x1000);
    assert_non_null(found);
    assert_memory_equal(found, &block, sizeof block);
    live_blocks_remove(blocks, 0x2000);
    assert_int_equal(live_blocks_count(blocks), 1);
    live_blocks_remove(blocks, 0x1000);
    assert_null(live_blocks_find(blocks, 0x1000));
    assert_int_equal(live_blocks_count(blocks), 0);
    live_blocks_destroy(blocks);
}

static void block_at_the_same_address_replaces(void **state)
{
    (void)state;
    struct live_blocks *blocks = live_blocks_create();
    assert_true(live_blocks_add(blocks, &(struct live_block){.address = 0x1000, .size = 5}));
    assert_true(live_blocks_add(blocks, &(struct live_block){.address = 0x1000, .size = 6}));
    assert_int_equal(live_blocks_count(blocks), 1);
    assert_int_equal(live_blocks_find(blocks, 0x1000)->size, 6);
    live_blocks_destroy(blocks);
}

static void nothing_is_at_address_0(void **state)
{
    (void)state;
    struct live_blocks *blocks = live_blocks_create();
    assert_true(live_blocks_add(blocks, &(struct live_block){.size = 5}));
    assert_int_equal(live_blocks_count(blocks), 0);
    assert_null(live_blocks_find(blocks, 0));
    live_blocks_remove(blocks, 0);
    live_blocks_destroy(blocks);
}

static void copy_goes_its_own_way(void **state)
{
    (void)state;
    struct live_blocks *blocks = live_blocks_create();
    assert_true(live_blocks_add(blocks, &(struct live_block){.address = 0x1000, .size = 5}));
    struct live_blocks *copy = live_blocks_copy(blocks);
    assert_non_null(copy);
    live_blocks_remove(blocks, 0x1000);
    assert_true(live_blocks_add(blocks, &(struct live_block){.address = 0x2000, .size = 5}));
    assert_non_null(live_blocks_find(copy, 0x1000));
    assert_null(live_blocks_find(copy, 0x2000));
    live_blocks_destroy(blocks);
    live_blocks_destroy(copy);
}

static void sorting_none_gives_none(void **state)
{
    (void)state;
    struct live_blocks *blocks = live_blocks_create();
    struct live_block *sorted;
    size_t count = 1;
    assert_null(live_blocks_sorted(blocks, &sorted, &count));
    assert_int_equal(count, 0);
    free(sorted);
    live_blocks_destroy(blocks);
}

/* Against the plainest model there is: an array by number. Dense addresses make runs of neighbours
 * that collide, and that shrink and grow with the table; far ones make all digits count. */
static void random_operations_agree_with_an_array(void **state)
{
    (void)state;
    enum { NUMBERS = 4000, STEPS = 300000 };
    static uint64_t sizes[NUMBERS];
    struct live_blocks *blocks = live_blocks_create();
    size_t live = 0;
    srand(1);
    for (int step = 1; step <= STEPS; step++) {
        /* Now many, now few. */
        size_t number = (size_t)rand() % (step / 30000 % 2 ? NUMBERS : NUMBERS / 100);
        uint64_t address = (number % 3 ? 0x7f0000000000 : 0x5500000000) + number * 16;
        if (number % 1000 == 999)
            address = UINT64_MAX - number;
        const struct live_block *found = live_blocks_find(blocks, address);
        assert_int_equal(found ? found->size : 0, sizes[number]);
        bool add = step / 60000 % 2 ? rand() % 4 == 0 : rand() % 4 != 0;
        live += (add && !sizes[number]) - (size_t)(!add && sizes[number]);
        if (add)
            assert_true(live_blocks_add(
                blocks, &(struct live_block){.address = address, .size = (uint64_t)step}));
        else
            live_blocks_remove(blocks, address);
        sizes[number] = add ? (uint64_t)step : 0;
        assert_int_equal(live_blocks_count(blocks), live);
    }
    struct live_block *sorted;
    size_t count;
    uint64_t sum = 0;
    assert_null(live_blocks_sorted(blocks, &sorted, &count));
    assert_int_equal(count, live);
    for (size_t i = 0; i < count; i++) {
        sum += sorted[i].size;
        assert_true(i == 0 || sorted[i - 1].address < sorted[i].address);
    }
    for (size_t i = 0; i < NUMBERS; i++)
        sum -= sizes[i];
    assert_int_equal(sum, 0);
    free(sorted);
    live_blocks_destroy(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_found_until_it_is_removed),
        cmocka_unit_test(block_at_the_same_address_replaces),
        cmocka_unit_test(nothing_is_at_address_0),
        cmocka_unit_test(copy_goes_its_own_way),
        cmocka_unit_test(sorting_none_gives_none),
        cmocka_unit_test(random_operations_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
