/* SPDX-License-Identifier: MIT */
/* Blocks within blocks: those of a pool in the chunk that it has from malloc(3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define ROOT BASE
#define CHUNK (BASE + 0x2000)
#define FIRST (CHUNK + 0x40)
#define SECOND (CHUNK + 0x80)
#define ELSEWHERE (BASE + 0x4000)

static struct heap heap;

static int set_up(void **state)
{
    (void)state;
    heap_init(&heap, BASE, 0x10000);
    heap_range(&heap, ROOT, ROOT + 0x100, LOG_ROOT_GLOBAL);
    heap_block(&heap, CHUNK, 0x100);
    heap_block(&heap, FIRST, 0x20);
    heap_block(&heap, SECOND, 0x20);
    heap_block(&heap, ELSEWHERE, 0x20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heap_deinit(&heap);
    return 0;
}

static void chunk_does_not_keep_what_is_in_it(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_decide(&heap);
    heap_expect(&heap, CHUNK, LOG_REACHABLE, ROOT);
    heap_expect(&heap, FIRST, LOG_DEFINITELY_LOST, FIRST);
    heap_expect(&heap, SECOND, LOG_DEFINITELY_LOST, SECOND);
}

static void words_of_the_chunk_itself_are_searched(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_put(&heap, CHUNK + 0x10, FIRST);
    heap_put(&heap, CHUNK + 0xf8, ELSEWHERE); /* behind both */
    heap_decide(&heap);
    heap_expect(&heap, FIRST, LOG_REACHABLE, CHUNK + 0x10);
    heap_expect(&heap, ELSEWHERE, LOG_REACHABLE, CHUNK + 0xf8);
    heap_expect(&heap, SECOND, LOG_DEFINITELY_LOST, SECOND);
}

static void words_of_an_inner_block_are_its_own(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, CHUNK);
    heap_put(&heap, FIRST + 8, ELSEWHERE);
    heap_decide(&heap);
    heap_expect(&heap, FIRST, LOG_DEFINITELY_LOST, FIRST);
    heap_expect(&heap, ELSEWHERE, LOG_INDIRECTLY_LOST, FIRST + 8);
}

static void chunk_is_no_leak_while_a_block_in_it_is_used(void **state)
{
    (void)state;
    heap_put(&heap, ROOT, SECOND);
    heap_decide(&heap);
    heap_expect(&heap, SECOND, LOG_REACHABLE, ROOT);
    heap_expect(&heap, CHUNK, LOG_POSSIBLY_LOST, ROOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunk_does_not_keep_what_is_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_of_the_chunk_itself_are_searched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_of_an_inner_block_are_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunk_is_no_leak_while_a_block_in_it_is_used, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
