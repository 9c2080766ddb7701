/* SPDX-License-Identifier: MIT */
/* The paths through which a check reached a block: what is shown of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/leak_paths.h"

#define AT(i) (0x1000 + (uint64_t)(i)*0x10)

/* A list of 16-byte blocks, each held by the word in the middle of the one before; the first one by
 * root 7. */
static void make_list(struct leak_paths *paths, uint32_t count, uint32_t first_by_middle)
{
    static struct leak_root roots[] = {{.id = 3}, {.id = 7}, {.id = 8}};
    *paths = (struct leak_paths){.roots = roots, .root_count = 3};
    for (uint32_t i = 0; i < count; i++) {
        const struct leak_block block = {
            .address = AT(i),
            .size = 16,
            .holder = i ? AT(i - 1) + 8 : 0x900,
            .root = i ? 0 : 7,
            .reach = i < first_by_middle ? LOG_REACHABLE : LOG_POSSIBLY_LOST,
        };
        assert_true(leak_blocks_add(&paths->blocks, &block));
    }
    assert_true(leak_blocks_link(&paths->blocks));
}

static void assert_steps(const struct leak_path *path, const struct leak_step *steps, size_t count)
{
    assert_int_equal(path->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(path->steps[i].block, steps[i].block);
        assert_int_equal(path->steps[i].left_out, steps[i].left_out);
    }
}

static void a_short_path_is_whole(void **state)
{
    struct leak_paths paths;
    (void)state;
    make_list(&paths, 3, 3);
    struct leak_way *ways = leak_ways_find(&paths.blocks);
    struct leak_path path = leak_path_to(&paths, ways, 2);
    const struct leak_step steps[] = {{0, 0}, {1, 0}, {2, 0}};
    assert_steps(&path, steps, 3);
    assert_int_equal(path.root->id, 7);
    path = leak_path_to(&paths, ways, 0);
    assert_steps(&path, steps, 1);
    free(ways);
    leak_blocks_deinit(&paths.blocks);
}

static void of_a_long_one_its_ends_and_its_middle_are_shown(void **state)
{
    enum { COUNT = 100000, FIRST_BY_MIDDLE = 5000 };
    struct leak_paths paths;
    (void)state;
    make_list(&paths, COUNT, FIRST_BY_MIDDLE);
    struct leak_way *ways = leak_ways_find(&paths.blocks);
    const struct leak_path path = leak_path_to(&paths, ways, COUNT - 1);
    struct leak_step steps[LEAK_PATH_MOST] = {
        {0, 0},
        {FIRST_BY_MIDDLE, FIRST_BY_MIDDLE - 1},
        {COUNT - LEAK_PATH_LAST, COUNT - LEAK_PATH_LAST - FIRST_BY_MIDDLE - 1},
    };
    for (uint32_t i = 3; i < LEAK_PATH_MOST; i++)
        steps[i].block = steps[i - 1].block + 1;
    assert_steps(&path, steps, LEAK_PATH_MOST);
    assert_int_equal(ways[FIRST_BY_MIDDLE - 1].middle, LEAK_NO_BLOCK);
    assert_int_equal(ways[FIRST_BY_MIDDLE].middle, FIRST_BY_MIDDLE);
    free(ways);
    leak_blocks_deinit(&paths.blocks);
}

/* The order in which ways are found does not matter: here the end of the list comes first. */
static void branches_share_what_comes_before_them(void **state)
{
    struct leak_paths paths = {.roots = NULL};
    const struct leak_block list[] = {
        {.address = 0x1000, .size = 16, .holder = 0x3000, .reach = LOG_POSSIBLY_LOST},
        {.address = 0x2000, .size = 16, .holder = 0x3008, .reach = LOG_REACHABLE},
        {.address = 0x3000, .size = 16, .holder = 0x4000, .reach = LOG_REACHABLE},
        {.address = 0x4000, .size = 16, .holder = 0x900, .root = 1, .reach = LOG_REACHABLE},
        {.address = 0x5000, .size = 16, .holder = 0x1000, .reach = LOG_POSSIBLY_LOST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        assert_true(leak_blocks_add(&paths.blocks, &list[i]));
    assert_true(leak_blocks_link(&paths.blocks));
    struct leak_way *ways = leak_ways_find(&paths.blocks);
    const uint32_t depths[] = {2, 2, 1, 0, 3};
    const uint32_t middles[] = {0, LEAK_NO_BLOCK, LEAK_NO_BLOCK, LEAK_NO_BLOCK, 0};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        assert_int_equal(ways[i].top, 3);
        assert_int_equal(ways[i].depth, depths[i]);
        assert_int_equal(ways[i].middle, middles[i]);
    }
    assert_null(leak_path_to(&paths, ways, 4).root); /* a log may lack it */
    free(ways);
    leak_blocks_deinit(&paths.blocks);
}

static void a_circle_has_no_path(void **state)
{
    struct leak_paths paths = {.roots = NULL};
    const struct leak_block list[] = {
        {.address = 0x1000, .size = 16, .holder = 0x2000},
        {.address = 0x2000, .size = 16, .holder = 0x1000},
        {.address = 0x3000, .size = 16, .holder = 0x2008},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        assert_true(leak_blocks_add(&paths.blocks, &list[i]));
    assert_true(leak_blocks_link(&paths.blocks));
    struct leak_way *ways = leak_ways_find(&paths.blocks);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(leak_path_to(&paths, ways, i).count, 0);
    free(ways);
    leak_blocks_deinit(&paths.blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_path_is_whole),
        cmocka_unit_test(of_a_long_one_its_ends_and_its_middle_are_shown),
        cmocka_unit_test(branches_share_what_comes_before_them),
        cmocka_unit_test(a_circle_has_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
