/* SPDX-License-Identifier: MIT */
/* Pointers into the middle that count as pointers to the beginning, and those that nearly do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define ROOT BASE
#define A (BASE + 0x2000)
#define B (BASE + 0x2400)
#define TABLE (BASE + 0x8000) /* read-only, with two functions */
#define OTHER_TABLE (BASE + 0x8100)
#define NO_TABLE (BASE + 0x8200) /* likewise, with a function only */
#define CODE (BASE + 0x9000)

static struct heap heap;

/* A block of so many bytes at A, and a root that points to the byte at offset. */
static void make(uint64_t size, uint64_t offset)
{
    heap_init(&heap, BASE, 0x10000);
    heap_range(&heap, ROOT, ROOT + 0x100, LOG_ROOT_GLOBAL);
    heap_block(&heap, A, size);
    heap_put(&heap, ROOT + 8, A + offset);
    heap.constants[heap.constant_count++] = (struct reach_range){.start = TABLE, .end = CODE};
    heap.code[heap.code_count++] = (struct reach_range){.start = CODE, .end = CODE + 0x1000};
    heap_put(&heap, TABLE + 8, CODE);
    heap_put(&heap, TABLE + 24, CODE + 16);
    heap_put(&heap, OTHER_TABLE, CODE + 32);
    heap_put(&heap, OTHER_TABLE + 8, CODE + 48);
    heap_put(&heap, NO_TABLE, CODE);
    heap_put(&heap, NO_TABLE + 8, A);
}

static void expect(enum log_reach reach)
{
    heap_decide(&heap);
    heap_expect(&heap, A, reach, ROOT + 8);
    heap.heuristics = false;
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_POSSIBLY_LOST, ROOT + 8);
    heap_deinit(&heap);
}

static void block_may_begin_with_the_length_of_the_rest(void **state)
{
    (void)state;
    make(72, 8);
    heap_put(&heap, A, 64);
    expect(LOG_REACHABLE);
    make(72, 8);
    heap_put(&heap, A, 72);
    expect(LOG_POSSIBLY_LOST);
    make(72, 16);
    heap_put(&heap, A, 64);
    expect(LOG_POSSIBLY_LOST);
}

static void array_may_begin_with_its_length(void **state)
{
    (void)state;
    make(8 + 5 * 12, 8);
    heap_put(&heap, A, 5);
    expect(LOG_REACHABLE);
    make(8 + 5 * 12, 8);
    heap_put(&heap, A, 7);
    expect(LOG_POSSIBLY_LOST);
    make(8 + 5 * 12, 8); /* its first word is 0 */
    expect(LOG_POSSIBLY_LOST);
}

static void text_may_follow_length_capacity_and_count(void **state)
{
    (void)state;
    make(24 + 30 + 1, 24);
    heap_put(&heap, A, 17);
    heap_put(&heap, A + 8, 30);
    expect(LOG_REACHABLE);
    make(24 + 30 + 1, 24); /* longer than its capacity */
    heap_put(&heap, A, 31);
    heap_put(&heap, A + 8, 30);
    expect(LOG_POSSIBLY_LOST);
    make(24 + 30 + 1, 24); /* of another capacity */
    heap_put(&heap, A, 17);
    heap_put(&heap, A + 8, 29);
    expect(LOG_POSSIBLY_LOST);
    make(24 + 30 + 1, 16);
    heap_put(&heap, A, 17);
    heap_put(&heap, A + 8, 30);
    expect(LOG_POSSIBLY_LOST);
}

static void object_may_be_held_by_a_further_base_class(void **state)
{
    (void)state;
    make(50, 24);
    heap_put(&heap, A, TABLE);
    heap_put(&heap, A + 24, OTHER_TABLE);
    expect(LOG_REACHABLE);
    make(50, 24); /* the object's own first word is none */
    heap_put(&heap, A, NO_TABLE);
    heap_put(&heap, A + 24, OTHER_TABLE);
    expect(LOG_POSSIBLY_LOST);
    make(50, 24); /* there is no base class at the place */
    heap_put(&heap, A, TABLE);
    heap_put(&heap, A + 24, NO_TABLE);
    expect(LOG_POSSIBLY_LOST);
    make(50, 24); /* a table is not writable */
    heap_put(&heap, A, TABLE);
    heap_put(&heap, A + 24, ROOT + 0x40);
    expect(LOG_POSSIBLY_LOST);
}

/* What an accepted pointer leads to is as good as what any other does. */
static void chains_go_on_behind_accepted_pointers(void **state)
{
    (void)state;
    make(72, 8);
    heap_put(&heap, A, 64);
    heap_block(&heap, B, 32);
    heap_put(&heap, A + 16, B);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, ROOT + 8);
    heap_expect(&heap, B, LOG_REACHABLE, A + 16);
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_may_begin_with_the_length_of_the_rest),
        cmocka_unit_test(array_may_begin_with_its_length),
        cmocka_unit_test(text_may_follow_length_capacity_and_count),
        cmocka_unit_test(object_may_be_held_by_a_further_base_class),
        cmocka_unit_test(chains_go_on_behind_accepted_pointers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
