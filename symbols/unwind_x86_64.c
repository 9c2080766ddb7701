/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "symbols/unwind_arch.h"

/* RBX, RBP, R12 to R15 (System V x86-64 psABI, figure 3.4). */
const uint8_t unwind_callee_saved[UNWIND_CALLEE_SAVED] = {3, 6, 12, 13, 14, 15};

int unwind_callee_saved_index(unsigned int number)
{
    for (int i = 0; i < UNWIND_CALLEE_SAVED; i++) {
        if (unwind_callee_saved[i] == number)
            return i;
    }
    return -1;
}

bool unwind_arch_entry(const struct unwind_frame *frame, const struct unwind_memory *memory,
                       struct unwind_frame *caller)
{
    uint64_t sp = frame->value[UNWIND_SP];
    uint64_t return_address;
    if (!memory->read_word(sp, &return_address, memory->data))
        return false;
    *caller = *frame;
    caller->interrupted = false;
    unwind_frame_set(caller, UNWIND_SP, sp + UNWIND_WORD);
    unwind_frame_set(caller, UNWIND_PC, return_address);
    return true;
}

bool unwind_arch_is_sigreturn(const uint8_t *code, size_t size)
{
    /* mov $15, %rax or mov $15, %eax; then syscall */
    static const uint8_t long_form[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    static const uint8_t short_form[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
    return (size >= sizeof long_form && memcmp(code, long_form, sizeof long_form) == 0) ||
           (size >= sizeof short_form && memcmp(code, short_form, sizeof short_form) == 0);
}

bool unwind_arch_sigreturn(const struct unwind_frame *frame, const struct unwind_memory *memory,
                           struct unwind_frame *interrupted)
{
    /*
     * The handler has returned, so RSP points at the frame's ucontext. Its sigcontext begins 40
     * bytes in, and holds the registers in this order (asm/sigcontext.h, struct sigcontext).
     */
    static const uint8_t order[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, /* RDI */
                                    4, 6, 3,  1,  0,  2,  7,  16};
    uint64_t context = frame->value[UNWIND_SP] + 40;
    *interrupted = (struct unwind_frame){.interrupted = true};
    for (size_t i = 0; i < sizeof order; i++) {
        uint64_t value;
        if (!memory->read_word(context + i * UNWIND_WORD, &value, memory->data))
            return false;
        unwind_frame_set(interrupted, order[i], value);
    }
    return true;
}

/* The length of `call *operand` that these bytes begin with, 0 if they are none. */
static size_t indirect_call_length(const uint8_t *code, size_t size)
{
    if (size < 2 || code[0] != 0xff || (code[1] >> 3 & 7) != 2)
        return 0;
    unsigned int mode = code[1] >> 6, operand = code[1] & 7;
    if (mode == 3)
        return 2;
    size_t length = 2;
    bool wide = mode == 2 || (mode == 0 && operand == 5);
    if (operand == 4) { /* an SIB byte; base 5 without a displacement has one of 32 bits */
        if (size < 3)
            return 0;
        length++;
        wide = wide || (mode == 0 && (code[2] & 7) == 5);
    }
    return length + (wide ? 4 : mode == 1 ? 1 : 0);
}

bool unwind_arch_ends_with_call(const uint8_t *code, size_t size)
{
    if (size >= 5 && code[size - 5] == 0xe8)
        return true;
    for (size_t length = 2; length <= size; length++) {
        if (indirect_call_length(code + size - length, length) == length)
            return true;
    }
    return false;
}
