/* SPDX-License-Identifier: MIT */
/*
 * Executes instructions in place and as copies, from the same registers, flags, stack and data,
 * and compares everything afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "tests/unit/machine.h"
#include "tracer/relocate.h"

/* ---- Where things are ---- */

enum {
    REGION_SIZE = 0x10000,
    CODE = 0x1000, /* the original instruction */
    NEAR = 0x1060, /* a branch target that 8 bits reach */
    AWAY = 0x2000, /* one that they do not reach */
    SLOT = 0x8000, /* the copy */
    DATA = 0xa000, /* operands */
    DATA_SIZE = 0x1000,
    POINTER = DATA + 64, /* holds the address of AWAY */
    STACK = 0xc000,
    STACK_SIZE = 0x2000,
    TOP = STACK + STACK_SIZE / 2, /* RSP; the address of NEAR is there */
    LANDED = 0xf000,              /* tells which landing was reached */
    RED_ZONE = 128,
};

enum landing { LANDED_NOWHERE, LANDED_BEHIND, LANDED_NEAR, LANDED_AWAY };

static uint8_t *region;
static uint8_t *remote; /* REGION_SIZE bytes, out of reach of a 32-bit displacement */
static struct relocator *relocator;

static uint64_t address_of(uint64_t offset)
{
    return (uint64_t)(uintptr_t)region + offset;
}

static void put_landing(uint64_t offset, enum landing landing)
{
    uint8_t code[] = {0xc6, 0x05, 0, 0, 0, 0, (uint8_t)landing, /* mov byte [rip+x], imm8 */
                      0xff, 0x25, 0, 0, 0, 0,                   /* jmp [rip+0] */
                      0,    0,    0, 0, 0, 0, 0,
                      0};
    int32_t displacement = (int32_t)(LANDED - (offset + 7));
    uint64_t leave = (uint64_t)(uintptr_t)machine_leave;
    memcpy(code + 2, &displacement, sizeof displacement);
    memcpy(code + 13, &leave, sizeof leave);
    memcpy(region + offset, code, sizeof code);
}

