/* SPDX-License-Identifier: MIT */
/*
 * unwind_row.h - the rule that gives a caller's registers at one code address, in a form that can
 * be applied without libdw.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_ROW_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_ROW_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbols/unwind_arch.h"

enum unwind_rule {
    UNWIND_RULE_UNKNOWN,   /* not looked up yet */
    UNWIND_RULE_ROW,       /* the fields of struct unwind_row say it all */
    UNWIND_RULE_OUTERMOST, /* there is no caller */
    UNWIND_RULE_WALK,      /* CFI that only libdwfl evaluates */
    UNWIND_RULE_SIGRETURN, /* a signal trampoline without CFI */
    UNWIND_RULE_NONE,      /* nothing is known */
};

struct unwind_row {
    uint8_t rule;         /* enum unwind_rule */
    bool cfi;             /* from unwind information, not from a look at the code */
    bool signal;          /* the caller was interrupted by a signal */
    bool begins;          /* a function begins here that was not called: its address was put where
                             a return address belongs, as makecontext(3) does */
    uint8_t cfa_register; /* CFA = this DWARF register + cfa_offset */
    uint8_t saved;        /* bit i: callee-saved register i is at CFA + offset[i] */
    uint8_t lost;         /* bit i: its value in the caller is not known */
    int32_t cfa_offset;   /* bytes, as all offsets */
    int32_t return_offset;
    int32_t offset[UNWIND_CALLEE_SAVED];
};

/*
 * The row for a file virtual address from one CFI section; false if the section does not cover it.
 * address is that of an instruction: of the call, not the return address.
 */
bool unwind_row_from_cfi(Dwarf_CFI *cfi, uint64_t address, struct unwind_row *row);

enum unwind_applied {
    UNWIND_APPLIED,
    UNWIND_NO_BASE,       /* the CFA's register is not known in this frame */
    UNWIND_NO_RETURN_WORD /* the return address could not be read */
};
/* Applies a row of UNWIND_RULE_ROW. */
enum unwind_applied unwind_row_apply(const struct unwind_row *row, const struct unwind_frame *frame,
                                     const struct unwind_memory *memory,
                                     struct unwind_frame *caller);

#endif
