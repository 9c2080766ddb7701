/* SPDX-License-Identifier: MIT */
/*
 * unwind_listing.h - a range of x86-64 code as a list of instructions and the ways between them.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_LISTING_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_LISTING_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"
#include "symbols/unwind_effect.h"

#define UNWIND_NOWHERE UINT32_MAX

struct unwind_listed {
    uint32_t at; /* offset from the range's start */
    uint8_t size;
    uint8_t kind; /* enum unwind_flow_kind */
    bool padding;
    bool jumped_to;  /* by a jump in this code, of which the target is known */
    bool called;     /* by a direct call in this code */
    bool noreturn;   /* a call behind which nothing of its function follows */
    uint32_t target; /* index of the instruction that a direct jump leads to, or UNWIND_NOWHERE */
};

/* One entry of a jump table. */
struct unwind_case {
    uint32_t jump, target; /* indices of instructions */
};

struct unwind_listing {
    struct elf_file *file;
    csh capstone;
    cs_insn *instruction;
    uint64_t start;
    uint8_t *bytes;
    size_t size;
    struct unwind_listed *list; /* ascending, without gaps */
    uint32_t count, capacity;
    struct unwind_case *cases; /* ascending by jump */
    uint32_t case_count, case_capacity;
};

/* capstone and instruction as in struct unwind_flow_range; false if there is nothing to list. */
bool unwind_listing_init(struct unwind_listing *listing, struct elf_file *file, csh capstone,
                         cs_insn *instruction, uint64_t start, uint64_t end);
void unwind_listing_deinit(struct unwind_listing *listing);

/* Decodes the instruction of this index once more, into listing->instruction. */
bool unwind_listing_decode(const struct unwind_listing *listing, uint32_t index);

/* The instruction that begins at an address, or UNWIND_NOWHERE. */
uint32_t unwind_listing_find(const struct unwind_listing *listing, uint64_t address);

#endif
