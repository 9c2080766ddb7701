/* SPDX-License-Identifier: MIT */
/* reach_decide() on small random heaps, against the same rules written down in the plainest way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)
#define ROOTS 16 /* words at BASE */
#define MOST_BLOCKS 24
#define HEAPS 10000
#define WORD sizeof(uint64_t)

static struct heap heap;

/* Numbers of its own, the same in each run (Marsaglia's xorshift). */
static uint64_t seed;

static uint64_t below(uint64_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % bound;
}

/* ---- A heap ---- */

/* Nothing, a beginning, a middle, an end, or an address near the blocks. */
static uint64_t random_word(void)
{
    const struct live_block *block = &heap.blocks[below(heap.block_count)];
    switch (below(8)) {
    case 0:
    case 1:
        return block->address;
    case 2:
        return block->address + below(block->size + 1);
    case 3:
        return BASE + below(0x1000);
    default:
        return 0;
    }
}

static void make_heap(void)
{
    heap_init(&heap, BASE, 0x10000);
    heap.heuristics = false;
    heap_range(&heap, BASE, BASE + ROOTS * WORD, LOG_ROOT_GLOBAL);
    uint64_t address = BASE + 0x200;
    size_t count = 1 + below(MOST_BLOCKS);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = below(4) ? below(6) * WORD : below(40);
        heap_block(&heap, address, size);
        address += (size + WORD) / WORD * WORD + below(3) * WORD;
    }
    for (size_t i = below(5); i < ROOTS; i += 1 + below(8))
        heap_put(&heap, BASE + i * WORD, random_word());
    for (uint64_t at = BASE + 0x200; at < address; at += WORD)
        heap_put(&heap, at, random_word());
    if (below(3) == 0)
        heap_register(&heap, random_word());
}

/* ---- The rules ---- */

enum { NOWHERE = -1 };

static int block_at(uint64_t address)
{
    for (size_t i = 0; i < heap.block_count; i++) {
        uint64_t size = heap.blocks[i].size ? heap.blocks[i].size : 1;
        if (address - heap.blocks[i].address < size)
            return (int)i;
    }
    return NOWHERE;
}

/* What block number from points to: 1 by the middle only, 2 by the beginning. */
static void add_edge(uint8_t *edges, uint64_t word)
{
    int to = block_at(word);
    if (to == NOWHERE)
        return;
    uint8_t kind = word == heap.blocks[to].address ? 2 : 1;
    if (kind > edges[to])
        edges[to] = kind;
}

static uint8_t from_roots[MOST_BLOCKS];
static uint8_t from_blocks[MOST_BLOCKS][MOST_BLOCKS];

static void find_edges(void)
{
    memset(from_roots, 0, sizeof from_roots);
    memset(from_blocks, 0, sizeof from_blocks);
    for (size_t i = 0; i < ROOTS; i++)
        add_edge(from_roots, heap_get(&heap, BASE + i * WORD));
    for (size_t i = 0; i < heap.register_count; i++)
        add_edge(from_roots, heap.registers[i].value);
    for (size_t i = 0; i < heap.block_count; i++) {
        for (uint64_t at = 0; at + WORD <= heap.blocks[i].size; at += WORD)
            add_edge(from_blocks[i], heap_get(&heap, heap.blocks[i].address + at));
        from_blocks[i][i] = 0;
    }
}

/* Marks what is not marked and hangs on marked ones by edges of at least this kind. */
static void spread(bool *marked, uint8_t kind)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < heap.block_count; i++) {
            for (size_t k = 0; marked[i] && k < heap.block_count; k++) {
                if (from_blocks[i][k] < kind || marked[k])
                    continue;
                marked[k] = true;
                more = true;
            }
        }
    }
}

/* The same, by edges of any kind, but not to those that are done. */
static void spread_to_new(bool *marked, const bool *done)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < heap.block_count; i++) {
            for (size_t k = 0; marked[i] && k < heap.block_count; k++) {
                if (!from_blocks[i][k] || marked[k] || done[k])
                    continue;
                marked[k] = true;
                more = true;
            }
        }
    }
}

