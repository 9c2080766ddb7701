/* SPDX-License-Identifier: MIT */
#include "reach_heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void heap_init(struct heap *heap, uint64_t base, uint64_t size)
{
    *heap = (struct heap){.base = base, .size = size, .heuristics = true};
    heap->bytes = calloc(1, size);
    assert_non_null(heap->bytes);
}

void heap_deinit(struct heap *heap)
{
    reach_result_deinit(&heap->result);
    free(heap->bytes);
}

static uint8_t *at(const struct heap *heap, uint64_t address)
{
    assert_true(address - heap->base <= heap->size - sizeof(uint64_t));
    return heap->bytes + (address - heap->base);
}

void heap_put(struct heap *heap, uint64_t address, uint64_t word)
{
    memcpy(at(heap, address), &word, sizeof word);
}

uint64_t heap_get(const struct heap *heap, uint64_t address)
{
    uint64_t word;
    memcpy(&word, at(heap, address), sizeof word);
    return word;
}

void heap_block(struct heap *heap, uint64_t address, uint64_t size)
{
    assert_true(heap->block_count < HEAP_BLOCKS);
    assert_true(!heap->block_count || address > heap->blocks[heap->block_count - 1].address);
    heap->blocks[heap->block_count++] = (struct live_block){.address = address, .size = size};
}

void heap_range(struct heap *heap, uint64_t start, uint64_t end, enum log_root_kind kind)
{
    assert_true(heap->range_count < HEAP_MAX);
    heap->ranges[heap->range_count++] =
        (struct reach_range){.start = start, .end = end, .kind = kind};
}

void heap_register(struct heap *heap, uint64_t value)
{
    assert_true(heap->register_count < HEAP_MAX);
    heap->registers[heap->register_count++] = (struct reach_register){.value = value};
}

uint64_t heap_read(const struct reach_piece *pieces, size_t count, void *out, void *data)
{
    struct heap *heap = data;
    uint8_t *to = out;
    uint64_t unreadable = 0;
    heap->reads++;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < pieces[i].size; k++) {
            uint64_t address = pieces[i].address + k;
            bool readable = address - heap->base < heap->size &&
                            !(address >= heap->hole_start && address < heap->hole_end);
            *to++ = readable ? heap->bytes[address - heap->base] : 0;
            unreadable += !readable;
        }
    }
    return unreadable;
}

void heap_decide(struct heap *heap)
{
    struct reach_input input = {
        .blocks = heap->blocks,
        .block_count = heap->block_count,
        .ranges = heap->ranges,
        .range_count = heap->range_count,
        .registers = heap->registers,
        .register_count = heap->register_count,
        .constants = heap->constants,
        .constant_count = heap->constant_count,
        .code = heap->code,
        .code_count = heap->code_count,
        .heuristics = heap->heuristics,
        .read = heap_read,
        .touched = heap->touched,
        .data = heap,
    };
    reach_result_deinit(&heap->result);
    assert_null(reach_decide(&input, &heap->result));
}

const struct reach_verdict *heap_verdict(const struct heap *heap, uint64_t block)
{
    for (size_t i = 0; i < heap->block_count; i++) {
        if (heap->blocks[i].address == block)
            return &heap->result.verdicts[i];
    }
    fail_msg("no block at %#llx", (unsigned long long)block);
    return NULL;
}

void heap_expect(const struct heap *heap, uint64_t block, enum log_reach reach, uint64_t holder)
{
    const struct reach_verdict *verdict = heap_verdict(heap, block);
    if (verdict->reach != reach || verdict->holder != holder)
        fail_msg("block %#llx is %d by %#llx, not %d by %#llx", (unsigned long long)block,
                 (int)verdict->reach, (unsigned long long)verdict->holder, (int)reach,
                 (unsigned long long)holder);
}
