/* SPDX-License-Identifier: MIT */
/* Pointers into the middle that count as pointers to the beginning, and those that all but do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define SIZE 0x10000
#define ROOT BASE
#define CONSTANTS (BASE + 0x4000)
#define TABLE (CONSTANTS + 0x10) /* of virtual functions */
#define OTHER_TABLE (CONSTANTS + 0x100)
#define CODE (BASE + 0x8000)
#define A (BASE + 0x2000)
#define B (BASE + 0x2800)
#define C (BASE + 0x3000)

static struct heap heap;

static int set_up(void **state)
{
    (void)state;
    heap_init(&heap, BASE, SIZE);
    heap_range(&heap, ROOT, ROOT + 0x100, LOG_ROOT_GLOBAL);
    heap.constants[heap.constant_count++] =
        (struct reach_range){.start = CONSTANTS, .end = CONSTANTS + 0x1000};
    heap.constants[heap.constant_count++] =
        (struct reach_range){.start = CODE, .end = CODE + 0x1000};
    heap.code[heap.code_count++] = (struct reach_range){.start = CODE, .end = CODE + 0x1000};
    heap_put(&heap, TABLE, CODE);
    heap_put(&heap, TABLE + 8, CODE + 0x20);
    heap_put(&heap, OTHER_TABLE, 0); /* one that was left out by the linker */
    heap_put(&heap, OTHER_TABLE + 8, CODE + 0x40);
    heap_put(&heap, OTHER_TABLE + 16, CODE + 0x60);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    heap_deinit(&heap);
    return 0;
}

/* A block whose first words are these, with a pointer to it at offset in the root. */
static void make(uint64_t block, uint64_t size, const uint64_t words[2], uint64_t offset)
{
    heap_block(&heap, block, size);
    heap_put(&heap, block, words[0]);
    heap_put(&heap, block + 8, words[1]);
    heap_put(&heap, ROOT + 8 * (heap.block_count - 1), block + offset);
}

static void expect_all(enum log_reach reach)
{
    heap_decide(&heap);
    for (size_t i = 0; i < heap.block_count; i++)
        heap_expect(&heap, heap.blocks[i].address, reach, ROOT + 8 * i);
}

static void length64_counts(void **state)
{
    (void)state;
    make(A, 100, (uint64_t[]){92, 7}, 8);
    make(B, 9, (uint64_t[]){1, 0}, 8);
    expect_all(LOG_REACHABLE);
}

static void newarray_counts(void **state)
{
    (void)state;
    make(A, 8 + 12 * 5, (uint64_t[]){5, 0}, 8);
    make(B, 8 + 3, (uint64_t[]){3, 0}, 8);
    make(C, 8 + 40, (uint64_t[]){1, 0}, 8);
    expect_all(LOG_REACHABLE);
}

static void wrong_number_of_elements_counts_not(void **state)
{
    (void)state;
    make(A, 8 + 12 * 5, (uint64_t[]){7, 0}, 8); /* 60 is not a multiple */
    make(B, 8 + 12 * 5, (uint64_t[]){0, 0}, 8);
    make(C, 8 + 12 * 5, (uint64_t[]){120, 0}, 8); /* of more than there is */
    expect_all(LOG_POSSIBLY_LOST);
}

static void pointer_elsewhere_into_an_array_counts_not(void **state)
{
    (void)state;
    make(A, 8 + 12 * 5, (uint64_t[]){5, 0}, 16);
    make(B, 8 + 12 * 5, (uint64_t[]){5, 0}, 7);
    make(C, 8 + 12 * 5, (uint64_t[]){5, 0}, 9);
    expect_all(LOG_POSSIBLY_LOST);
}

static void array_that_is_not_aligned_counts_not(void **state)
{
    (void)state;
    make(A + 4, 8 + 12 * 5, (uint64_t[]){5, 0}, 8);
    expect_all(LOG_POSSIBLY_LOST);
}

