/* SPDX-License-Identifier: MIT */
/*
 * reach.h - decides which blocks a process can still reach, from its memory.
 *
 * Pure: memory comes through a callback, so that a live process, a forked copy of one and a test's
 * own memory are the same to it. A pointer is an aligned word (8 bytes, as LeakSanitizer has it)
 * whose value lies in a block. The rules are memcheck's (valgrind manual, 4.2.8): a block is
 * reachable if a chain of pointers to beginnings of blocks leads to it from a root, possibly lost
 * if each chain from a root has a pointer into the middle of a block, else lost: indirectly if
 * other lost blocks lead to it, definitely otherwise. Of lost blocks that point to each other in a
 * cycle, one is definitely lost. Of pointers into the middle the heuristics of memcheck count as
 * pointers to the beginning: length64, newarray, stdstring, multipleinheritance.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_REACH_H
#define ALLOCPTRACE_TRACER_LEAKS_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "output/log/record.h"
#include "tracer/leaks/live_blocks.h"

/* Memory that is searched for pointers. Ranges may overlap each other and blocks. */
struct reach_range {
    uint64_t start, end;
    enum log_root_kind kind;
    uint32_t thread; /* id in the log, 0: none's */
};

struct reach_register {
    uint64_t value;
    uint32_t thread;
    const char *name; /* static */
};

/* A piece of memory to be read. */
struct reach_piece {
    uint64_t address;
    size_t size;
};

typedef void reach_visit(uint64_t start, uint64_t end, void *data);

struct reach_input {
    const struct live_block *blocks; /* ascending; may lie within each other */
    size_t block_count;
    const struct reach_range *ranges;
    size_t range_count;
    const struct reach_register *registers;
    size_t register_count;
    /* For multipleinheritance, both ascending and without overlaps: mapped memory that is
     * read-only, where tables of virtual functions are, and mapped files' code, where the functions
     * are. Without code, what lies in constants counts as such. */
    const struct reach_range *constants;
    size_t constant_count;
    const struct reach_range *code;
    size_t code_count;
    bool heuristics;
    /* Reads size bytes at each address of a batch into out, one after the other; zeroes what cannot
     * be read and returns how many bytes that was. */
    uint64_t (*read)(const struct reach_piece *pieces, size_t count, void *out, void *data);
    /* May be NULL. Calls visit for what of start to end may hold anything but zeros, ascending:
     * terabytes may have been reserved and never touched. */
    void (*touched)(uint64_t start, uint64_t end, reach_visit *visit, void *visit_data, void *data);
    void *data;
};

struct reach_verdict {
    enum log_reach reach;
    bool from_root;  /* holder is a word of a root, or none: a register */
    uint32_t root;   /* then: the index in ranges or, counted on behind those, in registers */
    uint64_t holder; /* address of the word it was first reached from; the block's own for none */
};

struct reach_result {
    struct reach_verdict *verdicts;  /* one for each block; freed by reach_result_deinit() */
    uint64_t root_bytes, heap_bytes; /* searched for pointers */
    uint64_t unreadable_bytes;       /* of these; all without what was never touched */
};

struct error *reach_decide(const struct reach_input *input, struct reach_result *result);
void reach_result_deinit(struct reach_result *result);

#endif
