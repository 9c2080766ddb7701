/* SPDX-License-Identifier: MIT */
#include "output/log/stack_trie.h"
#include "tests/unit/log_cmocka.h"

#define MANY 100000

static int create(void **state)
{
    *state = stack_trie_create();
    return *state ? 0 : -1;
}

static int destroy(void **state)
{
    stack_trie_destroy(*state);
    return 0;
}

static void ids_count_up_from_one(void **state)
{
    bool is_new;
    assert_int_equal(stack_trie_count(*state), 0);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(stack_trie_child(*state, 0, i * 7, &is_new), i);
        assert_true(is_new);
        assert_int_equal(stack_trie_count(*state), i);
    }
}

static void the_same_stack_has_the_same_id(void **state)
{
    bool is_new;
    uint32_t outer = stack_trie_child(*state, 0, 5, &is_new);
    uint32_t inner = stack_trie_child(*state, outer, 6, &is_new);
    assert_int_equal(stack_trie_child(*state, outer, 6, &is_new), inner);
    assert_false(is_new);
    assert_int_equal(stack_trie_count(*state), 2);
}

static void the_same_frame_under_other_callers_is_another_stack(void **state)
{
    bool is_new;
    uint32_t first = stack_trie_child(*state, 0, 1, &is_new);
    uint32_t second = stack_trie_child(*state, 0, 2, &is_new);
    assert_int_not_equal(stack_trie_child(*state, first, 3, &is_new),
                         stack_trie_child(*state, second, 3, &is_new));
    assert_int_equal(stack_trie_count(*state), 4);
}

static void parent_and_frame_are_not_interchangeable(void **state)
{
    bool is_new;
    uint32_t one = stack_trie_child(*state, 7, 9, &is_new);
    uint32_t other = stack_trie_child(*state, 9, 7, &is_new);
    assert_true(is_new);
    assert_int_not_equal(one, other);
}

static void the_highest_numbers_are_ordinary(void **state)
{
    bool is_new;
    uint32_t id = stack_trie_child(*state, UINT32_MAX, UINT32_MAX, &is_new);
    assert_true(is_new);
    assert_int_equal(stack_trie_child(*state, UINT32_MAX, UINT32_MAX, &is_new), id);
    assert_false(is_new);
}

static void growth_keeps_all_stacks(void **state)
{
    bool is_new;
    for (uint32_t i = 0; i < MANY; i++) {
        /* A chain and a fan at once: half of the stacks have the one before as their parent. */
        assert_int_equal(stack_trie_child(*state, i % 2 ? i : 0, i, &is_new), i + 1);
        assert_true(is_new);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(stack_trie_child(*state, i % 2 ? i : 0, i, &is_new), i + 1);
        assert_false(is_new);
    }
    assert_int_equal(stack_trie_count(*state), MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_count_up_from_one, create, destroy),
        cmocka_unit_test_setup_teardown(the_same_stack_has_the_same_id, create, destroy),
        cmocka_unit_test_setup_teardown(the_same_frame_under_other_callers_is_another_stack, create,
                                        destroy),
        cmocka_unit_test_setup_teardown(parent_and_frame_are_not_interchangeable, create, destroy),
        cmocka_unit_test_setup_teardown(the_highest_numbers_are_ordinary, create, destroy),
        cmocka_unit_test_setup_teardown(growth_keeps_all_stacks, create, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
