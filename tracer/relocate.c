/* SPDX-License-Identifier: MIT */
#include "tracer/relocate.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

/* Encodings are those of the Intel SDM, volume 2. */
#define LONGEST_INSTRUCTION 15
#define OPERAND_SIZE_PREFIX 0x66
#define ADDRESS_SIZE_PREFIX 0x67
#define REX_W 0x08
#define MODRM_MOD_RM 0xc7U
#define MODRM_RIP_RELATIVE 0x05 /* mod 00, rm 101 */
#define MODRM_REG_SHIFT 3
/* Opcode FF is call, jmp or push with an r/m operand, told apart by ModRM.reg. */
#define GROUP5_PUSH 6U

struct relocator {
    csh capstone;
    cs_insn *instruction;
};

struct relocator *relocator_create(void)
{
    struct relocator *relocator = calloc(1, sizeof *relocator);
    if (!relocator)
        return NULL;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &relocator->capstone) != CS_ERR_OK) {
        free(relocator);
        return NULL;
    }
    cs_option(relocator->capstone, CS_OPT_DETAIL, CS_OPT_ON);
    relocator->instruction = cs_malloc(relocator->capstone);
    if (!relocator->instruction) {
        cs_close(&relocator->capstone);
        free(relocator);
        return NULL;
    }
    return relocator;
}

void relocator_destroy(struct relocator *relocator)
{
    if (!relocator)
        return;
    cs_free(relocator->instruction, 1);
    cs_close(&relocator->capstone);
    free(relocator);
}

/* ---- Writing code ---- */

struct output {
    struct relocated *relocated;
    uint64_t base; /* address of code[0] */
};

static uint64_t here(const struct output *output)
{
    return output->base + output->relocated->size;
}

/* Room is certain: the longest copy is that of a one-byte instruction and a call. */
static void emit(struct output *output, const void *bytes, size_t size)
{
    memcpy(output->relocated->code + output->relocated->size, bytes, size);
    output->relocated->size += (uint8_t)size;
}

static void emit_byte(struct output *output, uint8_t byte)
{
    emit(output, &byte, 1);
}

/* A thread here is equivalent to one at ip with that many bytes popped. */
static void mark_place(struct output *output, uint64_t ip, uint8_t pushed)
{
    struct relocated *relocated = output->relocated;
    relocated->places[relocated->place_count++] = (struct relocated_place){
        .offset = relocated->size,
        .pushed = pushed,
        .ip = ip,
    };
}

static bool fits_32(int64_t value)
{
    return value == (int32_t)value;
}

static void emit_jump(struct output *output, uint64_t target)
{
    int64_t distance = (int64_t)(target - (here(output) + 5));
    if (fits_32(distance)) {
        int32_t displacement = (int32_t)distance;
        emit_byte(output, 0xe9); /* jmp rel32 */
        emit(output, &displacement, sizeof displacement);
        return;
    }
    const uint8_t indirect[] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip): the next eight bytes */
    emit(output, indirect, sizeof indirect);
    emit(output, &target, sizeof target);
}

static uint64_t end_of(const cs_insn *instruction)
{
    return instruction->address + instruction->size;
}

/* Stores the two halves of the return address of call at offset(%rsp), where pushed bytes have been
 * pushed for it, leaving registers and flags alone. */
static void emit_store(struct output *output, uint8_t offset, const cs_insn *call, uint8_t pushed)
{
    uint64_t value = end_of(call);
    for (int half = 0; half < 2; half++) {
        const uint8_t store[] = {0xc7, 0x44, 0x24, (uint8_t)(offset + 4 * half)};
        uint32_t word = (uint32_t)(value >> (32 * half));
        emit(output, store, sizeof store); /* movl $imm32, disp8(%rsp) */
        emit(output, &word, sizeof word);
        mark_place(output, call->address, pushed);
    }
}

/* ---- One instruction ---- */

static bool has_operand(const cs_insn *instruction, x86_op_type type)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    return x86->op_count == 1 && x86->operands[0].type == type;
}

/* By the encoding: capstone does not list the operand of every instruction. */
static bool is_rip_relative(const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    return x86->encoding.modrm_offset && (x86->modrm & MODRM_MOD_RM) == MODRM_RIP_RELATIVE;
}

