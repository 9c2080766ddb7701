/* SPDX-License-Identifier: MIT */
/* reach_decide() on random heaps, against the same rules written down in the plainest way: blocks
 * within each other, of no bytes and at odd addresses, roots of all kinds also across blocks, words
 * that cannot be read, and all heuristics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reach_heap.h"

#define BASE UINT64_C(0x100000)

/* The sanitizers look at the same code with each heap, and take ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define HEAPS(count) ((count) / 5)
#else
#define HEAPS(count) (count)
#endif
#define MOST_BLOCKS 1500
#define MOST_BYTES 0x18000
#define WORD sizeof(uint64_t)

enum { NOBODY = -1 };

static struct heap heap;
static uint64_t seed;

/* Numbers of its own, the same in each run (Marsaglia's xorshift). */
static uint64_t below(uint64_t bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % bound;
}

/* ---- A heap ---- */

/* What the pages at the end of the memory are for. */
static uint64_t constants(void)
{
    return BASE + heap.size - 0x2000;
}

static uint64_t code(void)
{
    return BASE + heap.size - 0x1000;
}

static uint64_t random_word(void)
{
    const struct live_block *block = &heap.blocks[below(heap.block_count)];
    switch (below(16)) {
    case 0:
    case 1:
    case 2:
        return block->address;
    case 3:
        return block->address + below(block->size + 2);
    case 4:
        return block->address + 8 * (1 + below(3));
    case 5:
        return block->size - 8; /* length64, newarray */
    case 6:
        return 1 + below(4);
    case 7:
        return constants() + 8 * below(16);
    case 8:
        return code() + 8 * below(16);
    case 9:
        return below(2) ? UINT64_MAX - below(16) : BASE + below(heap.size);
    default:
        return 0;
    }
}

/* Blocks from start on, perhaps with others in them, up to end. */
static void make_blocks(uint64_t start, uint64_t end, uint64_t most, unsigned depth)
{
    uint64_t at = start;
    for (;;) {
        at += below(4) ? 8 * below(4) : below(24);
        uint64_t size = below(4) ? 8 * below(12) : below(80);
        bool outer = depth && below(8) == 0;
        if (outer)
            size += 200;
        /* A word that one of no bytes cuts is nobody's, which the rules below do not know. */
        if (!size)
            at = (at + 7) & ~UINT64_C(7);
        if (at + size >= end || heap.block_count >= most)
            return;
        heap_block(&heap, at, size);
        if (outer)
            make_blocks(at + 1, at + size, most, depth - 1);
        at += size ? size : 1;
    }
}

static void make_roots(uint64_t end)
{
    heap.range_count = heap.register_count = 0;
    for (uint64_t i = below(5) + (end - BASE) / 0x800; i > 0; i--) {
        uint64_t start = BASE + below(end - BASE), size = below(4) ? below(60) : below(600);
        if (start + size < end)
            heap_range(&heap, start, start + size, (enum log_root_kind)(LOG_ROOT_STACK + below(4)));
    }
    for (uint64_t i = below(3); i > 0; i--)
        heap_register(&heap, random_word());
}

static void make_heap(uint64_t bytes, uint64_t blocks)
{
    uint64_t sparse = 1 + below(6);
    heap_init(&heap, BASE, bytes + 0x2000);
    heap.heuristics = below(4) != 0;
    make_blocks(BASE + 1 + below(200), BASE + bytes, blocks, 3);
    if (!heap.block_count)
        heap_block(&heap, BASE + 64, 16);
    heap.constants[heap.constant_count++] =
        (struct reach_range){.start = constants(), .end = constants() + 0x80};
    heap.code[heap.code_count++] = (struct reach_range){.start = code(), .end = code() + 0x80};
    for (uint64_t at = BASE; at + WORD <= BASE + bytes; at += WORD)
        heap_put(&heap, at, below(sparse) ? 0 : random_word());
    for (uint64_t at = constants(); at < constants() + 0x80; at += WORD)
        heap_put(&heap, at, below(8) ? code() + 8 * below(16) : below(2));
    /* Strings need two words that fit. */
    for (size_t i = 0; i < heap.block_count; i++) {
        const struct live_block *block = &heap.blocks[i];
        if (block->size <= 24 || below(6))
            continue;
        heap_put(&heap, block->address, below(block->size - 24));
        heap_put(&heap, block->address + 8, block->size - 25);
    }
    make_roots(BASE + bytes);
    if (below(4) == 0) {
        heap.hole_start = BASE + below(bytes) / 64 * 64;
        heap.hole_end = heap.hole_start + 64 * below(6);
    }
}

