/* SPDX-License-Identifier: MIT */
/* Heads as glibc's malloc writes them (malloc/malloc.c: request2size(), set_head(), mmap_chunk(),
 * mmap_set_chunk()) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracer/glibc_chunk.h"

#define BLOCK UINT64_C(0x555555559010)
#define MAPPED_BLOCK UINT64_C(0x7ffff7a00010)

static void assert_usable(uint64_t address, uint64_t head, uint64_t asked, uint64_t wanted)
{
    uint64_t usable;
    if (!glibc_chunk_usable(address, head, asked, &usable))
        fail_msg("0x%llx: not taken for a head", (unsigned long long)head);
    assert_int_equal(usable, wanted);
}

static void assert_no_head(uint64_t address, uint64_t head, uint64_t asked)
{
    uint64_t usable;
    if (glibc_chunk_usable(address, head, asked, &usable))
        fail_msg("0x%llx: taken for a head", (unsigned long long)head);
}

static void chunks_of_an_arena_lend_a_word_of_the_next_one(void **state)
{
    (void)state;
    assert_usable(BLOCK, 0x20 | 1, 0, 24);
    assert_usable(BLOCK, 0x20, 24, 24);
    assert_usable(BLOCK, 0x30 | 1, 25, 40);
    assert_usable(BLOCK, 0x1010 | 1 | 4, 4096, 4104);
}

static void mapped_chunks_end_with_their_mapping(void **state)
{
    (void)state;
    /* Of a mapping of 0x101000 bytes; and the last two thirds of it, of memalign(3). */
    assert_usable(MAPPED_BLOCK, 0x101000 | 2, 1 << 20, 0x100ff0);
    assert_usable(MAPPED_BLOCK + 0x50ff0, 0xb0010 | 2, 1000, 0xb0000);
    /* Since glibc 2.43. */
    assert_usable(MAPPED_BLOCK, 0x100ff0 | 2, 1 << 20, 0x100fe8);
}

static void what_is_no_head_tells_nothing(void **state)
{
    (void)state;
    assert_no_head(BLOCK, 0, 0);
    assert_no_head(BLOCK, 0x10 | 1, 0);
    assert_no_head(BLOCK, 0x28 | 1, 0);
    assert_no_head(BLOCK, 0x20 | 1, 25);
    assert_no_head(BLOCK + 8, 0x20 | 1, 0);
    assert_no_head(BLOCK, ~UINT64_C(0), 0);
    assert_no_head(BLOCK, UINT64_C(1) << 56, 0);
    assert_no_head(BLOCK, 0x20 | 1, UINT64_MAX);
    assert_no_head(UINT64_MAX - 15, 0x20 | 1, 0);
    assert_no_head(MAPPED_BLOCK, 0x101000 | 2 | 1, 0);
    assert_no_head(MAPPED_BLOCK, 0x101000 | 2 | 4, 0);
    assert_no_head(MAPPED_BLOCK, 0x101010 | 2, 0);
    assert_no_head(MAPPED_BLOCK, 0x101000 | 2, 0x100ff1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_an_arena_lend_a_word_of_the_next_one),
        cmocka_unit_test(mapped_chunks_end_with_their_mapping),
        cmocka_unit_test(what_is_no_head_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