static void stdstring_counts(void **state)
{
    (void)state;
    make(A, 24 + 40 + 1, (uint64_t[]){11, 40}, 24);
    make(B, 24 + 40 + 1, (uint64_t[]){40, 40}, 24);
    make(C, 24 + 0 + 1, (uint64_t[]){0, 0}, 24);
    expect_all(LOG_REACHABLE);
}

static void wrong_length_or_capacity_counts_not(void **state)
{
    (void)state;
    make(A, 24 + 40 + 1, (uint64_t[]){41, 40}, 24);
    make(B, 24 + 40 + 2, (uint64_t[]){11, 40}, 24);
    make(C, 24 + 40 + 1, (uint64_t[]){11, 40}, 25);
    expect_all(LOG_POSSIBLY_LOST);
}

static void multipleinheritance_counts(void **state)
{
    (void)state;
    make(A, 64, (uint64_t[]){TABLE, 0}, 16);
    heap_put(&heap, A + 16, OTHER_TABLE);
    make(B, 24, (uint64_t[]){TABLE, 0}, 16); /* its last word */
    heap_put(&heap, B + 16, TABLE);
    expect_all(LOG_REACHABLE);
}

static void lone_table_counts_not(void **state)
{
    (void)state;
    make(A, 64, (uint64_t[]){TABLE, 0}, 16);
    make(B, 64, (uint64_t[]){0, 0}, 16);
    heap_put(&heap, B + 16, TABLE);
    make(C, 64, (uint64_t[]){TABLE, 0}, 20); /* not aligned */
    heap_put(&heap, C + 20, TABLE);
    expect_all(LOG_POSSIBLY_LOST);
}

/* A table as far as memcheck looks at one: two functions, and no other words before them. */
static void near_tables_count_not(void **state)
{
    (void)state;
    const uint64_t one_function = CONSTANTS + 0x200, text = CONSTANTS + 0x300,
                   strings = CONSTANTS + 0x400, zeros = CONSTANTS + 0x500, writable = BASE + 0x7000;
    heap_put(&heap, one_function, CODE);
    heap_put(&heap, one_function + 8, 5);
    heap_put(&heap, text, UINT64_C(0x6f77206f6c6c6568));
    heap_put(&heap, strings, CONSTANTS + 0x600); /* constants, but no code */
    heap_put(&heap, strings + 8, CONSTANTS + 0x610);
    heap_put(&heap, zeros + 8 * 20, CODE); /* the last word that is looked at */
    heap_put(&heap, zeros + 8 * 21, CODE);
    heap_put(&heap, writable, CODE);
    heap_put(&heap, writable + 8, CODE);
    const uint64_t tables[] = {one_function, text,      strings,     zeros,
                               writable,     TABLE + 4, UINT64_C(8), UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        make(A + i * 64, 32, (uint64_t[]){TABLE, 0}, 16);
        heap_put(&heap, A + i * 64 + 16, tables[i]);
    }
    expect_all(LOG_POSSIBLY_LOST);
}

static void table_at_the_end_of_constants_is_cut(void **state)
{
    (void)state;
    const uint64_t last = CONSTANTS + 0x1000 - 16;
    heap_put(&heap, last, CODE);
    heap_put(&heap, last + 8, CODE);
    make(A, 32, (uint64_t[]){last, 0}, 16);
    heap_put(&heap, A + 16, last);
    expect_all(LOG_REACHABLE);
    heap_put(&heap, CONSTANTS + 0x1000, CODE); /* not of the constants any more */
    heap_put(&heap, A + 16, last + 8);
    expect_all(LOG_POSSIBLY_LOST);
}

static void without_code_constants_count_as_code(void **state)
{
    (void)state;
    make(A, 32, (uint64_t[]){TABLE, 0}, 16);
    heap_put(&heap, A + 16, OTHER_TABLE);
    heap.code_count = 0;
    expect_all(LOG_REACHABLE);
    heap.constant_count = 0;
    expect_all(LOG_POSSIBLY_LOST);
}

