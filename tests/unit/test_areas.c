/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "log_cmocka.h"
#include "tracer/leaks/areas.h"

#define SPAN 64

static void mark(uint64_t start, uint64_t end, void *data)
{
    bool *marked = data;
    for (uint64_t i = start; i < end; i++) {
        assert_false(marked[i]);
        marked[i] = true;
    }
}

static void check(const struct areas *areas, const bool *wanted)
{
    bool gaps[SPAN] = {0};
    areas_gaps(areas, 0, SPAN, mark, gaps);
    for (uint64_t i = 0; i < SPAN; i++) {
        assert_int_equal(areas_find(areas, i) != NULL, wanted[i]);
        assert_int_equal(gaps[i], !wanted[i]);
        uint64_t next = i;
        while (next < SPAN && !wanted[next])
            next++;
        /* The start of the area that i is in, or of the first one above. */
        while (next < SPAN && next > 0 && wanted[next - 1] && next <= i)
            next--;
        assert_int_equal(areas_next(areas, i), next < SPAN ? next : UINT64_MAX);
    }
    for (size_t i = 1; i < areas->count; i++)
        assert_true(areas->list[i - 1].end < areas->list[i].start);
}

/* Any sequence of areas, added and removed, gives what marking each address would. */
static void test_any(void **state)
{
    (void)state;
    srand(4711);
    for (int round = 0; round < 2000; round++) {
        struct areas areas = {0};
        bool wanted[SPAN] = {0};
        for (int i = 0; i < 12; i++) {
            uint64_t start = (uint64_t)rand() % SPAN;
            uint64_t end = start + (uint64_t)rand() % 8;
            end = end < SPAN ? end : SPAN;
            bool added = rand() % 3 != 0;
            if (added)
                areas_add(&areas, start, end);
            else
                areas_remove(&areas, start, end);
            for (uint64_t k = start; k < end; k++)
                wanted[k] = added;
            check(&areas, wanted);
        }
        areas_deinit(&areas);
    }
}

static void test_ends_of_memory(void **state)
{
    (void)state;
    struct areas areas = {0};
    areas_add(&areas, UINT64_MAX - 10, UINT64_MAX);
    areas_add(&areas, 0, 10);
    areas_add(&areas, 20, 5); /* none */
    assert_int_equal(areas.count, 2);
    assert_non_null(areas_find(&areas, 0));
    assert_non_null(areas_find(&areas, UINT64_MAX - 1));
    areas_remove(&areas, 7, 3); /* nothing */
    areas_add(&areas, 0, UINT64_MAX);
    assert_int_equal(areas.count, 1);
    struct areas copy;
    assert_true(areas_copy(&areas, &copy));
    areas_remove(&areas, 0, UINT64_MAX);
    assert_int_equal(areas.count, 0);
    assert_int_equal(copy.count, 1);
    areas_deinit(&copy);
    areas_deinit(&areas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_ends_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
