/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_effect.h"

/* Offsets beyond this are taken for nonsense, so that sums of them stay in range. */
#define OFFSET_LIMIT (1 << 28)

enum unwind_flow_kind unwind_flow_kind(const cs_insn *instruction, uint64_t *target)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    bool direct = x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM;
    *target = direct ? (uint64_t)x86->operands[0].imm : 0;
    switch (instruction->id) {
    case X86_INS_CALL:
        return UNWIND_FLOW_CALL;
    case X86_INS_JMP:
        return direct ? UNWIND_FLOW_JUMP : UNWIND_FLOW_INDIRECT;
    case X86_INS_HLT:
    case X86_INS_UD2:
    case X86_INS_INT3:
        return UNWIND_FLOW_END;
    default:
        break;
    }
    for (uint8_t i = 0; i < instruction->detail->groups_count; i++) {
        if (instruction->detail->groups[i] == X86_GRP_RET)
            return UNWIND_FLOW_END;
        if (instruction->detail->groups[i] == X86_GRP_JUMP)
            return UNWIND_FLOW_BRANCH;
    }
    *target = 0;
    return UNWIND_FLOW_NEXT;
}

bool unwind_is_padding(const cs_insn *instruction)
{
    return instruction->id == X86_INS_NOP || instruction->id == X86_INS_INT3 ||
           (instruction->id == X86_INS_XCHG && instruction->bytes[instruction->size - 1] == 0x90);
}