static uint64_t word_at(uint64_t address)
{
    uint64_t word;
    struct reach_piece piece = {.address = address, .size = sizeof word};
    heap_read(&piece, 1, &word, &heap);
    return word;
}

/* ---- The rules: who owns a word, what it leads to ---- */

/* The block that begins last among those that hold the byte. */
static int owner_of_byte(uint64_t address)
{
    int owner = NOBODY;
    for (size_t i = 0; i < heap.block_count && heap.blocks[i].address <= address; i++) {
        if (address - heap.blocks[i].address < heap.blocks[i].size)
            owner = (int)i;
    }
    return owner;
}

/* False if its bytes are not all the same block's, or nobody's. */
static bool owner_of_word(uint64_t address, int *owner)
{
    *owner = owner_of_byte(address);
    for (uint64_t i = 1; i < WORD; i++) {
        if (owner_of_byte(address + i) != *owner)
            return false;
    }
    return true;
}

static int target_of(uint64_t pointer)
{
    int target = NOBODY;
    for (size_t i = 0; i < heap.block_count && heap.blocks[i].address <= pointer; i++) {
        uint64_t size = heap.blocks[i].size ? heap.blocks[i].size : 1;
        if (pointer - heap.blocks[i].address < size)
            target = (int)i;
    }
    return target;
}

static bool is_table(uint64_t address)
{
    int functions = 0;
    if (address % 8 || address < constants() || address >= constants() + 0x80)
        return false;
    for (int i = 0; i < 21 && functions < 2 && address + 8 <= constants() + 0x80; i++) {
        uint64_t word = word_at(address);
        if (word && (word < code() || word >= code() + 0x80))
            return false;
        functions += word != 0;
        address += 8;
    }
    return functions == 2;
}

static bool counts_as_beginning(const struct live_block *block, uint64_t pointer)
{
    uint64_t offset = pointer - block->address, size = block->size;
    if (offset == 0)
        return true;
    if (!heap.heuristics || block->address % 8 || size < 8)
        return false;
    uint64_t first = word_at(block->address);
    if (offset == 8 && first && (size - 8) % first == 0)
        return true;
    if (offset == 24 && size >= 25) {
        uint64_t capacity = word_at(block->address + 8);
        if (capacity + 25 == size && first <= capacity)
            return true;
    }
    return offset % 8 == 0 && offset + 8 <= size && is_table(first) && is_table(word_at(pointer));
}

struct edge {
    int from; /* a block, or NOBODY: a root */
    int to;
    bool beginning;
};
static struct edge edges[MOST_BYTES];
static size_t edge_count;

static void add_edge(int from, uint64_t word)
{
    int to = target_of(word);
    if (to == NOBODY || to == from)
        return;
    assert_true(edge_count < sizeof edges / sizeof *edges);
    edges[edge_count++] = (struct edge){
        .from = from, .to = to, .beginning = counts_as_beginning(&heap.blocks[to], word)};
}

static bool is_roots(const struct reach_range *range, int owner)
{
    return owner == NOBODY || range->kind == LOG_ROOT_STACK || range->kind == LOG_ROOT_TLS;
}

static void find_edges(void)
{
    edge_count = 0;
    for (size_t i = 0; i < heap.range_count; i++) {
        const struct reach_range *range = &heap.ranges[i];
        for (uint64_t at = (range->start + 7) / 8 * 8; at + WORD <= range->end; at += WORD) {
            int owner;
            bool whole = owner_of_word(at, &owner);
            bool any = range->kind == LOG_ROOT_STACK || range->kind == LOG_ROOT_TLS;
            if (any || (whole && is_roots(range, owner)))
                add_edge(NOBODY, word_at(at));
        }
    }
    for (size_t i = 0; i < heap.register_count; i++)
        add_edge(NOBODY, heap.registers[i].value);
    for (uint64_t at = BASE; at + WORD <= constants(); at += WORD) {
        int owner;
        if (owner_of_word(at, &owner) && owner != NOBODY)
            add_edge(owner, word_at(at));
    }
}

/* ---- The rules: states ---- */

static enum log_reach kinds[MOST_BLOCKS];

static bool is_reached(int block)
{
    return block == NOBODY || kinds[block] <= LOG_POSSIBLY_LOST;
}

/* Those around a reached block are in use. */
static bool reach_around(int block)
{
    bool more = false;
    for (int i = 0; i < block; i++) {
        if (heap.blocks[block].address - heap.blocks[i].address < heap.blocks[i].size &&
            !is_reached(i)) {
            kinds[i] = LOG_POSSIBLY_LOST;
            more = true;
        }
    }
    return more;
}