static void *map(uint64_t hint)
{
    void *mapped = mmap((void *)(uintptr_t)hint, REGION_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    return mapped;
}

static int start(void **state)
{
    (void)state;
    relocator = relocator_create();
    assert_non_null(relocator);
    region = map(0);
    remote = map(address_of(0) - (UINT64_C(64) << 30));
    assert_true((uint64_t)(region - remote) > (UINT64_C(4) << 30));
    return 0;
}

static int end(void **state)
{
    (void)state;
    munmap(region, REGION_SIZE);
    munmap(remote, REGION_SIZE);
    relocator_destroy(relocator);
    return 0;
}

/* ---- Cases ---- */

enum patch {
    AS_IS,
    RIP_RELATIVE, /* a 32-bit displacement at patch_at becomes that of POINTER */
    TO_NEAR_8,    /* the last byte becomes the displacement of NEAR */
    TO_AWAY_32,   /* the last four become that of AWAY */
};

struct code {
    const char *name;
    uint8_t size;
    uint8_t bytes[24];
    enum patch patch;
    uint8_t patch_at;
    bool calls; /* what lies below RSP afterwards is the callee's */
};

/* RBX and RSI point into DATA, R11 and RDX hold the address of AWAY. */
static const struct code codes[] = {
    {"mov rax, rbx", 3, {0x48, 0x89, 0xd8}, AS_IS, 0, false},
    {"add rax, r8", 3, {0x4c, 0x01, 0xc0}, AS_IS, 0, false},
    {"sub rsp, 0x28", 4, {0x48, 0x83, 0xec, 0x28}, AS_IS, 0, false},
    {"mov [rsp-8], rdi", 5, {0x48, 0x89, 0x7c, 0x24, 0xf8}, AS_IS, 0, false},
    {"xor eax, eax", 2, {0x31, 0xc0}, AS_IS, 0, false},
    {"endbr64", 4, {0xf3, 0x0f, 0x1e, 0xfa}, AS_IS, 0, false},
    {"movabs r9, imm64", 10, {0x49, 0xb9, 1, 2, 3, 4, 5, 6, 7, 8}, AS_IS, 0, false},
    {"mov rax, fs:[0]", 9, {0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0}, AS_IS, 0, false},
    {"rep stosb, rcx", 2, {0xf3, 0xaa}, AS_IS, 0, false},
    {"lock add [rbx], eax", 3, {0xf0, 0x01, 0x03}, AS_IS, 0, false},
    {"nop word [rax+rax]", 9, {0x66, 0x0f, 0x1f, 0x84, 0, 0, 2, 0, 0}, AS_IS, 0, false},
    {"push rbp; mov rbp, rsp", 4, {0x55, 0x48, 0x89, 0xe5}, AS_IS, 0, false},
    {"push rbp; push rbx", 2, {0x55, 0x53}, AS_IS, 0, false},
    {"pop rax; (landing)", 1, {0x58}, AS_IS, 0, false},
    {"nop; ret", 2, {0x90, 0xc3}, AS_IS, 0, true},
    {"push rax; call away", 6, {0x50, 0xe8}, TO_AWAY_32, 0, true},
    {"push rax; jne near", 3, {0x50, 0x75}, TO_NEAR_8, 0, false},
    {"push rbx; call [rip+x]", 7, {0x53, 0xff, 0x15}, RIP_RELATIVE, 3, true},
    {"cmc; jb away", 7, {0xf5, 0x0f, 0x82}, TO_AWAY_32, 0, false},
    {"nop; loop near", 3, {0x90, 0xe2}, TO_NEAR_8, 0, false},

    {"mov rax, [rip+x]", 7, {0x48, 0x8b, 0x05}, RIP_RELATIVE, 3, false},
    {"lea r10, [rip+x]", 7, {0x4c, 0x8d, 0x15}, RIP_RELATIVE, 3, false},
    {"cmp byte [rip+x], 5", 7, {0x80, 0x3d, 0, 0, 0, 0, 5}, RIP_RELATIVE, 2, false},
    {"mov dword [rip+x], imm32", 10, {0xc7, 0x05, 0, 0, 0, 0, 9, 8, 7, 6}, RIP_RELATIVE, 2, false},
    {"mov word [rip+x], imm16", 9, {0x66, 0xc7, 0x05, 0, 0, 0, 0, 9, 8}, RIP_RELATIVE, 3, false},
    {"lock inc dword [rip+x]", 7, {0xf0, 0xff, 0x05}, RIP_RELATIVE, 3, false},
    {"push [rip+x]", 6, {0xff, 0x35}, RIP_RELATIVE, 2, false},
    {"pop [rip+x]", 6, {0x8f, 0x05}, RIP_RELATIVE, 2, false},
    {"prefetcht0 [rip+x]", 7, {0x0f, 0x18, 0x0d}, RIP_RELATIVE, 3, false},
    {"nop [rip+x]", 7, {0x0f, 0x1f, 0x05}, RIP_RELATIVE, 3, false},
    {"movups xmm0, [rip+x]", 7, {0x0f, 0x10, 0x05}, RIP_RELATIVE, 3, false},
    {"pshufd xmm1, [rip+x], 27",
     9,
     {0x66, 0x0f, 0x70, 0x0d, 0, 0, 0, 0, 27},
     RIP_RELATIVE,
     4,
     false},
    {"fld [rip+x]", 6, {0xdd, 0x05}, RIP_RELATIVE, 2, false},
    {"fstp [rip+x]", 6, {0xdd, 0x1d}, RIP_RELATIVE, 2, false},

    {"call away", 5, {0xe8}, TO_AWAY_32, 0, true},
    {"data16 data16 rex.W call away", 8, {0x66, 0x66, 0x48, 0xe8}, TO_AWAY_32, 0, true},
    {"bnd call away", 6, {0xf2, 0xe8}, TO_AWAY_32, 0, true},
    {"call r11", 3, {0x41, 0xff, 0xd3}, AS_IS, 0, true},
    {"call rdx", 2, {0xff, 0xd2}, AS_IS, 0, true},
    {"bnd call rdx", 3, {0xf2, 0xff, 0xd2}, AS_IS, 0, true},
    {"notrack call rdx", 3, {0x3e, 0xff, 0xd2}, AS_IS, 0, true},
    {"call [rip+x]", 6, {0xff, 0x15}, RIP_RELATIVE, 2, true},
    {"call [rbx]", 2, {0xff, 0x13}, AS_IS, 0, true},
    {"call [rbx+0]", 3, {0xff, 0x53, 0}, AS_IS, 0, true},
    {"call [rsi+rcx*8]", 3, {0xff, 0x14, 0xce}, AS_IS, 0, true},
    {"call [rsp]", 3, {0xff, 0x14, 0x24}, AS_IS, 0, true},
    {"call [rsp+8]", 4, {0xff, 0x54, 0x24, 8}, AS_IS, 0, true},
    {"call [rsp+0x100]", 7, {0xff, 0x94, 0x24, 0, 1, 0, 0}, AS_IS, 0, true},
    {"call [rsp-8], which the push overwrites", 4, {0xff, 0x54, 0x24, 0xf8}, AS_IS, 0, true},
    {"call [rsp-16]", 4, {0xff, 0x54, 0x24, 0xf0}, AS_IS, 0, true},

    {"jmp near", 2, {0xeb}, TO_NEAR_8, 0, false},
    {"jmp away", 5, {0xe9}, TO_AWAY_32, 0, false},
    {"bnd jmp away", 6, {0xf2, 0xe9}, TO_AWAY_32, 0, false},
    {"jmp r11", 3, {0x41, 0xff, 0xe3}, AS_IS, 0, false},
    {"notrack jmp rdx", 3, {0x3e, 0xff, 0xe2}, AS_IS, 0, false},
    {"jmp [rip+x]", 6, {0xff, 0x25}, RIP_RELATIVE, 2, false},
    {"jmp [rsp]", 3, {0xff, 0x24, 0x24}, AS_IS, 0, false},
    {"ret", 1, {0xc3}, AS_IS, 0, false},
    {"rep ret", 2, {0xf3, 0xc3}, AS_IS, 0, false},
    {"ret 24", 3, {0xc2, 24, 0}, AS_IS, 0, false},

    {"jo near", 2, {0x70}, TO_NEAR_8, 0, false},
    {"jno near", 2, {0x71}, TO_NEAR_8, 0, false},
    {"jb near", 2, {0x72}, TO_NEAR_8, 0, false},
    {"jae near", 2, {0x73}, TO_NEAR_8, 0, false},
    {"je near", 2, {0x74}, TO_NEAR_8, 0, false},
    {"jne near", 2, {0x75}, TO_NEAR_8, 0, false},
    {"jbe near", 2, {0x76}, TO_NEAR_8, 0, false},
    {"ja near", 2, {0x77}, TO_NEAR_8, 0, false},
    {"js near", 2, {0x78}, TO_NEAR_8, 0, false},
    {"jns near", 2, {0x79}, TO_NEAR_8, 0, false},
    {"jp near", 2, {0x7a}, TO_NEAR_8, 0, false},
    {"jnp near", 2, {0x7b}, TO_NEAR_8, 0, false},
    {"jl near", 2, {0x7c}, TO_NEAR_8, 0, false},
    {"jge near", 2, {0x7d}, TO_NEAR_8, 0, false},
    {"jle near", 2, {0x7e}, TO_NEAR_8, 0, false},
    {"jg near", 2, {0x7f}, TO_NEAR_8, 0, false},
    {"je away", 6, {0x0f, 0x84}, TO_AWAY_32, 0, false},
    {"jne away", 6, {0x0f, 0x85}, TO_AWAY_32, 0, false},
    {"branch hint, jg away", 7, {0x3e, 0x0f, 0x8f}, TO_AWAY_32, 0, false},
    {"jrcxz near", 2, {0xe3}, TO_NEAR_8, 0, false},
    {"jecxz near", 3, {0x67, 0xe3}, TO_NEAR_8, 0, false},
    {"loop near", 2, {0xe2}, TO_NEAR_8, 0, false},
    {"loope near", 2, {0xe1}, TO_NEAR_8, 0, false},
    {"loopne near", 2, {0xe0}, TO_NEAR_8, 0, false},
    {"addr32 loop near", 3, {0x67, 0xe2}, TO_NEAR_8, 0, false},
};

/* For processors that have them. */
static const struct code avx2_codes[] = {
    {"vmovdqu xmm0, [rip+x]", 8, {0xc5, 0xfa, 0x6f, 0x05}, RIP_RELATIVE, 4, false},
    {"vpbroadcastd xmm0, [rip+x]", 9, {0xc4, 0xe2, 0x79, 0x58, 0x05}, RIP_RELATIVE, 5, false},
    {"vpalignr xmm0, xmm1, [rip+x], 3",
     10,
     {0xc4, 0xe3, 0x71, 0x0f, 0x05, 0, 0, 0, 0, 3},
     RIP_RELATIVE,
     5,
     false},
    {"vpaddd xmm0, xmm0, xmm1", 4, {0xc5, 0xf9, 0xfe, 0xc1}, AS_IS, 0, false},
    {"vzeroupper, whose opcode is that of ja", 3, {0xc5, 0xf8, 0x77}, AS_IS, 0, false},
};

static const struct code avx512_codes[] = {
    {"vmovdqu64 xmm0, [rip+x]", 10, {0x62, 0xf1, 0xfe, 0x08, 0x6f, 0x05}, RIP_RELATIVE, 6, false},
    {"vpaddd xmm0, xmm1, [rip+x]{1to4}",
     10,
     {0x62, 0xf1, 0x75, 0x18, 0xfe, 0x05},
     RIP_RELATIVE,
     6,
     false},
    {"vmovdqu64 xmm16, [rbx]", 6, {0x62, 0xe1, 0xfe, 0x08, 0x6f, 0x03}, AS_IS, 0, false},
};

static void put_original(const struct code *code)
{
    memset(region + CODE, 0xcc, NEAR - CODE);
    memcpy(region + CODE, code->bytes, code->size);
    put_landing(CODE + code->size, LANDED_BEHIND);
    put_landing(NEAR, LANDED_NEAR);
    put_landing(AWAY, LANDED_AWAY);
    uint64_t behind = CODE + code->size;
    int32_t displacement;
    switch (code->patch) {
    case AS_IS:
        break;
    case RIP_RELATIVE:
        displacement = (int32_t)(POINTER - behind);
        memcpy(region + CODE + code->patch_at, &displacement, sizeof displacement);
        break;
    case TO_NEAR_8:
        region[behind - 1] = (uint8_t)(NEAR - behind);
        break;
    case TO_AWAY_32:
        displacement = (int32_t)(AWAY - behind);
        memcpy(region + behind - sizeof displacement, &displacement, sizeof displacement);
        break;
    }
}

/* ---- Running ---- */

struct outcome {
    struct machine machine;
    uint8_t data[DATA_SIZE];
    uint8_t stack[STACK_SIZE];
    uint8_t landed;
};

static void put_u64(uint64_t offset, uint64_t value)
{
    memcpy(region + offset, &value, sizeof value);
}

static void run(uint64_t start_address, uint64_t flags, uint64_t rcx, struct outcome *outcome)
{
    for (uint64_t i = 0; i < DATA_SIZE; i++)
        region[DATA + i] = (uint8_t)(i * 7);
    memset(region + STACK, 0x5a, STACK_SIZE);
    put_u64(TOP, address_of(NEAR));
    static const int pointers[] = {-16, -8, 8, 0x100};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
        put_u64((uint64_t)(TOP + pointers[i]), address_of(AWAY));
    for (uint64_t i = 0; i < 3; i++) /* at POINTER + RCX * 8 for each RCX */
        put_u64(POINTER + i * 8, address_of(AWAY));
    region[LANDED] = LANDED_NOWHERE;

    machine = (struct machine){.flags = flags, .start = start_address};
    for (unsigned i = 0; i < REGISTERS; i++)
        machine.registers[i] = UINT64_C(0x0101010101010101) * (i + 1);
    machine.registers[RBX] = machine.registers[RSI] = address_of(POINTER);
    machine.registers[RDI] = address_of(DATA + 0x400);
    machine.registers[RDX] = machine.registers[R11] = address_of(AWAY);
    machine.registers[RCX] = rcx;
    machine.registers[RBP] = address_of(TOP + 0x40);
    machine.registers[RSP] = address_of(TOP);
    for (unsigned i = 0; i < sizeof machine.vectors; i++)
        machine.vectors[i / 16][i % 16] = (uint8_t)(i * 3);
    machine_run();

    machine.start = machine.host_sp = 0;
    outcome->machine = machine;
    memcpy(outcome->data, region + DATA, sizeof outcome->data);
    memcpy(outcome->stack, region + STACK, sizeof outcome->stack);
    outcome->landed = region[LANDED];
}

/* Of CF, PF, AF, ZF, SF and OF: none, all, and some that tell the signed conditions apart. */
static const uint64_t flag_sets[] = {0x202, 0xad7, 0x282, 0xa02, 0x242};

static void compare(const struct code *code, uint64_t copy_address)
{
    for (size_t i = 0; i < sizeof flag_sets / sizeof *flag_sets; i++) {
        for (uint64_t rcx = 0; rcx < 3; rcx++) {
            static struct outcome original, copy;
            run(address_of(CODE), flag_sets[i], rcx, &original);
            run(copy_address, flag_sets[i], rcx, &copy);
            assert_int_not_equal(original.landed, LANDED_NOWHERE);
            if (copy.landed != original.landed)
                fail_msg("%s: landed at %d, not %d", code->name, copy.landed, original.landed);
            if (memcmp(&copy.machine, &original.machine, sizeof copy.machine) != 0)
                fail_msg("%s: registers differ", code->name);
            if (memcmp(copy.data, original.data, sizeof copy.data) != 0)
                fail_msg("%s: data differ", code->name);
            uint64_t live = original.machine.registers[RSP] - address_of(STACK);
            if (!code->calls)
                live -= RED_ZONE;
            if (memcmp(copy.stack + live, original.stack + live, STACK_SIZE - live) != 0)
                fail_msg("%s: stacks differ", code->name);
        }
    }
}

static void put_copy(const struct code *code, uint8_t *slot, struct relocated *relocated)
{
    put_original(code);
    const char *reason = relocate(relocator, region + CODE, 30, address_of(CODE),
                                  (uint64_t)(uintptr_t)slot, relocated);
    if (reason)
        fail_msg("%s: %s", code->name, reason);
    assert_true(relocated->length >= code->size || relocated->length > 1);
    memset(slot, 0xcc, RELOCATE_MAX_CODE);
    memcpy(slot, relocated->code, relocated->size);
}

static void compare_all(const struct code *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct relocated relocated;
        put_copy(&list[i], region + SLOT, &relocated);
        compare(&list[i], address_of(SLOT));
    }
}

