/* SPDX-License-Identifier: MIT */
/* Walks of made-up heaps: as many versions of glibc lay them out, and damaged in all ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glibc_world.h"
#include "log_cmocka.h"

static const struct glibc_version versions[] = {
    {"2.17", 13, false, 32, false, 0, 0, false, 0}, {"2.23", 13, true, 32, false, 0, 0, false, 0},
    {"2.26", 14, true, 32, false, 64, 1, false, 0}, {"2.31", 14, true, 32, false, 64, 2, false, 0},
    {"2.32", 14, true, 32, true, 64, 2, false, 0},  {"2.36", 14, true, 48, true, 64, 2, false, 0},
    {"2.42", 14, true, 48, true, 76, 2, true, 0},   {"2.43", 3, true, 48, true, 76, 2, true, 16},
};
#define VERSIONS (sizeof versions / sizeof *versions)
#define NEWEST (&versions[VERSIONS - 1])

static bool note_block(uint64_t block, uint64_t usable, void *data)
{
    struct world_blocks *found = data;
    if (found->count == sizeof found->address / sizeof *found->address)
        return false;
    found->address[found->count] = block;
    found->usable[found->count++] = usable;
    return true;
}

static void walk(struct world *world, struct glibc_heaps *heaps, struct world_blocks *found)
{
    *found = (struct world_blocks){0};
    assert_no_error(glibc_heaps_find(&world->process, heaps));
    assert_no_error(glibc_heaps_walk(&world->process, heaps, note_block, found));
}

static void assert_found(const struct world *world, const struct world_blocks *found)
{
    assert_int_equal(found->count, world->used.count);
    for (size_t i = 0; i < found->count; i++) {
        assert_int_equal(found->address[i], world->used.address[i]);
        assert_int_equal(found->usable[i], world->used.usable[i]);
    }
}

static void test_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct world world;
        struct glibc_heaps heaps;
        struct world_blocks found;
        world_init(&world, &versions[i]);
        walk(&world, &heaps, &found);
        print_message("%s\n", versions[i].name);
        assert_string_equal(heaps.problem, "");
        assert_found(&world, &found);
        glibc_heaps_deinit(&heaps);
        world_deinit(&world);
    }
}

static void test_areas(void **state)
{
    (void)state;
    struct world world;
    struct glibc_heaps heaps;
    struct world_blocks found;
    world_init(&world, NEWEST);
    walk(&world, &heaps, &found);
    /* Not what others took by sbrk(2) before, and with the free memory at the top. */
    assert_null(areas_find(&heaps.areas, WORLD_BRK));
    assert_non_null(areas_find(&heaps.areas, found.address[0] - 16));
    assert_null(areas_find(&heaps.areas, found.address[0] - 17));
    assert_non_null(areas_find(&heaps.areas, WORLD_BRK + world.regions[1].size - 1));
    assert_non_null(areas_find(&heaps.areas, WORLD_HEAP));
    assert_non_null(areas_find(&heaps.states, world.main_arena));
    assert_null(areas_find(&heaps.states, world.main_arena - 1));
    assert_int_equal(heaps.states.count, 1);
    assert_non_null(areas_find(&heaps.mapped, WORLD_MAPPED));
    assert_null(areas_find(&heaps.mapped, WORLD_MAPPED + 0x5000));
    glibc_heaps_deinit(&heaps);
    world_deinit(&world);
}

static void test_nothing(void **state)
{
    (void)state;
    struct world world;
    struct glibc_heaps heaps;
    struct world_blocks found;
    world_init(&world, NEWEST);
    memset(world.regions[0].bytes, 0, world.regions[0].size);
    walk(&world, &heaps, &found);
    assert_int_equal(found.count, 0);
    assert_int_equal(heaps.areas.count, 0);
    assert_string_equal(heaps.problem, "");
    glibc_heaps_deinit(&heaps);
    world_deinit(&world);
}

