/* SPDX-License-Identifier: MIT */
/*
 * Relocates every instruction of the C library and reads the copies back. Those that a breakpoint
 * can come to stand on are counted apart: functions' entries and return addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <capstone/capstone.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/relocate.h"

/* Where the copies are taken to be: as far as the tracer would go to find room for them. */
#define SLOT_DISTANCE UINT64_C(0x40000000)

struct code_section {
    const uint8_t *bytes;
    uint64_t address, size;
    size_t index;
};

struct count {
    size_t places, relocated;
};

struct sweep {
    struct relocator *relocator;
    csh capstone;
    cs_insn *original, *copied; /* reused */
    struct code_section text;
    bool *probed; /* for each byte of text: an entry or a return address */
    struct count all, probes;
};

static bool decode(const struct sweep *sweep, const uint8_t *bytes, size_t size, uint64_t address,
                   cs_insn *instruction)
{
    return cs_disasm_iter(sweep->capstone, &bytes, &size, &address, instruction);
}

static bool is_rip_relative(const cs_insn *instruction)
{
    return strstr(instruction->op_str, "[rip ") != NULL;
}

static uint64_t operand_address(const cs_insn *instruction)
{
    return instruction->address + instruction->size + (uint64_t)instruction->detail->x86.disp;
}

/* The BND prefix of branches means nothing without MPX, which no processor has any more. */
static const char *plain_mnemonic(const cs_insn *instruction)
{
    bool bnd = strncmp(instruction->mnemonic, "bnd ", 4) == 0;
    return instruction->mnemonic + (bnd ? 4 : 0);
}

static void same_operands(const cs_insn *original, const cs_insn *copied)
{
    if (is_rip_relative(original)) {
        assert_true(is_rip_relative(copied));
        assert_int_equal(operand_address(original), operand_address(copied));
        assert_int_equal(original->detail->x86.op_count, copied->detail->x86.op_count);
    } else {
        assert_string_equal(original->op_str, copied->op_str);
    }
}

/* What a call became: the two halves of the return address are stored, and the copy ends with
 * the way to the target. */
static size_t check_call(const struct sweep *sweep, const cs_insn *original,
                         const struct relocated *copy, size_t at, uint64_t to)
{
    uint64_t return_address = 0;
    unsigned stores = 0;
    bool direct = original->detail->x86.operands[0].type == X86_OP_IMM;
    for (; at < copy->size; at += sweep->copied->size) {
        assert_true(decode(sweep, copy->code + at, copy->size - at, to + at, sweep->copied));
        const cs_x86 *x86 = &sweep->copied->detail->x86;
        if (sweep->copied->id == X86_INS_MOV)
            return_address |= (uint64_t)(uint32_t)x86->operands[1].imm << (32 * stores++);
        else if (sweep->copied->id == X86_INS_PUSH && x86->encoding.modrm_offset &&
                 strcmp(sweep->copied->op_str, "qword ptr [rsp]") != 0)
            same_operands(original, sweep->copied);
    }
    assert_int_equal(stores, 2);
    assert_int_equal(return_address, original->address + original->size);
    if (direct) {
        assert_string_equal(sweep->copied->mnemonic, "jmp");
        same_operands(original, sweep->copied);
    } else {
        assert_string_equal(sweep->copied->mnemonic, "ret");
    }
    return copy->size;
}

/* jrcxz and loop became three: to a jump to the target if taken, else over it. */
static size_t check_short_branch(const struct sweep *sweep, const struct relocated *copy, size_t at,
                                 uint64_t to)
{
    uint64_t target = (uint64_t)sweep->original->detail->x86.operands[0].imm;
    const uint64_t targets[] = {to + at + sweep->original->size + 2, to + copy->done, target};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_true(decode(sweep, copy->code + at, copy->size - at, to + at, sweep->copied));
        assert_string_equal(sweep->copied->mnemonic, i ? "jmp" : sweep->original->mnemonic);
        assert_int_equal(sweep->copied->detail->x86.operands[0].imm, targets[i]);
        at += sweep->copied->size;
    }
    return at;
}

static bool is_short_branch(unsigned id)
{
    return id == X86_INS_JRCXZ || id == X86_INS_JECXZ || id == X86_INS_LOOP ||
           id == X86_INS_LOOPE || id == X86_INS_LOOPNE;
}

static void check_copy(const struct sweep *sweep, const struct relocated *copy,
                       const uint8_t *bytes, uint64_t from, uint64_t to)
{
    size_t at = 0;
    for (size_t covered = 0; covered < copy->length; covered += sweep->original->size) {
        assert_true(decode(sweep, bytes + covered, copy->length - covered, from + covered,
                           sweep->original));
        if (sweep->original->id == X86_INS_CALL) {
            at = check_call(sweep, sweep->original, copy, at, to);
            continue;
        }
        if (is_short_branch(sweep->original->id)) {
            at = check_short_branch(sweep, copy, at, to);
            continue;
        }
        assert_true(decode(sweep, copy->code + at, copy->size - at, to + at, sweep->copied));
        assert_string_equal(plain_mnemonic(sweep->copied), plain_mnemonic(sweep->original));
        same_operands(sweep->original, sweep->copied);
        at += sweep->copied->size;
    }
    assert_int_equal(at, copy->done);
    if (copy->done == copy->size)
        return;
    assert_true(decode(sweep, copy->code + at, copy->size - at, to + at, sweep->copied));
    assert_string_equal(sweep->copied->mnemonic, "jmp");
    assert_int_equal(sweep->copied->detail->x86.operands[0].imm, from + copy->length);
}

