/* SPDX-License-Identifier: MIT */
/*
 * unwind_effect.h - what one x86-64 instruction does to a frame and to the flow of control.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_EFFECT_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_EFFECT_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbols/unwind_arch.h"

/* What is known of a frame before an instruction. Offsets are in bytes, towards the caller. */
struct unwind_frame_state {
    bool sp_known; /* CFA = RSP + sp */
    bool fp_known; /* CFA = RBP + fp */
    int32_t sp, fp;
    uint8_t saved; /* bit i: callee-saved register i is at CFA + offset[i] */
    uint8_t lost;  /* bit i: it was overwritten without being saved */
    int32_t offset[UNWIND_CALLEE_SAVED];
};

enum unwind_flow_kind {
    UNWIND_FLOW_NEXT,     /* goes on behind it */
    UNWIND_FLOW_CALL,     /* goes on behind it once the callee returns */
    UNWIND_FLOW_BRANCH,   /* goes on behind it or at the target */
    UNWIND_FLOW_JUMP,     /* goes on at the target */
    UNWIND_FLOW_INDIRECT, /* jumps to where a register or memory says */
    UNWIND_FLOW_END,      /* returns, or cannot go on */
};

/* target is 0 where there is none in the instruction. */
enum unwind_flow_kind unwind_flow_kind(const cs_insn *instruction, uint64_t *target);

bool unwind_is_padding(const cs_insn *instruction);

/* Changes state to what holds behind the instruction. */
void unwind_apply_effect(csh capstone, const cs_insn *instruction,
                         struct unwind_frame_state *state);

#endif