/* All but the block whose head is damaged are found, and it is told. */
static void test_overrun(void **state)
{
    (void)state;
    struct world world;
    struct glibc_heaps heaps;
    struct world_blocks found;
    world_init(&world, NEWEST);
    uint64_t damaged = world.used.address[2];
    *world_word(&world, damaged - 8) = UINT64_C(0x7878787878787878);
    walk(&world, &heaps, &found);
    assert_non_null(strstr(heaps.problem, "no chunk"));
    size_t missing = 0;
    for (size_t i = 0; i < world.used.count; i++) {
        bool there = false;
        for (size_t k = 0; k < found.count; k++)
            there = there || found.address[k] == world.used.address[i];
        missing += !there;
        assert_true(there || world.used.address[i] == damaged);
    }
    assert_int_equal(missing, 1);
    glibc_heaps_deinit(&heaps);
    world_deinit(&world);
}

/* A thread is about to write the head of the top chunk. */
static void test_top_about_to_be_made(void **state)
{
    (void)state;
    struct world world;
    struct glibc_heaps heaps;
    struct world_blocks found;
    world_init(&world, NEWEST);
    for (int i = 0; i < 2; i++) {
        uint64_t arena = i ? world.thread_arena : world.main_arena;
        *world_word(&world, *world_word(&world, arena + 8) + 8) = UINT64_C(0x1234567890);
    }
    walk(&world, &heaps, &found);
    assert_found(&world, &found);
    glibc_heaps_deinit(&heaps);
    world_deinit(&world);
}

/* Lists in circles, and those that lead nowhere. */
static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERSIONS; i++) {
        struct world world;
        struct glibc_heaps heaps;
        struct world_blocks found;
        world_init(&world, &versions[i]);
        if (versions[i].before_bins == 3) {
            world_deinit(&world);
            continue;
        }
        uint64_t fastbin = world.main_arena + (versions[i].before_bins - 10) * 8;
        uint64_t chunk = *world_word(&world, fastbin);
        uint64_t place = chunk + 16;
        *world_word(&world, place) = versions[i].disguised ? chunk ^ place >> 12 : chunk;
        walk(&world, &heaps, &found);
        assert_non_null(strstr(heaps.problem, "lists"));
        assert_in_range(found.count, world.used.count, world.used.count + 1);
        glibc_heaps_deinit(&heaps);
        world_deinit(&world);
    }
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static uint64_t some_word(struct world *world, uint64_t *random, uint64_t present)
{
    const struct world_region *region = &world->regions[next_random(random) % WORLD_REGIONS];
    switch (next_random(random) % 6) {
    case 0:
        return next_random(random);
    case 1:
        return region->start + next_random(random) % region->size;
    case 2:
        return (region->start + next_random(random) % region->size) & ~UINT64_C(15);
    case 3:
        return present ^ UINT64_C(1) << next_random(random) % 64;
    case 4:
        return next_random(random) % 4096;
    default:
        return UINT64_MAX - next_random(random) % 4096;
    }
}

/* Where something is: states, heads, lists. */
static void damage(struct world *world, uint64_t *random)
{
    for (;;) {
        const struct world_region *region = &world->regions[next_random(random) % WORLD_REGIONS];
        uint64_t at = region->start + (next_random(random) % region->size & ~UINT64_C(7));
        uint64_t *word = world_word(world, at);
        if (!*word)
            continue;
        *word = some_word(world, random, *word);
        return;
    }
}

/* Whatever is written over whatever, a walk ends, and not after long. */
static void test_damage(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252U;
    for (size_t round = 0; round < 1000; round++) {
        struct world world;
        struct glibc_heaps heaps;
        struct world_blocks found;
        world_init(&world, &versions[round % VERSIONS]);
        for (size_t i = 0; i < 1 + round % 7; i++)
            damage(&world, &random);
        walk(&world, &heaps, &found);
        assert_in_range(world.reads, 1, UINT64_C(200) << 20);
        glibc_heaps_deinit(&heaps);
        world_deinit(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_areas),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_top_about_to_be_made),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