/* The index of a callee-saved register, whatever its width, or -1. */
static int callee_saved_index(unsigned int reg)
{
    static const uint16_t names[UNWIND_CALLEE_SAVED][5] = {
        {X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
        {X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
        {X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B},
        {X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B},
        {X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B},
        {X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B}};
    for (int i = 0; i < UNWIND_CALLEE_SAVED; i++) {
        for (int k = 0; k < 5 && names[i][k]; k++) {
            if (names[i][k] == reg)
                return i;
        }
    }
    return -1;
}

static bool is_stack_pointer(unsigned int reg)
{
    return reg == X86_REG_RSP || reg == X86_REG_ESP || reg == X86_REG_SP || reg == X86_REG_SPL;
}

static void move_sp(struct unwind_frame_state *state, int64_t distance)
{
    int64_t sp = state->sp + distance;
    state->sp_known = state->sp_known && distance > -OFFSET_LIMIT && distance < OFFSET_LIMIT &&
                      sp >= 0 && sp < OFFSET_LIMIT;
    state->sp = state->sp_known ? (int32_t)sp : 0;
}

/* The first store of a register that still has the caller's value is where it is saved. */
static void store(struct unwind_frame_state *state, unsigned int reg, int64_t offset)
{
    int i = callee_saved_index(reg);
    if (i < 0 || (state->saved | state->lost) >> i & 1 || offset >= 0 || offset <= -OFFSET_LIMIT)
        return;
    state->saved |= (uint8_t)(1u << i);
    state->offset[i] = (int32_t)offset;
}

static void overwrite(struct unwind_frame_state *state, unsigned int reg)
{
    int i = callee_saved_index(reg);
    if (i < 0)
        return;
    if (!(state->saved >> i & 1))
        state->lost |= (uint8_t)(1u << i);
    if (unwind_callee_saved[i] == UNWIND_FP)
        state->fp_known = false;
}

/* A load from where the register was saved gives it its old value again. */
static void load(struct unwind_frame_state *state, unsigned int reg, int64_t offset)
{
    int i = callee_saved_index(reg);
    overwrite(state, reg);
    if (i >= 0 && state->saved >> i & 1 && state->offset[i] == offset)
        state->saved &= (uint8_t) ~(1u << i);
}

static void pop(struct unwind_frame_state *state, unsigned int reg)
{
    if (state->sp_known)
        load(state, reg, -state->sp);
    else
        overwrite(state, reg);
    move_sp(state, -(int64_t)UNWIND_WORD);
}

/* Whether the operand is memory at CFA + offset. */
static bool frame_offset(const struct unwind_frame_state *state, const cs_x86_op *operand,
                         int64_t *offset)
{
    if (operand->type != X86_OP_MEM || operand->mem.index != X86_REG_INVALID ||
        operand->mem.segment != X86_REG_INVALID || operand->mem.disp > OFFSET_LIMIT ||
        operand->mem.disp < -OFFSET_LIMIT)
        return false;
    if (operand->mem.base == X86_REG_RSP && state->sp_known) {
        *offset = operand->mem.disp - state->sp;
        return true;
    }
    if (operand->mem.base == X86_REG_RBP && state->fp_known) {
        *offset = operand->mem.disp - state->fp;
        return true;
    }
    return false;
}

static void set_fp(struct unwind_frame_state *state, int64_t offset)
{
    overwrite(state, X86_REG_RBP);
    state->fp_known = true;
    state->fp = (int32_t)-offset;
}

static void set_sp(struct unwind_frame_state *state, int64_t offset)
{
    state->sp_known = true;
    state->sp = 0;
    move_sp(state, -offset);
}

/* What writes a register in no way that is known here. */
static void overwrite_all(csh capstone, const cs_insn *instruction,
                          struct unwind_frame_state *state)
{
    cs_regs read, written;
    uint8_t read_count, written_count;
    if (cs_regs_access(capstone, instruction, read, &read_count, written, &written_count) != 0) {
        *state = (struct unwind_frame_state){.lost = 0xff};
        return;
    }
    for (uint8_t i = 0; i < written_count; i++) {
        if (is_stack_pointer(written[i]))
            state->sp_known = false;
        overwrite(state, written[i]);
    }
}

/* mov, lea, add and sub with the stack or frame pointer, or between a register and the frame. */
static bool apply_move(const cs_insn *instruction, struct unwind_frame_state *state)
{
    const cs_x86_op *to = &instruction->detail->x86.operands[0];
    const cs_x86_op *from = &instruction->detail->x86.operands[1];
    bool to_sp = to->type == X86_OP_REG && to->reg == X86_REG_RSP;
    bool to_fp = to->type == X86_OP_REG && to->reg == X86_REG_RBP;
    int64_t offset;
    switch (instruction->id) {
    case X86_INS_ADD:
    case X86_INS_SUB:
        if (!to_sp || from->type != X86_OP_IMM || from->imm > OFFSET_LIMIT ||
            from->imm < -OFFSET_LIMIT)
            return false;
        move_sp(state, instruction->id == X86_INS_SUB ? from->imm : -from->imm);
        return true;
    case X86_INS_LEA:
        if ((!to_sp && !to_fp) || !frame_offset(state, from, &offset))
            return false;
        to_sp ? set_sp(state, offset) : set_fp(state, offset);
        return true;
    case X86_INS_MOV:
        if (to_fp && from->type == X86_OP_REG && from->reg == X86_REG_RSP && state->sp_known) {
            set_fp(state, -state->sp);
            return true;
        }
        if (to_sp && from->type == X86_OP_REG && from->reg == X86_REG_RBP && state->fp_known) {
            set_sp(state, -state->fp);
            return true;
        }
        if (frame_offset(state, to, &offset) && from->type == X86_OP_REG && from->size == 8) {
            store(state, from->reg, offset);
            return true;
        }
        if (to->type == X86_OP_REG && to->size == 8 && !to_sp &&
            frame_offset(state, from, &offset)) {
            load(state, to->reg, offset);
            return true;
        }
        return false;
    default:
        return false;
    }
}

void unwind_apply_effect(csh capstone, const cs_insn *instruction, struct unwind_frame_state *state)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    const cs_x86_op *operand = &x86->operands[0];
    switch (instruction->id) {
    case X86_INS_CALL:
        return; /* the callee preserves what its ABI says, and takes its return address off */
    case X86_INS_PUSH:
    case X86_INS_PUSHFQ:
        /* A 16-bit push is no compiler's. */
        move_sp(state, UNWIND_WORD);
        if (state->sp_known && x86->op_count == 1 && operand->type == X86_OP_REG)
            store(state, operand->reg, -state->sp);
        return;
    case X86_INS_POPFQ:
        move_sp(state, -(int64_t)UNWIND_WORD);
        return;
    case X86_INS_POP:
        if (operand->type == X86_OP_REG && !is_stack_pointer(operand->reg))
            pop(state, operand->reg);
        else
            state->sp_known = false;
        return;
    case X86_INS_LEAVE:
        state->sp_known = false;
        if (state->fp_known)
            set_sp(state, -state->fp);
        pop(state, X86_REG_RBP);
        return;
    default:
        if (x86->op_count != 2 || !apply_move(instruction, state))
            overwrite_all(capstone, instruction, state);
        return;
    }
}
