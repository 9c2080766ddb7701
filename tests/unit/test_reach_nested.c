/* SPDX-License-Identifier: MIT */
/* Blocks within blocks: a pool's, in the chunk that the pool was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define ROOT BASE
#define CHUNK (BASE + 0x1000)
#define ONE (CHUNK + 0x20)
#define TWO (CHUNK + 0x60)
#define INNER (TWO + 8) /* within TWO */
#define OTHER (BASE + 0x3000)

static struct heap heap;

/* Within CHUNK are two blocks of 64 bytes, and one in the second; OTHER is on its own. */
static int set_up(void **state)
{
    (void)state;
    heap_init(&heap, BASE, 0x10000);
    heap_range(&heap, ROOT, ROOT + 0x100, LOG_ROOT_GLOBAL);
    heap_block(&heap, CHUNK, 0x1000);
    heap_block(&heap, ONE, 0x40);
    heap_block(&heap, TWO, 0x40);
    heap_block(&heap, INNER, 0x10);
    heap_block(&heap, OTHER, 0x40);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heap_deinit(&heap);
    return 0;
}

static void chunk_keeps_no_inner_block(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_decide(&heap);
    heap_expect(&heap, CHUNK, LOG_REACHABLE, ROOT);
    heap_expect(&heap, ONE, LOG_DEFINITELY_LOST, ONE);
    heap_expect(&heap, TWO, LOG_DEFINITELY_LOST, TWO);
    heap_expect(&heap, INNER, LOG_DEFINITELY_LOST, INNER);
}

static void word_is_the_innermost_blocks(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_put(&heap, CHUNK + 8, ONE);
    heap_put(&heap, ONE + 0x38, TWO);
    heap_put(&heap, INNER, OTHER); /* INNER is lost, and so what it leads to */
    heap_decide(&heap);
    heap_expect(&heap, ONE, LOG_REACHABLE, CHUNK + 8);
    heap_expect(&heap, TWO, LOG_REACHABLE, ONE + 0x38);
    heap_expect(&heap, INNER, LOG_DEFINITELY_LOST, INNER);
    heap_expect(&heap, OTHER, LOG_INDIRECTLY_LOST, INNER);
}

static void words_behind_inner_blocks_are_the_outer_ones(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_put(&heap, TWO + 0x40, TWO);
    heap_put(&heap, INNER + 0x10, INNER);
    heap_put(&heap, CHUNK + 0xff8, OTHER);
    heap_decide(&heap);
    heap_expect(&heap, TWO, LOG_REACHABLE, TWO + 0x40);
    heap_expect(&heap, INNER, LOG_REACHABLE, INNER + 0x10);
    heap_expect(&heap, OTHER, LOG_REACHABLE, CHUNK + 0xff8);
    heap_expect(&heap, ONE, LOG_DEFINITELY_LOST, ONE);
    assert_int_equal(heap.result.heap_bytes, 0x1000 + 0x40); /* each byte once */
}

/* A pointer to an inner block is one into the middle of the chunk: it is in use. */
static void chunk_in_use_is_not_lost(void **state)
{
    (void)state;
    heap_put(&heap, ROOT + 8, INNER);
    heap_put(&heap, CHUNK + 8, OTHER);
    heap_decide(&heap);
    heap_expect(&heap, INNER, LOG_REACHABLE, ROOT + 8);
    heap_expect(&heap, TWO, LOG_POSSIBLY_LOST, ROOT + 8);
    heap_expect(&heap, CHUNK, LOG_POSSIBLY_LOST, ROOT + 8);
    heap_expect(&heap, ONE, LOG_DEFINITELY_LOST, ONE);
    heap_expect(&heap, OTHER, LOG_POSSIBLY_LOST, CHUNK + 8);
}

static void chunk_in_use_is_upgraded_by_its_own_pointer(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, INNER);
    heap_put(&heap, INNER + 8, CHUNK); /* an inner block may point to what is around it */
    heap_decide(&heap);
    heap_expect(&heap, INNER, LOG_REACHABLE, ROOT);
    heap_expect(&heap, CHUNK, LOG_REACHABLE, INNER + 8);
    heap_expect(&heap, TWO, LOG_POSSIBLY_LOST, ROOT);
}