static void a_copy_does_what_the_original_does(void **state)
{
    (void)state;
    compare_all(codes, sizeof codes / sizeof *codes);
}

static void a_copy_of_vector_code_does_what_the_original_does(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2"))
        skip();
    compare_all(avx2_codes, sizeof avx2_codes / sizeof *avx2_codes);
    if (__builtin_cpu_supports("avx512vl"))
        compare_all(avx512_codes, sizeof avx512_codes / sizeof *avx512_codes);
}

static void a_copy_out_of_reach_works_unless_an_operand_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const struct code *code = &codes[i];
        struct relocated relocated;
        put_original(code);
        const char *reason = relocate(relocator, region + CODE, 30, address_of(CODE),
                                      (uint64_t)(uintptr_t)remote, &relocated);
        if (reason) {
            if (code->patch != RIP_RELATIVE || !strstr(reason, "out of reach"))
                fail_msg("%s: %s", code->name, reason);
            continue;
        }
        /* Where only the second instruction is out of reach, the first is copied alone. */
        if (code->patch == RIP_RELATIVE)
            assert_int_equal(relocated.length, 1);
        memcpy(remote, relocated.code, relocated.size);
        compare(code, (uint64_t)(uintptr_t)remote);
    }
}

/* Makes a thread that comes to the place go on at the equivalent one in the original code. */
static void leave_at(uint8_t *slot, const struct relocated_place *place)
{
    uint8_t *leave = slot + RELOCATE_MAX_CODE;
    const uint8_t pop[] = {0x48, 0x8d, 0x64, 0x24, place->pushed}; /* lea pushed(%rsp), %rsp */
    const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};               /* jmp *0(%rip) */
    memcpy(leave, pop, sizeof pop);
    memcpy(leave + sizeof pop, jump, sizeof jump);
    memcpy(leave + sizeof pop + sizeof jump, &place->ip, sizeof place->ip);
    slot[place->offset] = 0xeb; /* jmp rel8 */
    slot[place->offset + 1] = (uint8_t)(RELOCATE_MAX_CODE - place->offset - 2);
}

