/* SPDX-License-Identifier: MIT */
/*
 * reach_heap.h - a small made-up process for tests of reach_decide(): memory, blocks and roots.
 */
#ifndef ALLOCPTRACE_TESTS_REACH_HEAP_H
#define ALLOCPTRACE_TESTS_REACH_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "tracer/leaks/reach.h"

#define HEAP_MAX 64
#define HEAP_BLOCKS 4096

struct heap {
    uint64_t base, size; /* memory: other addresses cannot be read */
    uint8_t *bytes;
    uint64_t hole_start, hole_end; /* of it that cannot be read either */
    struct live_block blocks[HEAP_BLOCKS];
    size_t block_count;
    struct reach_range ranges[HEAP_MAX];
    size_t range_count;
    struct reach_register registers[HEAP_MAX];
    size_t register_count;
    struct reach_range constants[HEAP_MAX], code[HEAP_MAX];
    size_t constant_count, code_count;
    bool heuristics;
    void (*touched)(uint64_t start, uint64_t end, reach_visit *visit, void *visit_data, void *data);
    size_t reads; /* calls of the callback */
    struct reach_result result;
};

/* size zeroed bytes at base; no blocks, no roots, heuristics on. */
void heap_init(struct heap *heap, uint64_t base, uint64_t size);
void heap_deinit(struct heap *heap);

void heap_put(struct heap *heap, uint64_t address, uint64_t word);
uint64_t heap_get(const struct heap *heap, uint64_t address);
/* Blocks are to be added in ascending order. */
void heap_block(struct heap *heap, uint64_t address, uint64_t size);
void heap_range(struct heap *heap, uint64_t start, uint64_t end, enum log_root_kind kind);
void heap_register(struct heap *heap, uint64_t value);

/* The callback of struct reach_input; data is the heap. */
uint64_t heap_read(const struct reach_piece *pieces, size_t count, void *out, void *data);
/* Decides; the verdicts stay until heap_deinit() or the next call. */
void heap_decide(struct heap *heap);

const struct reach_verdict *heap_verdict(const struct heap *heap, uint64_t block);
/* Fails the test unless the block at address has that state, and was reached from the word at
 * holder. */
void heap_expect(const struct heap *heap, uint64_t block, enum log_reach reach, uint64_t holder);

#endif