/* Copies the instruction with its RIP-relative displacement, if it has one, adjusted. */
static const char *emit_copy(struct output *output, const cs_insn *instruction)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    uint8_t copy[LONGEST_INSTRUCTION];
    memcpy(copy, instruction->bytes, instruction->size);
    if (is_rip_relative(instruction)) {
        int32_t displacement;
        uint8_t *place = copy + x86->encoding.modrm_offset + 1;
        if (x86->prefix[3] == ADDRESS_SIZE_PREFIX)
            return "its operand is relative to EIP";
        if (x86->encoding.modrm_offset + 1 + sizeof displacement > instruction->size)
            return "its RIP-relative operand has no 32-bit displacement";
        memcpy(&displacement, place, sizeof displacement);
        int64_t moved = displacement + (int64_t)(instruction->address - here(output));
        if (!fits_32(moved))
            return "its RIP-relative operand is out of reach";
        displacement = (int32_t)moved;
        memcpy(place, &displacement, sizeof displacement);
    }
    emit(output, copy, instruction->size);
    return NULL;
}

static void emit_direct_call(struct output *output, const cs_insn *call, uint64_t target)
{
    /* lea -8(%rsp), %rsp: a push without a value, and without a change of flags. */
    const uint8_t push[] = {0x48, 0x8d, 0x64, 0x24, 0xf8};
    emit(output, push, sizeof push);
    mark_place(output, call->address, 8);
    emit_store(output, 0, call, 8);
    emit_jump(output, target);
}

static bool is_below_stack(const cs_insn *instruction)
{
    const cs_x86_op *operand = &instruction->detail->x86.operands[0];
    return operand->type == X86_OP_MEM && operand->mem.base == X86_REG_RSP && operand->mem.disp < 0;
}

/*
 * The operand may use RSP, so it is read before anything is pushed: push operand; push (%rsp);
 * store the return address in the first of the two; ret takes the second. What lies below RSP at
 * a call is dead.
 */
static const char *emit_indirect_call(struct output *output, const cs_insn *instruction)
{
    const uint8_t push_again[] = {0xff, 0x34, 0x24}; /* push (%rsp) */
    uint8_t *modrm = output->relocated->code + output->relocated->size +
                     instruction->detail->x86.encoding.modrm_offset;
    const char *failure = emit_copy(output, instruction);
    if (failure)
        return failure;
    *modrm = (uint8_t)((*modrm & MODRM_MOD_RM) | (GROUP5_PUSH << MODRM_REG_SHIFT));
    mark_place(output, instruction->address, 8);
    emit(output, push_again, sizeof push_again);
    mark_place(output, instruction->address, 16);
    uint8_t places = output->relocated->place_count;
    emit_store(output, 8, instruction, 16);
    if (is_below_stack(instruction))
        output->relocated->place_count = places; /* the operand is gone */
    emit_byte(output, 0xc3);
    return NULL;
}

/* jrcxz and loop reach 127 bytes only: they jump over a jump. */
static void emit_short_branch(struct output *output, const cs_insn *instruction, uint64_t target)
{
    emit(output, instruction->bytes, instruction->size - 1U);
    emit_byte(output, 2); /* taken: over the next instruction */
    mark_place(output, end_of(instruction), 0);
    emit_byte(output, 0xeb);
    uint8_t skip_at = output->relocated->size;
    emit_byte(output, 0);
    mark_place(output, target, 0);
    emit_jump(output, target);
    output->relocated->code[skip_at] = (uint8_t)(output->relocated->size - skip_at - 1);
}

static void emit_conditional(struct output *output, const cs_insn *instruction, uint64_t target)
{
    const uint8_t *opcode = instruction->detail->x86.opcode;
    uint8_t condition = (opcode[0] == 0x0f ? opcode[1] : opcode[0]) & 0xf;
    int64_t distance = (int64_t)(target - (here(output) + 6));
    if (fits_32(distance)) {
        const uint8_t jump[] = {0x0f, (uint8_t)(0x80 | condition)};
        int32_t displacement = (int32_t)distance;
        emit(output, jump, sizeof jump);
        emit(output, &displacement, sizeof displacement);
        return;
    }
    emit_byte(output, 0x70 | (condition ^ 1U)); /* the opposite condition skips a far jump */
    uint8_t skip_at = output->relocated->size;
    emit_byte(output, 0);
    mark_place(output, target, 0);
    emit_jump(output, target);
    output->relocated->code[skip_at] = (uint8_t)(output->relocated->size - skip_at - 1);
}

static bool is_short_branch(unsigned id)
{
    return id == X86_INS_JCXZ || id == X86_INS_JECXZ || id == X86_INS_JRCXZ || id == X86_INS_LOOP ||
           id == X86_INS_LOOPE || id == X86_INS_LOOPNE;
}