static void leaving_a_copy_anywhere_does_what_the_original_does(void **state)
{
    (void)state;
    uint8_t *const slots[] = {region + SLOT, remote};
    for (size_t i = 0; i < sizeof codes / sizeof *codes * 2; i++) {
        const struct code *code = &codes[i / 2];
        uint8_t *slot = slots[i % 2];
        struct relocated relocated;
        put_original(code);
        if (relocate(relocator, region + CODE, 30, address_of(CODE), (uint64_t)(uintptr_t)slot,
                     &relocated))
            continue;
        assert_true(relocated.place_count > 0 && relocated.places[0].offset == 0);
        for (size_t j = 0; j < relocated.place_count; j++) {
            memcpy(slot, relocated.code, relocated.size);
            leave_at(slot, &relocated.places[j]);
            compare(code, (uint64_t)(uintptr_t)slot);
        }
    }
}

/* A system call: RCX receives the address behind it, which is in the slot. */
static void a_system_call_differs_in_rcx_only(void **state)
{
    (void)state;
    static const struct code code = {"syscall", 2, {0x0f, 0x05}, AS_IS, 0, false};
    struct relocated relocated;
    static struct outcome original, copy;
    put_copy(&code, region + SLOT, &relocated);
    run(address_of(CODE), 0x202, 0, &original); /* RAX is no call's number: ENOSYS */
    run(address_of(SLOT), 0x202, 0, &copy);
    assert_int_equal(original.machine.registers[RCX], address_of(CODE) + 2);
    assert_int_equal(copy.machine.registers[RCX], address_of(SLOT) + 2);
    original.machine.registers[RCX] = copy.machine.registers[RCX] = 0;
    assert_memory_equal(&original.machine, &copy.machine, sizeof copy.machine);
    assert_int_equal(copy.landed, LANDED_BEHIND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_does_what_the_original_does),
        cmocka_unit_test(a_copy_of_vector_code_does_what_the_original_does),
        cmocka_unit_test(a_copy_out_of_reach_works_unless_an_operand_is),
        cmocka_unit_test(leaving_a_copy_anywhere_does_what_the_original_does),
        cmocka_unit_test(a_system_call_differs_in_rcx_only),
    };
    return cmocka_run_group_tests(tests, start, end);
}