static void find_reached(void)
{
    for (size_t i = 0; i < heap.block_count; i++)
        kinds[i] = LOG_DEFINITELY_LOST;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < edge_count; i++) {
            const struct edge *edge = &edges[i];
            if (!is_reached(edge->from))
                continue;
            bool good = edge->from == NOBODY || kinds[edge->from] == LOG_REACHABLE;
            enum log_reach kind = good && edge->beginning ? LOG_REACHABLE : LOG_POSSIBLY_LOST;
            if (kind < kinds[edge->to]) {
                kinds[edge->to] = kind;
                more = true;
            }
            more = reach_around(edge->to) || more;
        }
    }
}

/* Marks all lost blocks that one leads to, itself among them. */
static void mark_led(int from, bool *led)
{
    memset(led, 0, heap.block_count);
    led[from] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < edge_count; i++) {
            const struct edge *edge = &edges[i];
            if (edge->from == NOBODY || !led[edge->from] || led[edge->to] || is_reached(edge->to))
                continue;
            led[edge->to] = more = true;
        }
    }
}

/* A lost block is definitely lost unless one leads to it that it does not lead to itself, or one at
 * a lower address that it does lead to: of each cycle that nothing else leads to, the first one. */
static void find_lost(void)
{
    static bool led[MOST_BLOCKS], back[MOST_BLOCKS];
    static enum log_reach found[MOST_BLOCKS];
    memcpy(found, kinds, sizeof found);
    for (int i = 0; i < (int)heap.block_count; i++) {
        if (is_reached(i))
            continue;
        mark_led(i, led);
        for (int k = 0; k < (int)heap.block_count; k++) {
            if (k == i || !led[k] || found[k] == LOG_INDIRECTLY_LOST)
                continue;
            mark_led(k, back);
            if (!back[i] || i < k)
                found[k] = LOG_INDIRECTLY_LOST;
        }
    }
    memcpy(kinds, found, sizeof found);
}

/* ---- Paths ---- */

static void check_root(size_t block)
{
    const struct reach_verdict *verdict = &heap.result.verdicts[block];
    if (verdict->root >= heap.range_count) {
        assert_true(verdict->root - heap.range_count < heap.register_count);
        assert_true(verdict->holder == heap.blocks[block].address);
        return;
    }
    const struct reach_range *range = &heap.ranges[verdict->root];
    int owner;
    assert_true(verdict->holder >= range->start && verdict->holder + WORD <= range->end);
    owner_of_word(verdict->holder, &owner);
    assert_true(is_roots(range, owner));
}

static uint64_t pointer_to(size_t block)
{
    const struct reach_verdict *verdict = &heap.result.verdicts[block];
    bool is_register = verdict->from_root && verdict->root >= heap.range_count;
    return is_register ? heap.registers[verdict->root - heap.range_count].value
                       : word_at(verdict->holder);
}

/* Whether what the verdict names as the way to the block is one of its kind. */
static void check_pointer(size_t block)
{
    const struct reach_verdict *verdict = &heap.result.verdicts[block];
    uint64_t pointer = pointer_to(block);
    int target = target_of(pointer);
    assert_true(target != NOBODY && verdict->holder % 8 == 0);
    if (verdict->reach == LOG_REACHABLE) {
        assert_int_equal(target, block);
        assert_true(counts_as_beginning(&heap.blocks[block], pointer));
    }
    /* It may lead to a block within this one, unless this one is lost. */
    assert_true(pointer - heap.blocks[block].address <
                (heap.blocks[block].size ? heap.blocks[block].size : 1));
    if (verdict->reach == LOG_INDIRECTLY_LOST)
        assert_int_equal(target, block);
}

/* From holder to holder a root is come to, or a block that is definitely lost. */
static void check_path(size_t block)
{
    for (size_t steps = 0;; steps++) {
        const struct reach_verdict *verdict = &heap.result.verdicts[block];
        assert_true(steps <= heap.block_count);
        if (verdict->reach == LOG_DEFINITELY_LOST) {
            assert_false(verdict->from_root);
            assert_true(verdict->holder == heap.blocks[block].address);
            return;
        }
        if (!verdict->from_root || verdict->root < heap.range_count)
            check_pointer(block);
        if (verdict->from_root) {
            assert_true(verdict->reach <= LOG_POSSIBLY_LOST);
            check_root(block);
            return;
        }
        int owner;
        assert_true(owner_of_word(verdict->holder, &owner));
        assert_true(owner != NOBODY && (size_t)owner != block);
        enum log_reach holders = heap.result.verdicts[owner].reach;
        if (verdict->reach == LOG_INDIRECTLY_LOST)
            assert_true(holders >= LOG_INDIRECTLY_LOST);
        else
            assert_true(holders <= verdict->reach);
        block = (size_t)owner;
    }
}