static void heuristics_can_be_left_out(void **state)
{
    (void)state;
    make(A, 100, (uint64_t[]){92, 7}, 8);
    make(B, 24 + 40 + 1, (uint64_t[]){11, 40}, 24);
    make(C, 64, (uint64_t[]){TABLE, 0}, 16);
    heap_put(&heap, C + 16, OTHER_TABLE);
    expect_all(LOG_REACHABLE);
    heap.heuristics = false;
    expect_all(LOG_POSSIBLY_LOST);
}

/* What a block so found leads to is reachable, and one that is possibly lost is upgraded. */
static void found_by_a_heuristic_is_like_found_by_its_beginning(void **state)
{
    (void)state;
    make(A, 8 + 80, (uint64_t[]){10, 0}, 8);
    heap_block(&heap, B, 8 + 80);
    heap_put(&heap, B, 10);
    heap_put(&heap, A + 40, B + 8);
    heap_put(&heap, ROOT + 0x40, B + 33); /* in the middle, and found before */
    heap_block(&heap, C, 16);
    heap_put(&heap, B + 16, C);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_REACHABLE, ROOT);
    heap_expect(&heap, B, LOG_REACHABLE, A + 40);
    heap_expect(&heap, C, LOG_REACHABLE, B + 16);
}

/* From a block that is possibly lost, or lost, they do not help. */
static void heuristics_make_no_bad_chain_good(void **state)
{
    (void)state;
    make(A, 32, (uint64_t[]){0, 0}, 12);
    heap_block(&heap, B, 8 + 80);
    heap_put(&heap, B, 10);
    heap_put(&heap, A + 8, B + 8);
    heap_block(&heap, C, 16);
    heap_put(&heap, C, C);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_POSSIBLY_LOST, ROOT);
    heap_expect(&heap, B, LOG_POSSIBLY_LOST, A + 8);
    heap_put(&heap, ROOT, 0);
    heap_decide(&heap);
    heap_expect(&heap, A, LOG_DEFINITELY_LOST, A);
    heap_expect(&heap, B, LOG_INDIRECTLY_LOST, A + 8);
}

static void heads_that_cannot_be_read_say_nothing(void **state)
{
    (void)state;
    make(A, 0x1000, (uint64_t[]){0xff8, 0}, 8);
    expect_all(LOG_REACHABLE);
    heap.hole_start = A;
    heap.hole_end = A + 0x1000;
    expect_all(LOG_POSSIBLY_LOST);
}

/* More pointers into the middle than are looked at together. */
static void many_guesses_are_all_made(void **state)
{
    (void)state;
    enum { COUNT = 3000, STEP = 32 };
    struct heap many;
    heap_init(&many, BASE, COUNT * (STEP + 8) + 0x1000);
    const uint64_t first = BASE + COUNT * 8;
    heap_range(&many, BASE, first, LOG_ROOT_STACK);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t block = first + i * STEP;
        heap_block(&many, block, 24);
        heap_put(&many, block, i % 3 ? 2 : 5);
        heap_put(&many, BASE + i * 8, block + 8);
    }
    heap_decide(&many);
    for (uint64_t i = 0; i < COUNT; i++)
        heap_expect(&many, first + i * STEP, i % 3 ? LOG_REACHABLE : LOG_POSSIBLY_LOST,
                    BASE + i * 8);
    heap_deinit(&many);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(length64_counts),
        TEST(newarray_counts),
        TEST(wrong_number_of_elements_counts_not),
        TEST(pointer_elsewhere_into_an_array_counts_not),
        TEST(array_that_is_not_aligned_counts_not),
        TEST(stdstring_counts),
        TEST(wrong_length_or_capacity_counts_not),
        TEST(multipleinheritance_counts),
        TEST(lone_table_counts_not),
        TEST(near_tables_count_not),
        TEST(table_at_the_end_of_constants_is_cut),
        TEST(without_code_constants_count_as_code),
        TEST(heuristics_can_be_left_out),
        TEST(found_by_a_heuristic_is_like_found_by_its_beginning),
        TEST(heuristics_make_no_bad_chain_good),
        TEST(heads_that_cannot_be_read_say_nothing),
        cmocka_unit_test(many_guesses_are_all_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
