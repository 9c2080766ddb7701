/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_code.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "symbols/unwind_effect.h"
#include "symbols/unwind_flow.h"
#include "symbols/unwind_functions.h"

#define ENTRY_RUN 256            /* bytes at the entry point that are looked at */
#define EXIT_RUN 48              /* bytes behind a return address that are looked at */
#define RANGE_LIMIT (64u * 1024) /* bytes that are followed at most */

struct unwind_code {
    struct elf_file *file;
    struct unwind_functions functions;
    csh capstone;
    bool capstone_is_open;
    cs_insn *instruction;
    struct unwind_flow *flow; /* the last one: addresses of one function are asked for together */
    uint64_t flow_start;
};

struct error *unwind_code_create(struct elf_file *file, struct unwind_code **out)
{
    if (elf_file_machine(file) != EM_X86_64)
        return error_format(ERROR_UNSUPPORTED, "no code of this architecture is understood");
    struct unwind_code *code = calloc(1, sizeof *code);
    if (!code)
        return error_no_memory();
    code->file = file;
    struct error *error = NULL;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &code->capstone) == CS_ERR_OK) {
        code->capstone_is_open = true;
        cs_option(code->capstone, CS_OPT_DETAIL, CS_OPT_ON);
        code->instruction = cs_malloc(code->capstone);
    }
    if (!code->instruction)
        error = error_format(ERROR_UNSUPPORTED, "capstone cannot be used");
    if (!error)
        error = unwind_functions_init(&code->functions, file);
    if (error) {
        unwind_code_destroy(code);
        return error;
    }
    *out = code;
    return NULL;
}

void unwind_code_destroy(struct unwind_code *code)
{
    if (!code)
        return;
    unwind_flow_destroy(code->flow);
    unwind_functions_deinit(&code->functions);
    if (code->instruction)
        cs_free(code->instruction, 1);
    if (code->capstone_is_open)
        cs_close(&code->capstone);
    free(code);
}

/* ---- The outermost frame ---- */

/* Whether address lies before the first instruction that does not go on behind itself. */
static bool in_first_run(struct unwind_code *code, uint64_t start, uint64_t address)
{
    uint8_t bytes[ENTRY_RUN];
    const uint8_t *at = bytes;
    size_t size = elf_file_read(code->file, start, bytes, sizeof bytes);
    uint64_t next = start, target;
    while (next < address && cs_disasm_iter(code->capstone, &at, &size, &next, code->instruction)) {
        if (unwind_flow_kind(code->instruction, &target) >= UNWIND_FLOW_JUMP)
            break;
    }
    return next == address;
}

static bool in_outermost_function(struct unwind_code *code, uint64_t address, bool interrupted)
{
    uint64_t instruction = interrupted ? address : address - 1;
    const struct unwind_function *function = unwind_functions_find(&code->functions, instruction);
    if (!function || !function->outermost)
        return false;
    if (function->size)
        return instruction - function->address < function->size;
    return in_first_run(code, function->address, address);
}

static bool ends_thread(const struct unwind_code *code, uint64_t address)
{
    const char *stub = elf_file_plt_target(code->file, address);
    const struct unwind_function *function = unwind_functions_find(&code->functions, address);
    return (function && function->address == address && function->ends_thread) ||
           (stub && unwind_function_ends_thread(stub));
}

/* What is known of RAX and RDI on the way from a return address. */
struct exit_run {
    bool result_in_rdi; /* RDI is what the callee returned */
    bool result_in_rax;
    bool rax_known;
    uint64_t rax;
};

static bool is_rax(unsigned int reg)
{
    return reg == X86_REG_RAX || reg == X86_REG_EAX;
}

static bool is_rdi(unsigned int reg)
{
    return reg == X86_REG_RDI || reg == X86_REG_EDI;
}