/* ---- Tests ---- */

static void judge_heaps(uint64_t heaps, uint64_t most_bytes, uint64_t most_blocks)
{
    size_t seen[LOG_REACH_KINDS] = {0}, all = 0;
    for (uint64_t i = 0; i < heaps; i++) {
        seed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) + most_bytes;
        make_heap(most_bytes / 2 + below(most_bytes / 2), 1 + below(most_blocks));
        find_edges();
        find_reached();
        find_lost();
        heap_decide(&heap);
        for (size_t k = 0; k < heap.block_count; k++) {
            if (heap.result.verdicts[k].reach != kinds[k])
                fail_msg("heap %d: block %d is %d, not %d", (int)i, (int)k,
                         (int)heap.result.verdicts[k].reach, (int)kinds[k]);
            seen[kinds[k]]++;
            check_path(k);
        }
        all += heap.block_count;
        heap_deinit(&heap);
    }
    /* The heaps are of all kinds. */
    for (size_t i = 0; i < LOG_REACH_KINDS; i++)
        assert_true(seen[i] > all / 100);
}

static void small_heaps_are_judged_by_the_rules(void **state)
{
    (void)state;
    judge_heaps(HEAPS(5000), 0x400, 24);
}

static void larger_heaps_are_judged_by_the_rules(void **state)
{
    (void)state;
    judge_heaps(HEAPS(100), 0x2000, 150);
}

/* With more pieces than are read by whole pages, and more pointers than are looked at together. */
static void large_heaps_are_judged_by_the_rules(void **state)
{
    (void)state;
    judge_heaps(HEAPS(6), MOST_BYTES, MOST_BLOCKS);
}

/* ---- Hostile heaps ---- */

static uint64_t random_address(void)
{
    switch (below(4)) {
    case 0:
        return UINT64_MAX - below(5000);
    case 1:
        return 1 + below(UINT64_MAX - 1);
    default:
        return BASE - 100 + below(0x2000);
    }
}

static int compare_blocks(const void *left, const void *right)
{
    const struct live_block *one = left, *other = right;
    return (one->address > other->address) - (one->address < other->address);
}

/* Blocks that overlap in part, wrap around the address space's end or span all of it. */
static void make_hostile_heap(void)
{
    static struct live_block blocks[40];
    size_t count = 1 + below(40);
    heap_init(&heap, BASE, 0x2000);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = below(3) ? below(300) : random_address();
        blocks[i] = (struct live_block){.address = random_address(), .size = size};
    }
    qsort(blocks, count, sizeof *blocks, compare_blocks);
    for (size_t i = 0; i < count; i++) {
        if (!i || blocks[i].address != blocks[i - 1].address)
            heap_block(&heap, blocks[i].address, blocks[i].size);
    }
    for (uint64_t at = BASE; at < BASE + 0x2000; at += WORD)
        heap_put(&heap, at, below(3) ? random_address() : blocks[below(count)].address);
    for (uint64_t i = below(6); i > 0; i--)
        heap_range(&heap, random_address(), random_address(), (enum log_root_kind)(1 + below(4)));
    heap_register(&heap, random_address());
}

static void only_memory_is_touched(uint64_t start, uint64_t end, reach_visit *visit,
                                   void *visit_data, void *data)
{
    (void)data;
    uint64_t from = start > BASE ? start : BASE, to = BASE + 0x2000;
    if (end < to)
        to = end;
    if (from < to)
        visit(from, to, visit_data);
}

static void paths_in_hostile_heaps_end(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < HEAPS(2000); i++) {
        seed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        make_hostile_heap();
        heap.touched = only_memory_is_touched;
        heap_decide(&heap);
        for (size_t k = 0; k < heap.block_count; k++) {
            size_t block = k, steps = 0;
            const struct reach_verdict *verdict = &heap.result.verdicts[k];
            while (!verdict->from_root && verdict->reach != LOG_DEFINITELY_LOST) {
                int owner = owner_of_byte(verdict->holder);
                assert_true(owner != NOBODY && (size_t)owner != block);
                assert_true(++steps <= heap.block_count);
                block = (size_t)owner;
                verdict = &heap.result.verdicts[block];
            }
        }
        heap_deinit(&heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_heaps_are_judged_by_the_rules),
        cmocka_unit_test(larger_heaps_are_judged_by_the_rules),
        cmocka_unit_test(large_heaps_are_judged_by_the_rules),
        cmocka_unit_test(paths_in_hostile_heaps_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
