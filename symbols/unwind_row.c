/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_row.h"

#include <dwarf.h>
#include <stdlib.h>

static bool fits(int64_t offset, int32_t *out)
{
    *out = (int32_t)offset;
    return *out == offset;
}

/* libdw gives "CFA is register + offset" as a single DW_OP_bregx (see dwarf_frame_cfa). */
static bool read_cfa(Dwarf_Frame *frame, struct unwind_row *row)
{
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count != 1 || ops[0].atom != DW_OP_bregx ||
        ops[0].number >= UNWIND_PC)
        return false;
    row->cfa_register = (uint8_t)ops[0].number;
    return fits((int64_t)ops[0].number2, &row->cfa_offset);
}

enum place {
    PLACE_SAME,
    PLACE_UNDEFINED,
    PLACE_AT_CFA, /* in memory, at CFA + offset */
    PLACE_IS_CFA, /* its value is CFA + offset */
    PLACE_OTHER,
};

static enum place place_of(Dwarf_Frame *frame, int number, int32_t *offset)
{
    Dwarf_Op memory[3], *ops;
    size_t count;
    if (dwarf_frame_register(frame, number, memory, &ops, &count) != 0)
        return PLACE_OTHER;
    if (count == 0)
        return ops ? PLACE_UNDEFINED : PLACE_SAME;
    if (ops[0].atom != DW_OP_call_frame_cfa)
        return PLACE_OTHER;
    size_t used = 1;
    *offset = 0;
    if (used < count && ops[used].atom == DW_OP_plus_uconst) {
        if (!fits((int64_t)ops[used].number, offset))
            return PLACE_OTHER;
        used++;
    }
    if (used == count)
        return PLACE_AT_CFA;
    return used + 1 == count && ops[used].atom == DW_OP_stack_value ? PLACE_IS_CFA : PLACE_OTHER;
}

static bool read_registers(Dwarf_Frame *frame, struct unwind_row *row)
{
    int32_t offset;
    for (int number = 0; number < UNWIND_PC; number++) {
        int index = unwind_callee_saved_index((unsigned int)number);
        enum place place = place_of(frame, number, &offset);
        if (number == UNWIND_SP) {
            if (place != PLACE_IS_CFA || offset != 0)
                return false;
        } else if (index < 0) {
            /* A register that calls destroy is of interest only where it is restored. */
            if (place == PLACE_AT_CFA || place == PLACE_IS_CFA || place == PLACE_OTHER)
                return false;
        } else if (place == PLACE_AT_CFA) {
            row->saved |= (uint8_t)(1u << index);
            row->offset[index] = offset;
        } else if (place == PLACE_UNDEFINED) {
            row->lost |= (uint8_t)(1u << index);
        } else if (place != PLACE_SAME) {
            return false;
        }
    }
    return true;
}

static enum unwind_rule read_frame(Dwarf_Frame *frame, struct unwind_row *row)
{
    int return_column = dwarf_frame_info(frame, NULL, NULL, &row->signal);
    if (return_column != UNWIND_PC || row->signal)
        return UNWIND_RULE_WALK;
    enum place place = place_of(frame, return_column, &row->return_offset);
    if (place == PLACE_UNDEFINED)
        return UNWIND_RULE_OUTERMOST;
    if (place != PLACE_AT_CFA || !read_cfa(frame, row) || !read_registers(frame, row))
        return UNWIND_RULE_WALK;
    return UNWIND_RULE_ROW;
}

bool unwind_row_from_cfi(Dwarf_CFI *cfi, uint64_t address, struct unwind_row *row)
{
    Dwarf_Frame *frame;
    if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0)
        return false;
    *row = (struct unwind_row){.cfi = true};
    row->rule = (uint8_t)read_frame(frame, row);
    free(frame);
    return true;
}

enum unwind_applied unwind_row_apply(const struct unwind_row *row, const struct unwind_frame *frame,
                                     const struct unwind_memory *memory,
                                     struct unwind_frame *caller)
{
    if (!unwind_frame_has(frame, row->cfa_register))
        return UNWIND_NO_BASE;
    uint64_t cfa = frame->value[row->cfa_register] + (uint64_t)(int64_t)row->cfa_offset;
    uint64_t value;
    if (!memory->read_word(cfa + (uint64_t)(int64_t)row->return_offset, &value, memory->data))
        return UNWIND_NO_RETURN_WORD;
    caller->valid = 0;
    caller->interrupted = row->signal;
    unwind_frame_set(caller, UNWIND_PC, value);
    unwind_frame_set(caller, UNWIND_SP, cfa);
    for (int i = 0; i < UNWIND_CALLEE_SAVED; i++) {
        unsigned int number = unwind_callee_saved[i];
        if (row->saved >> i & 1) {
            uint64_t address = cfa + (uint64_t)(int64_t)row->offset[i];
            if (memory->read_word(address, &value, memory->data))
                unwind_frame_set(caller, number, value);
        } else if (unwind_frame_has(frame, number) && !(row->lost >> i & 1)) {
            unwind_frame_set(caller, number, frame->value[number]);
        }
    }
    return UNWIND_APPLIED;
}
