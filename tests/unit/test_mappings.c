/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/analyze/mappings.h"

static void unmapping_the_middle_splits(void **state)
{
    (void)state;
    struct mappings mappings = {0};
    bool ok;
    assert_int_equal(mappings_add(&mappings, 0x1000, 0x5000, &ok), 0x5000);
    assert_int_equal(mappings_remove(&mappings, 0x2000, 0x1000, &ok), -0x1000);
    assert_int_equal(mappings.count, 2);
    assert_int_equal(mappings_remove(&mappings, 0, 0x10000, &ok), -0x4000);
    assert_int_equal(mappings.count, 0);
    mappings_deinit(&mappings);
}

static void mapping_over_what_is_mapped_counts_once(void **state)
{
    (void)state;
    struct mappings mappings = {0};
    bool ok;
    assert_int_equal(mappings_add(&mappings, 0x1000, 0x2000, &ok), 0x2000);
    assert_int_equal(mappings_add(&mappings, 0x2000, 0x2000, &ok), 0x1000);
    assert_int_equal(mappings.count, 1);
    assert_int_equal(mappings_remove(&mappings, 0x9000, 0x1000, &ok), 0);
    mappings_deinit(&mappings);
}

static void random_changes_agree_with_a_page_array(void **state)
{
    (void)state;
    enum { PAGES = 200, STEPS = 50000 };
    static bool pages[PAGES];
    struct mappings mappings = {0};
    int64_t total = 0;
    srand(2);
    for (int step = 0; step < STEPS; step++) {
        uint64_t start = (uint64_t)rand() % PAGES;
        uint64_t count = (uint64_t)rand() % 20 + 1;
        if (start + count > PAGES)
            count = PAGES - start;
        bool map = rand() % 2;
        bool ok;
        total += map ? mappings_add(&mappings, start, count, &ok)
                     : mappings_remove(&mappings, start, count, &ok);
        assert_true(ok);
        memset(pages + start, map, count);
        int64_t wanted = 0;
        for (size_t i = 0; i < PAGES; i++)
            wanted += pages[i];
        assert_int_equal(total, wanted);
    }
    mappings_deinit(&mappings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unmapping_the_middle_splits),
        cmocka_unit_test(mapping_over_what_is_mapped_counts_once),
        cmocka_unit_test(random_changes_agree_with_a_page_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