static void judge(enum log_reach *kinds)
{
    bool reachable[MOST_BLOCKS] = {0}, found[MOST_BLOCKS], done[MOST_BLOCKS] = {0};
    size_t count = heap.block_count;
    for (size_t i = 0; i < count; i++)
        reachable[i] = from_roots[i] == 2;
    spread(reachable, 2);
    for (size_t i = 0; i < count; i++)
        found[i] = reachable[i] || from_roots[i];
    spread(found, 1);
    for (size_t i = 0; i < count; i++) {
        kinds[i] = reachable[i] ? LOG_REACHABLE : LOG_POSSIBLY_LOST;
        bool pointed_to = false;
        for (size_t k = 0; k < count; k++)
            pointed_to = pointed_to || (!found[k] && from_blocks[k][i]);
        if (!found[i])
            kinds[i] = pointed_to ? LOG_INDIRECTLY_LOST : LOG_DEFINITELY_LOST;
        done[i] = found[i] || !pointed_to;
    }
    spread(done, 1);
    /* Cycles that nothing points to: one after the other takes in what it leads to, and those that
     * were taken for definitely lost before as far as new ones point to them. */
    for (size_t i = 0; i < count; i++) {
        bool led[MOST_BLOCKS] = {0};
        if (done[i])
            continue;
        led[i] = true;
        spread_to_new(led, done);
        for (size_t k = 0; k < count; k++) {
            if (led[k])
                kinds[k] = k == i ? LOG_DEFINITELY_LOST : LOG_INDIRECTLY_LOST;
            for (size_t n = 0; led[k] && n < count; n++) {
                if (from_blocks[k][n] && done[n] && kinds[n] == LOG_DEFINITELY_LOST)
                    kinds[n] = LOG_INDIRECTLY_LOST;
            }
        }
        for (size_t k = 0; k < count; k++)
            done[k] = done[k] || led[k];
    }
}

/* ---- Paths ---- */

/* Each holder is a word that points to the block, and they lead to a root or to a definitely lost
 * block. */
static void check_path(size_t block)
{
    const struct reach_verdict *verdict = &heap.result.verdicts[block];
    enum log_reach reach = verdict->reach;
    for (size_t steps = 0; reach != LOG_DEFINITELY_LOST; steps++) {
        assert_true(steps <= heap.block_count);
        verdict = &heap.result.verdicts[block];
        if (verdict->from_root && verdict->root == 1) {
            assert_int_equal(block_at(heap.registers[0].value), block);
            assert_true(verdict->holder == heap.blocks[block].address);
            return;
        }
        uint64_t word = heap_get(&heap, verdict->holder);
        assert_int_equal(block_at(word), block);
        if (verdict->reach == LOG_REACHABLE)
            assert_true(word == heap.blocks[block].address);
        if (verdict->from_root) {
            assert_int_equal(verdict->root, 0);
            assert_true(verdict->holder - BASE < ROOTS * WORD);
            return;
        }
        int holder = block_at(verdict->holder);
        assert_true(holder != NOWHERE && (size_t)holder != block);
        block = (size_t)holder;
        /* A reachable block hangs on reachable ones, a possibly lost one on those or its like. */
        assert_true(heap.result.verdicts[block].reach <= verdict->reach ||
                    verdict->reach == LOG_INDIRECTLY_LOST);
        reach = heap.result.verdicts[block].reach;
    }
    assert_true(heap.result.verdicts[block].holder == heap.blocks[block].address);
}

static void random_heaps_are_judged_by_the_rules(void **state)
{
    (void)state;
    size_t seen[LOG_REACH_KINDS] = {0};
    for (uint64_t i = 0; i < HEAPS; i++) {
        enum log_reach kinds[MOST_BLOCKS];
        seed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        make_heap();
        find_edges();
        judge(kinds);
        heap_decide(&heap);
        for (size_t k = 0; k < heap.block_count; k++) {
            if (heap.result.verdicts[k].reach != kinds[k])
                fail_msg("heap %d: block %d is %d, not %d", (int)i, (int)k,
                         (int)heap.result.verdicts[k].reach, (int)kinds[k]);
            seen[kinds[k]]++;
            check_path(k);
        }
        heap_deinit(&heap);
    }
    /* The heaps are of all kinds. */
    for (size_t i = 0; i < LOG_REACH_KINDS; i++)
        assert_true(seen[i] > HEAPS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_heaps_are_judged_by_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