static void chunk_of_a_possibly_lost_block_is_possibly_lost(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, OTHER + 4);
    heap_put(&heap, OTHER, ONE);
    heap_put(&heap, CHUNK, TWO + 2);
    heap_decide(&heap);
    heap_expect(&heap, ONE, LOG_POSSIBLY_LOST, OTHER);
    heap_expect(&heap, CHUNK, LOG_POSSIBLY_LOST, OTHER);
    heap_expect(&heap, TWO, LOG_POSSIBLY_LOST, CHUNK);
}

/* Among lost blocks a pointer leads to the innermost one only: the chunk is what was leaked. */
static void chunk_of_lost_blocks_is_lost_itself(void **state)
{
    (void)state;
    heap_put(&heap, ONE, TWO);
    heap_put(&heap, CHUNK, ONE);
    heap_put(&heap, OTHER, INNER);
    heap_decide(&heap);
    heap_expect(&heap, CHUNK, LOG_DEFINITELY_LOST, CHUNK);
    heap_expect(&heap, ONE, LOG_INDIRECTLY_LOST, CHUNK);
    heap_expect(&heap, TWO, LOG_INDIRECTLY_LOST, ONE);
    heap_expect(&heap, OTHER, LOG_DEFINITELY_LOST, OTHER);
    heap_expect(&heap, INNER, LOG_INDIRECTLY_LOST, OTHER);
}

/* As a pool in static memory has them. */
static void blocks_in_a_modules_data_hide_their_words(void **state)
{
    (void)state;
    heap.ranges[0].end = BASE + 0x4000;
    heap_put(&heap, ROOT, CHUNK);
    heap_put(&heap, ONE, OTHER);
    heap_put(&heap, OTHER - 8, INNER);
    heap_decide(&heap);
    heap_expect(&heap, CHUNK, LOG_REACHABLE, ROOT);
    heap_expect(&heap, OTHER, LOG_INDIRECTLY_LOST, ONE);
    heap_expect(&heap, INNER, LOG_REACHABLE, OTHER - 8);
    assert_int_equal(heap.result.root_bytes, 0x4000 - 0x1000 - 0x40);
}

/* As deep as a hostile target may make them: nothing may take time by the square of it. */
static void deep_nests_are_searched_once(void **state)
{
    (void)state;
    enum { DEPTH = 4000 };
    struct heap deep;
    heap_init(&deep, BASE, DEPTH * 32);
    for (uint64_t i = 0; i < DEPTH; i++)
        heap_block(&deep, BASE + i * 16, (DEPTH - i) * 32 - 16);
    heap_register(&deep, BASE + (DEPTH - 1) * 16);
    /* The word behind each block leads to the one around the one that it belongs to. */
    for (uint64_t i = 2; i < DEPTH; i++)
        heap_put(&deep, BASE + i * 16 + (DEPTH - i) * 32 - 16, BASE + (i - 2) * 16);
    heap_decide(&deep);
    heap_expect(&deep, BASE + (DEPTH - 1) * 16, LOG_REACHABLE, BASE + (DEPTH - 1) * 16);
    for (uint64_t i = 0; i + 1 < DEPTH; i++)
        assert_int_equal(deep.result.verdicts[i].reach, LOG_POSSIBLY_LOST);
    assert_int_equal(deep.result.heap_bytes, DEPTH * 32 - 16);
    heap_deinit(&deep);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(chunk_keeps_no_inner_block),
        TEST(word_is_the_innermost_blocks),
        TEST(words_behind_inner_blocks_are_the_outer_ones),
        TEST(chunk_in_use_is_not_lost),
        TEST(chunk_in_use_is_upgraded_by_its_own_pointer),
        TEST(chunk_of_a_possibly_lost_block_is_possibly_lost),
        TEST(chunk_of_lost_blocks_is_lost_itself),
        TEST(blocks_in_a_modules_data_hide_their_words),
        cmocka_unit_test(deep_nests_are_searched_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
