/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracer/breakpoint.h"

static void all_added_are_found_and_no_others(void **state)
{
    (void)state;
    struct breakpoint_table table;
    breakpoint_table_init(&table);
    assert_null(breakpoint_find(&table, 0x1000));
    for (uint64_t i = 0; i < 5000; i++)
        assert_non_null(breakpoint_add(&table, 0x400000 + i * 3));
    assert_int_equal(table.count, 5000);
    for (uint64_t address = 0x400000; address < 0x400000 + 15000; address++) {
        struct breakpoint *found = breakpoint_find(&table, address);
        if ((address - 0x400000) % 3) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_true(found->address == address);
        }
    }
    breakpoint_table_deinit(&table);
}

static void copy_is_independent(void **state)
{
    (void)state;
    struct breakpoint_table table, copy;
    breakpoint_table_init(&table);
    struct breakpoint *original = breakpoint_add(&table, 0x1234);
    original->original = 0x55;
    original->slot = 0x9000;
    original->slot_size = 10;
    assert_true(breakpoint_table_copy(&table, &copy));
    breakpoint_table_deinit(&table);
    struct breakpoint *copied = breakpoint_find(&copy, 0x1234);
    assert_non_null(copied);
    assert_int_equal(copied->original, 0x55);
    assert_ptr_equal(breakpoint_of_slot(&copy, 0x9009), copied);
    assert_null(breakpoint_of_slot(&copy, 0x900a));
    breakpoint_table_deinit(&copy);
}

static void walk_visits_each_once(void **state)
{
    (void)state;
    struct breakpoint_table table;
    breakpoint_table_init(&table);
    for (uint64_t i = 1; i <= 100; i++)
        breakpoint_add(&table, i);
    uint64_t sum = 0;
    size_t index = 0;
    struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&table, &index)))
        sum += breakpoint->address;
    assert_int_equal(sum, 5050);
    breakpoint_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_added_are_found_and_no_others),
        cmocka_unit_test(copy_is_independent),
        cmocka_unit_test(walk_visits_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
