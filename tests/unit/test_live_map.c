/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/live_map.h"

static void missing_block_is_not_taken(void **state)
{
    (void)state;
    struct live_map map;
    struct live_block block;
    live_map_init(&map);
    assert_false(live_map_take(&map, 0x1000, &block));
    assert_true(live_map_add(&map, &(struct live_block){.address = 0x1000, .size = 5}));
    assert_false(live_map_take(&map, 0x1008, &block));
    assert_false(live_map_take(&map, 0, &block));
    assert_true(live_map_take(&map, 0x1000, &block));
    assert_int_equal(block.size, 5);
    assert_false(live_map_take(&map, 0x1000, &block));
    live_map_deinit(&map);
}

/* Against the plainest model there is: an array by number. Addresses are dense, so that runs of
 * neighbours collide, wrap around the table's end and are shifted back. */
static void random_operations_agree_with_an_array(void **state)
{
    (void)state;
    enum { NUMBERS = 3000, STEPS = 400000 };
    static uint64_t sizes[NUMBERS];
    struct live_map map;
    live_map_init(&map);
    srand(1);
    size_t live = 0;
    for (int step = 1; step <= STEPS; step++) {
        size_t number = (size_t)rand() % NUMBERS;
        uint64_t address = 0x7f0000000000 + number * 16;
        struct live_block block;
        if (sizes[number]) {
            assert_true(live_map_take(&map, address, &block));
            assert_int_equal(block.size, sizes[number]);
            sizes[number] = 0;
            live--;
        } else {
            assert_false(live_map_take(&map, address, &block));
            sizes[number] = (uint64_t)step;
            block = (struct live_block){.address = address, .size = (uint64_t)step};
            assert_true(live_map_add(&map, &block));
            live++;
        }
        assert_int_equal(map.count, live);
    }
    uint64_t sum = 0;
    size_t index = 0;
    const struct live_block *block;
    while ((block = live_map_next(&map, &index)))
        sum += block->size;
    for (size_t i = 0; i < NUMBERS; i++)
        sum -= sizes[i];
    assert_int_equal(sum, 0);
    live_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_block_is_not_taken),
        cmocka_unit_test(random_operations_agree_with_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
