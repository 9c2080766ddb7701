/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tracer/leaks/block_index.h"

#define TIB (UINT64_C(1) << 40)

static struct block_index build(const struct live_block *blocks, size_t count)
{
    struct block_index index;
    assert_null(block_index_init(&index, blocks, count));
    return index;
}

static void edges_of_blocks_are_exact(void **state)
{
    (void)state;
    const struct live_block blocks[] = {
        {.address = 0x1000, .size = 16}, {.address = 0x1010, .size = 1}, {.address = 0x1020}};
    struct block_index index = build(blocks, 3);
    assert_int_equal(block_index_find(&index, 0xfff), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, 0x1000), 0);
    assert_int_equal(block_index_find(&index, 0x100f), 0);
    assert_int_equal(block_index_find(&index, 0x1010), 1);
    assert_int_equal(block_index_find(&index, 0x1011), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, 0x1020), 2); /* of no bytes */
    assert_int_equal(block_index_find(&index, 0x1021), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, 0), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, UINT64_MAX), BLOCK_NONE);
    block_index_deinit(&index);
}

static void no_blocks_hold_nothing(void **state)
{
    (void)state;
    struct block_index index = build(NULL, 0);
    uint64_t start, end;
    assert_int_equal(block_index_find(&index, 0), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, UINT64_MAX), BLOCK_NONE);
    assert_true(block_index_gap(&index, 10, 20, &start, &end));
    assert_int_equal(start, 10);
    assert_int_equal(end, 20);
    block_index_deinit(&index);
}

/* Such sizes are a hostile target's. */
static void blocks_at_the_end_of_the_address_space_do_not_wrap(void **state)
{
    (void)state;
    const struct live_block blocks[] = {{.address = 1, .size = UINT64_MAX},
                                        {.address = 0x1000, .size = 16},
                                        {.address = UINT64_MAX - 15, .size = UINT64_MAX},
                                        {.address = UINT64_MAX - 7, .size = 8}};
    struct block_index index = build(blocks, 4);
    assert_int_equal(block_index_find(&index, 0), BLOCK_NONE);
    assert_int_equal(block_index_find(&index, 1), 0);
    assert_int_equal(block_index_find(&index, 0x1008), 1);
    assert_int_equal(block_index_find(&index, 0x1010), 0);
    assert_int_equal(block_index_find(&index, UINT64_MAX / 2), 0);
    assert_int_equal(block_index_find(&index, UINT64_MAX - 8), 2);
    assert_int_equal(block_index_find(&index, UINT64_MAX), 3);
    uint64_t start, end;
    assert_false(block_index_gap(&index, 0x500, UINT64_MAX, &start, &end));
    block_index_deinit(&index);
}

