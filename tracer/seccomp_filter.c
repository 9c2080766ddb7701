/* SPDX-License-Identifier: MIT */
#include "tracer/seccomp_filter.h"

#include <string.h>

/* The interpreter's registers and scratch memory; all zero at the start, as in the kernel
 * (bpf_convert_filter, net/core/filter.c). */
struct machine {
    uint32_t a, x;
    uint32_t memory[BPF_MEMWORDS];
};

/* False for an operation that the kernel does not know, or a division by zero. */
static bool calculate(struct machine *machine, uint16_t code, uint32_t operand)
{
    switch (BPF_OP(code)) {
    case BPF_ADD:
        machine->a += operand;
        return true;
    case BPF_SUB:
        machine->a -= operand;
        return true;
    case BPF_MUL:
        machine->a *= operand;
        return true;
    case BPF_DIV:
        if (!operand)
            return false;
        machine->a /= operand;
        return true;
    case BPF_AND:
        machine->a &= operand;
        return true;
    case BPF_OR:
        machine->a |= operand;
        return true;
    case BPF_XOR:
        machine->a ^= operand;
        return true;
    case BPF_LSH:
        machine->a <<= operand & 31;
        return true;
    case BPF_RSH:
        machine->a >>= operand & 31;
        return true;
    case BPF_NEG:
        machine->a = -machine->a;
        return true;
    default:
        return false;
    }
}

static bool load(struct machine *machine, const struct sock_filter *instruction,
                 const struct seccomp_data *call)
{
    uint32_t k = instruction->k;
    uint32_t *to = BPF_CLASS(instruction->code) == BPF_LD ? &machine->a : &machine->x;
    switch (BPF_MODE(instruction->code)) {
    case BPF_IMM:
        *to = k;
        return true;
    case BPF_LEN:
        *to = sizeof *call;
        return true;
    case BPF_MEM:
        if (k >= BPF_MEMWORDS)
            return false;
        *to = machine->memory[k];
        return true;
    case BPF_ABS:
        if (to != &machine->a || k >= sizeof *call || k % sizeof *to)
            return false;
        memcpy(to, (const char *)call + k, sizeof *to);
        return true;
    default:
        return false;
    }
}

static bool store(struct machine *machine, const struct sock_filter *instruction)
{
    if (instruction->k >= BPF_MEMWORDS)
        return false;
    machine->memory[instruction->k] =
        BPF_CLASS(instruction->code) == BPF_ST ? machine->a : machine->x;
    return true;
}

/* How many instructions to skip; an unknown jump skips more than there can be. */
static size_t jump(const struct machine *machine, const struct sock_filter *instruction)
{
    uint32_t operand = BPF_SRC(instruction->code) == BPF_X ? machine->x : instruction->k;
    bool truth;
    switch (BPF_OP(instruction->code)) {
    case BPF_JA:
        return instruction->k;
    case BPF_JEQ:
        truth = machine->a == operand;
        break;
    case BPF_JGT:
        truth = machine->a > operand;
        break;
    case BPF_JGE:
        truth = machine->a >= operand;
        break;
    case BPF_JSET:
        truth = machine->a & operand;
        break;
    default:
        return UINT32_MAX;
    }
    return truth ? instruction->jt : instruction->jf;
}

uint32_t seccomp_filter_run(const struct sock_filter *code, size_t count,
                            const struct seccomp_data *call)
{
    struct machine machine = {0};
    /* Jumps lead forwards only, so this ends. */
    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *instruction = &code[at];
        bool known = true;
        switch (BPF_CLASS(instruction->code)) {
        case BPF_LD:
        case BPF_LDX:
            known = BPF_SIZE(instruction->code) == BPF_W && load(&machine, instruction, call);
            break;
        case BPF_ST:
        case BPF_STX:
            known = store(&machine, instruction);
            break;
        case BPF_ALU:
            known = calculate(&machine, instruction->code,
                              BPF_SRC(instruction->code) == BPF_X ? machine.x : instruction->k);
            break;
        case BPF_JMP:
            at += jump(&machine, instruction);
            break;
        case BPF_RET:
            return BPF_RVAL(instruction->code) == BPF_A ? machine.a : instruction->k;
        case BPF_MISC:
            if (BPF_MISCOP(instruction->code) == BPF_TAX)
                machine.x = machine.a;
            else
                machine.a = machine.x;
            break;
        }
        if (!known)
            break;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

bool seccomp_filter_permits(uint32_t answer)
{
    uint32_t action = answer & SECCOMP_RET_ACTION_FULL;
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