static const char *refusal(const cs_insn *instruction, bool branch)
{
    switch (instruction->id) {
    case X86_INS_INT:
    case X86_INS_INT1:
    case X86_INS_INT3:
        return "it is a breakpoint or software interrupt of the program's own";
    case X86_INS_UD0:
    case X86_INS_UD2:
    case X86_INS_UD2B: /* ud1 */
        return "it raises a signal that shows its address";
    case X86_INS_XBEGIN:
        return "xbegin names its own fallback address";
    case X86_INS_LCALL:
    case X86_INS_LJMP:
    case X86_INS_RETF:
    case X86_INS_RETFQ:
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
        return "it changes the code segment";
    default:
        break;
    }
    /* AMD and Intel disagree on what a 16-bit branch does (SDM, JMP). REX.W undoes the prefix: the
     * call of __tls_get_addr is padded that way. */
    const cs_x86 *x86 = &instruction->detail->x86;
    return branch && x86->prefix[2] == OPERAND_SIZE_PREFIX && !(x86->rex & REX_W)
               ? "it is a 16-bit branch"
               : NULL;
}

/* *falls_through: control goes on behind the original. */
static const char *emit_instruction(struct relocator *relocator, struct output *output,
                                    const cs_insn *instruction, bool *falls_through)
{
    bool call = cs_insn_group(relocator->capstone, instruction, CS_GRP_CALL);
    bool jump = cs_insn_group(relocator->capstone, instruction, CS_GRP_JUMP) ||
                is_short_branch(instruction->id);
    const char *failure = refusal(instruction, call || jump);
    *falls_through = true;
    if (failure)
        return failure;
    bool direct = has_operand(instruction, X86_OP_IMM);
    uint64_t target = direct ? (uint64_t)instruction->detail->x86.operands[0].imm : 0;
    mark_place(output, instruction->address, 0);
    if (call) {
        *falls_through = false;
        if (!direct)
            return emit_indirect_call(output, instruction);
        emit_direct_call(output, instruction, target);
    } else if (jump && direct) {
        if (instruction->id == X86_INS_JMP) {
            *falls_through = false;
            emit_jump(output, target);
        } else if (is_short_branch(instruction->id)) {
            emit_short_branch(output, instruction, target);
        } else {
            emit_conditional(output, instruction, target);
        }
    } else {
        *falls_through = !jump && !cs_insn_group(relocator->capstone, instruction, CS_GRP_RET);
        return emit_copy(output, instruction);
    }
    return NULL;
}

const char *relocate(struct relocator *relocator, const uint8_t *bytes, size_t size, uint64_t from,
                     uint64_t to, struct relocated *relocated)
{
    struct output output = {.relocated = relocated, .base = to};
    bool falls_through;
    uint64_t next = from; /* moved on by cs_disasm_iter() */
    *relocated = (struct relocated){0};
    if (!cs_disasm_iter(relocator->capstone, &bytes, &size, &next, relocator->instruction))
        return "it cannot be decoded";
    relocated->length = (uint8_t)relocator->instruction->size;
    const char *failure =
        emit_instruction(relocator, &output, relocator->instruction, &falls_through);
    if (failure)
        return failure;
    if (relocated->length == 1 && falls_through &&
        cs_disasm_iter(relocator->capstone, &bytes, &size, &next, relocator->instruction)) {
        struct relocated first = *relocated;
        if (emit_instruction(relocator, &output, relocator->instruction, &falls_through)) {
            *relocated = first;
            falls_through = true;
        } else {
            relocated->length += (uint8_t)relocator->instruction->size;
        }
    }
    relocated->done = relocated->size;
    relocated->unambiguous = relocated->length > 1 || !falls_through;
    if (falls_through) {
        mark_place(&output, from + relocated->length, 0);
        emit_jump(&output, from + relocated->length);
    }
    return NULL;
}

bool relocate_calls(struct relocator *relocator, const uint8_t *bytes, size_t size, uint64_t from,
                    bool (*is_target)(uint64_t address, void *data), void *data)
{
    cs_insn *instruction = relocator->instruction;
    while (cs_disasm_iter(relocator->capstone, &bytes, &size, &from, instruction)) {
        if (!cs_insn_group(relocator->capstone, instruction, CS_GRP_CALL) &&
            !cs_insn_group(relocator->capstone, instruction, CS_GRP_JUMP))
            continue;
        uint64_t address;
        if (has_operand(instruction, X86_OP_IMM))
            address = (uint64_t)instruction->detail->x86.operands[0].imm;
        else if (is_rip_relative(instruction))
            address = end_of(instruction) + (uint64_t)instruction->detail->x86.disp;
        else
            continue;
        if (is_target(address, data))
            return true;
    }
    return false;
}