/* Memory for the index goes by the number of blocks, not by the room that they take. */
static void sparse_blocks_take_few_buckets(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct live_block blocks[COUNT];
    for (uint64_t i = 0; i < COUNT; i++)
        blocks[i] = (struct live_block){.address = (i + 1) * TIB, .size = i % 2 ? TIB : 16};
    struct block_index index = build(blocks, COUNT);
    assert_int_equal(index.cluster_count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(block_index_find(&index, (i + 1) * TIB), i);
        assert_int_equal(block_index_find(&index, (i + 2) * TIB - 1), i % 2 ? i : BLOCK_NONE);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(index.clusters[i].last_bucket <= 2);
    block_index_deinit(&index);
}

struct part {
    uint64_t start, end;
};

static void expect_parts(const struct block_index *index, uint32_t block, const struct part *parts,
                         size_t count)
{
    uint32_t rest = BLOCK_FIRST_PART;
    uint64_t start, end;
    for (size_t i = 0; i < count; i++) {
        assert_true(block_index_part(index, block, &rest, &start, &end));
        assert_int_equal(start, parts[i].start);
        assert_int_equal(end, parts[i].end);
    }
    assert_false(block_index_part(index, block, &rest, &start, &end));
}

static void inner_blocks_are_cut_out(void **state)
{
    (void)state;
    const struct live_block blocks[] = {{.address = 0x1000, .size = 0x1000},
                                        {.address = 0x1000 + 16, .size = 0x100},
                                        {.address = 0x1000 + 32, .size = 0x10},
                                        {.address = 0x1110, .size = 0x10},
                                        {.address = 0x1800, .size = 0x800}};
    struct block_index index = build(blocks, 5);
    const uint32_t around[] = {BLOCK_NONE, 0, 1, 0, 0};
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(index.parents[i], around[i]);
    expect_parts(&index, 0, (struct part[]){{0x1000, 0x1010}, {0x1120, 0x1800}}, 2);
    expect_parts(&index, 1, (struct part[]){{0x1010, 0x1020}, {0x1030, 0x1110}}, 2);
    expect_parts(&index, 2, (struct part[]){{0x1020, 0x1030}}, 1);
    expect_parts(&index, 4, (struct part[]){{0x1800, 0x2000}}, 1);
    assert_int_equal(block_index_find(&index, 0x102f), 2);
    assert_int_equal(block_index_find(&index, 0x1030), 1);
    assert_int_equal(block_index_find(&index, 0x1120), 0);
    assert_int_equal(block_index_find(&index, 0x2000), BLOCK_NONE);
    block_index_deinit(&index);
}

static void gaps_lie_between_blocks(void **state)
{
    (void)state;
    const struct live_block blocks[] = {{.address = 0x1000, .size = 0x100},
                                        {.address = 0x1010, .size = 0x10},
                                        {.address = 0x1100, .size = 0x100},
                                        {.address = 0x1300},
                                        {.address = 0x1400, .size = 8}};
    struct block_index index = build(blocks, 5);
    const struct part gaps[] = {
        {0x800, 0x1000}, {0x1200, 0x1300}, {0x1300, 0x1400}, {0x1408, 0x2000}};
    uint64_t at = 0x800, start, end;
    for (size_t i = 0; i < 4; i++) {
        assert_true(block_index_gap(&index, at, 0x2000, &start, &end));
        assert_int_equal(start, gaps[i].start);
        assert_int_equal(end, gaps[i].end);
        at = end;
    }
    assert_false(block_index_gap(&index, at, 0x2000, &start, &end));
    assert_false(block_index_gap(&index, 0x1018, 0x1200, &start, &end));
    block_index_deinit(&index);
}

static int compare_blocks(const void *left, const void *right)
{
    const struct live_block *one = left, *other = right;
    return (one->address > other->address) - (one->address < other->address);
}

/* Dense, sparse, long, short, within each other and across each other's edges: the block is the one
 * that begins last among those that hold the address. */
static void random_addresses_agree_with_a_search_of_all(void **state)
{
    (void)state;
    enum { COUNT = 300, ROUNDS = 300, LOOKS = 300 };
    static struct live_block blocks[COUNT];
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t span = UINT64_C(1) << (10 + rand() % 40);
        size_t count = 1 + (size_t)rand() % COUNT, kept = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t most = rand() % 8 ? span / count + 1 : span;
            blocks[i].address = 0x1000 + ((uint64_t)rand() << 20 ^ (uint64_t)rand()) % span;
            blocks[i].size = ((uint64_t)rand() << 20 ^ (uint64_t)rand()) % most;
        }
        qsort(blocks, count, sizeof *blocks, compare_blocks);
        for (size_t i = 0; i < count; i++) {
            if (!kept || blocks[kept - 1].address != blocks[i].address)
                blocks[kept++] = blocks[i];
        }
        struct block_index index = build(blocks, kept);
        for (int look = 0; look < LOOKS; look++) {
            const struct live_block *near = &blocks[(size_t)rand() % kept];
            uint64_t address = near->address + (look % 2 ? near->size : 0) + (uint64_t)rand() % 3;
            address -= 1;
            uint32_t expected = BLOCK_NONE;
            for (uint32_t i = 0; i < kept; i++) {
                uint64_t size = blocks[i].size ? blocks[i].size : 1;
                if (address - blocks[i].address < size)
                    expected = i;
            }
            assert_int_equal(block_index_find(&index, address), expected);
        }
        block_index_deinit(&index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_of_blocks_are_exact),
        cmocka_unit_test(no_blocks_hold_nothing),
        cmocka_unit_test(blocks_at_the_end_of_the_address_space_do_not_wrap),
        cmocka_unit_test(sparse_blocks_take_few_buckets),
        cmocka_unit_test(inner_blocks_are_cut_out),
        cmocka_unit_test(gaps_lie_between_blocks),
        cmocka_unit_test(random_addresses_agree_with_a_search_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
