/* SPDX-License-Identifier: MIT */
/*
 * unwind_arch.h - what the unwinder knows of one architecture's ABI.
 *
 * Implemented in unwind_x86_64.c. Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_ARCH_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/unwind.h"

#define UNWIND_FP 6  /* RBP */
#define UNWIND_SP 7  /* RSP */
#define UNWIND_PC 16 /* the return address column */
#define UNWIND_CALLEE_SAVED 6
#define UNWIND_WORD 8u

/* The registers of one frame. */
struct unwind_frame {
    uint64_t value[UNWIND_REGISTERS];
    uint32_t valid;   /* bit n: value[n] is known */
    bool interrupted; /* stopped at its program counter, which is then no return address */
};

static inline bool unwind_frame_has(const struct unwind_frame *frame, unsigned int number)
{
    return frame->valid >> number & 1;
}

static inline void unwind_frame_set(struct unwind_frame *frame, unsigned int number, uint64_t value)
{
    frame->value[number] = value;
    frame->valid |= 1u << number;
}

/* DWARF numbers of the registers, besides the stack pointer, that a function preserves. */
extern const uint8_t unwind_callee_saved[UNWIND_CALLEE_SAVED];
/* The index of a DWARF register in it, or -1. */
int unwind_callee_saved_index(unsigned int number);

/* The caller's frame as seen from a function's first instruction; false if memory is missing. */
bool unwind_arch_entry(const struct unwind_frame *frame, const struct unwind_memory *memory,
                       struct unwind_frame *caller);

/* Whether this code is a signal trampoline: it does nothing but call rt_sigreturn(2). */
bool unwind_arch_is_sigreturn(const uint8_t *code, size_t size);
/* The frame that the signal interrupted, from the kernel's rt_sigframe at the stack pointer. */
bool unwind_arch_sigreturn(const struct unwind_frame *frame, const struct unwind_memory *memory,
                           struct unwind_frame *interrupted);

#define UNWIND_CALL_SIZE 7 /* bytes of the longest call instruction without prefixes */
/* Whether the size bytes of code (UNWIND_CALL_SIZE or less) end with a call instruction. */
bool unwind_arch_ends_with_call(const uint8_t *code, size_t size);

#endif
