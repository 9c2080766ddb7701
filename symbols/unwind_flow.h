/* SPDX-License-Identifier: MIT */
/*
 * unwind_flow.h - follows the instructions of functions to tell where their frames lie and where
 * they have saved their callers' registers, as CFI would.
 *
 * The stack pointer's distance from the CFA, the frame pointer's, and the saved registers are
 * carried along jumps, through jump tables and across calls. Where two ways lead to the same
 * instruction and disagree, or where an instruction does something else to the stack pointer,
 * nothing is known.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_FLOW_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_FLOW_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"
#include "symbols/unwind_row.h"

struct unwind_flow_range {
    struct elf_file *file; /* must live as long as the flow */
    csh capstone;          /* likewise; with CS_OPT_DETAIL */
    cs_insn *instruction;  /* from cs_malloc(), free to be overwritten */
    uint64_t start, end;   /* file virtual addresses; a function begins at start */
    bool many;             /* further functions may follow, whose beginnings are not known */
};

struct unwind_flow;

/* NULL if memory runs out or there is no code. */
struct unwind_flow *unwind_flow_create(const struct unwind_flow_range *range);
void unwind_flow_destroy(struct unwind_flow *flow);

/*
 * The row at address, the instruction there not yet executed, or, if after_call, at the return
 * address of a call that ends there. False if the code does not tell.
 */
bool unwind_flow_row(const struct unwind_flow *flow, uint64_t address, bool after_call,
                     struct unwind_row *row);

#endif