static void try_place(struct sweep *sweep, uint64_t offset)
{
    const uint8_t *bytes = sweep->text.bytes + offset;
    size_t size = sweep->text.size - offset < 30 ? sweep->text.size - offset : 30;
    uint64_t from = sweep->text.address + offset;
    struct relocated copy;
    const char *reason = relocate(sweep->relocator, bytes, size, from, from + SLOT_DISTANCE, &copy);
    sweep->all.places++;
    sweep->all.relocated += !reason;
    if (sweep->probed[offset]) {
        sweep->probes.places++;
        sweep->probes.relocated += !reason;
        if (reason)
            print_message("not relocated at 0x%llx: %s\n", (unsigned long long)from, reason);
    }
    if (!reason)
        check_copy(sweep, &copy, bytes, from, from + SLOT_DISTANCE);
}

static void mark(struct sweep *sweep, uint64_t address)
{
    if (address - sweep->text.address < sweep->text.size)
        sweep->probed[address - sweep->text.address] = true;
}

static void mark_call(struct sweep *sweep, const cs_insn *call)
{
    mark(sweep, call->address + call->size);
    if (call->detail->x86.operands[0].type == X86_OP_IMM)
        mark(sweep, (uint64_t)call->detail->x86.operands[0].imm);
}

/* Calls visit with each instruction's offset in the section. What cannot be decoded is gone on
 * behind, one byte at a time. */
static void walk(struct sweep *sweep, void (*visit)(struct sweep *sweep, uint64_t offset))
{
    uint64_t offset = 0;
    while (offset < sweep->text.size) {
        bool decoded = decode(sweep, sweep->text.bytes + offset, sweep->text.size - offset,
                              sweep->text.address + offset, sweep->original);
        size_t size = decoded ? sweep->original->size : 1;
        visit(sweep, offset);
        offset += size;
    }
}

static void visit_to_mark(struct sweep *sweep, uint64_t offset)
{
    if (sweep->original->id == X86_INS_CALL &&
        sweep->original->address == sweep->text.address + offset)
        mark_call(sweep, sweep->original);
}

static struct code_section find_text(Elf *elf)
{
    size_t names;
    assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        assert_non_null(gelf_getshdr(section, &header));
        const char *name = elf_strptr(elf, names, header.sh_name);
        if (!name || strcmp(name, ".text") != 0)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        assert_non_null(data);
        return (struct code_section){data->d_buf, header.sh_addr, data->d_size,
                                     elf_ndxscn(section)};
    }
    fail_msg("no .text");
    return (struct code_section){0};
}

static void mark_functions(struct sweep *sweep, Elf *elf)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        assert_non_null(gelf_getshdr(section, &header));
        if (header.sh_type != SHT_DYNSYM)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        assert_non_null(data);
        GElf_Sym symbol;
        for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
            int type = GELF_ST_TYPE(symbol.st_info);
            if ((type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx == sweep->text.index)
                mark(sweep, symbol.st_value);
        }
    }
}

static void report(const char *what, const struct count *count, size_t least_per_mille)
{
    print_message("%s: %zu of %zu relocated\n", what, count->relocated, count->places);
    assert_true(count->relocated * 1000 >= count->places * least_per_mille);
}

static void nearly_every_place_in_libc_has_a_faithful_copy(void **state)
{
    (void)state;
    Dl_info info;
    assert_int_not_equal(dladdr((void *)(uintptr_t)gnu_get_libc_version, &info), 0);
    int fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    assert_non_null(elf);

    struct sweep sweep = {.relocator = relocator_create(), .text = find_text(elf)};
    assert_non_null(sweep.relocator);
    assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &sweep.capstone), CS_ERR_OK);
    assert_int_equal(cs_option(sweep.capstone, CS_OPT_DETAIL, CS_OPT_ON), CS_ERR_OK);
    sweep.original = cs_malloc(sweep.capstone);
    sweep.copied = cs_malloc(sweep.capstone);
    assert_non_null(sweep.original);
    assert_non_null(sweep.copied);
    sweep.probed = calloc(sweep.text.size, sizeof *sweep.probed);
    assert_non_null(sweep.probed);
    mark_functions(&sweep, elf);
    walk(&sweep, visit_to_mark);
    walk(&sweep, try_place);
    assert_true(sweep.probes.places > 10000);
    report("entries and return addresses", &sweep.probes, 999);
    report("all instructions", &sweep.all, 990);

    free(sweep.probed);
    cs_free(sweep.original, 1);
    cs_free(sweep.copied, 1);
    cs_close(&sweep.capstone);
    relocator_destroy(sweep.relocator);
    elf_end(elf);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearly_every_place_in_libc_has_a_faithful_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