/* Follows mov and xor between registers; false for whatever else there may be. */
static bool follow_register(const cs_insn *instruction, struct exit_run *run)
{
    const cs_x86 *x86 = &instruction->detail->x86;
    const cs_x86_op *to = &x86->operands[0], *from = &x86->operands[1];
    if (unwind_is_padding(instruction))
        return true;
    if (x86->op_count != 2 || to->type != X86_OP_REG || from->type == X86_OP_MEM)
        return false;
    bool zero = instruction->id == X86_INS_XOR && from->type == X86_OP_REG && from->reg == to->reg;
    if (instruction->id != X86_INS_MOV && !zero)
        return false;
    if (is_rdi(to->reg)) {
        run->result_in_rdi =
            !zero && from->type == X86_OP_REG && is_rax(from->reg) && run->result_in_rax;
    } else if (is_rax(to->reg)) {
        run->result_in_rax = false;
        run->rax_known = zero || from->type == X86_OP_IMM;
        run->rax = zero ? 0 : (uint64_t)from->imm;
    } else if (to->reg == X86_REG_AL) {
        run->result_in_rax = false;
        run->rax_known = run->rax_known && from->type == X86_OP_IMM;
        run->rax = (run->rax & ~0xffull) | ((uint64_t)from->imm & 0xff);
    }
    return true;
}

static bool hands_result_to_exit(struct unwind_code *code, uint64_t address)
{
    uint8_t bytes[EXIT_RUN];
    const uint8_t *at = bytes;
    size_t size = elf_file_read(code->file, address, bytes, sizeof bytes);
    struct exit_run run = {.result_in_rax = true};
    while (cs_disasm_iter(code->capstone, &at, &size, &address, code->instruction)) {
        uint64_t target;
        enum unwind_flow_kind kind = unwind_flow_kind(code->instruction, &target);
        if (kind == UNWIND_FLOW_CALL || kind == UNWIND_FLOW_JUMP)
            return run.result_in_rdi && target && ends_thread(code, target);
        if (code->instruction->id == X86_INS_SYSCALL)
            return run.result_in_rdi && run.rax_known &&
                   (run.rax == SYS_exit || run.rax == SYS_exit_group);
        if (kind != UNWIND_FLOW_NEXT || !follow_register(code->instruction, &run))
            return false;
    }
    return false;
}

bool unwind_code_is_outermost(struct unwind_code *code, uint64_t address, bool interrupted)
{
    return in_outermost_function(code, address, interrupted) ||
           (!interrupted && hands_result_to_exit(code, address));
}

/* ---- Other frames ---- */

/* The code to follow: a function, or what lies between two whose beginnings are known. */
static bool range_of(const struct unwind_code *code, uint64_t instruction,
                     struct unwind_flow_range *range)
{
    const struct unwind_function *function = unwind_functions_find(&code->functions, instruction);
    if (!function)
        return false;
    bool within = function->size && instruction - function->address < function->size;
    range->start = within ? function->address : function->address + function->size;
    range->end = within ? function->address + function->size
                        : unwind_functions_next(&code->functions, function);
    range->many = !within;
    if (range->end - range->start > RANGE_LIMIT)
        range->end = range->start + RANGE_LIMIT;
    return instruction >= range->start && instruction < range->end;
}

/* The flow of the code around an instruction, or NULL. */
static const struct unwind_flow *flow_of(struct unwind_code *code, uint64_t instruction)
{
    struct unwind_flow_range range = {
        .file = code->file, .capstone = code->capstone, .instruction = code->instruction};
    if (!range_of(code, instruction, &range))
        return NULL;
    if (!code->flow || code->flow_start != range.start) {
        unwind_flow_destroy(code->flow);
        code->flow = unwind_flow_create(&range);
        code->flow_start = range.start;
    }
    return code->flow;
}

bool unwind_code_row(struct unwind_code *code, uint64_t address, bool interrupted,
                     struct unwind_row *row)
{
    uint8_t trampoline[16];
    size_t size = elf_file_read(code->file, address, trampoline, sizeof trampoline);
    if (unwind_arch_is_sigreturn(trampoline, size)) {
        *row = (struct unwind_row){.rule = UNWIND_RULE_SIGRETURN, .signal = true};
        return true;
    }
    const struct unwind_flow *flow = flow_of(code, interrupted ? address : address - 1);
    return flow && unwind_flow_row(flow, address, !interrupted, row);
}
