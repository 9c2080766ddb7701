/* SPDX-License-Identifier: MIT */
/* Registers as places where a pointer may be. */
#include <cpuid.h>
#include <pthread.h>
#include <string.h>

#include "tracer/arch.h"

/* preserved: by calls (System V ABI, x86-64 supplement, 3.2.1). */
static void visit_general(const struct arch_registers *registers, bool preserved,
                          arch_register_visit *visit, void *data)
{
    const struct user_regs_struct *user = &registers->user;
    const struct {
        const char *name;
        uint64_t value;
        bool preserved;
    } words[] = {
        {"rax", user->rax, false},        {"rbx", user->rbx, true},
        {"rcx", user->rcx, false},        {"rdx", user->rdx, false},
        {"rsi", user->rsi, false},        {"rdi", user->rdi, false},
        {"rbp", user->rbp, true},         {ARCH_STACK_POINTER_NAME, user->rsp, true},
        {"r8", user->r8, false},          {"r9", user->r9, false},
        {"r10", user->r10, false},        {"r11", user->r11, false},
        {"r12", user->r12, true},         {"r13", user->r13, true},
        {"r14", user->r14, true},         {"r15", user->r15, true},
        {"rip", user->rip, true},         {ARCH_THREAD_POINTER_NAME, user->fs_base, true},
        {"gs_base", user->gs_base, true},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].value && (words[i].preserved || !preserved))
            visit(words[i].name, words[i].value, data);
    }
}

void arch_general_words(const struct arch_registers *registers, arch_register_visit *visit,
                        void *data)
{
    visit_general(registers, false, visit, data);
}

void arch_preserved_words(const struct arch_registers *registers, arch_register_visit *visit,
                          void *data)
{
    visit_general(registers, true, visit, data);
}

#define ROW(prefix)                                                                                \
    {                                                                                              \
        prefix "0", prefix "1", prefix "2", prefix "3", prefix "4", prefix "5", prefix "6",        \
            prefix "7", prefix "8", prefix "9", prefix "10", prefix "11", prefix "12",             \
            prefix "13", prefix "14", prefix "15"                                                  \
    }
static const char *const mm[] = ROW("mm");
static const char *const xmm[] = ROW("xmm");
static const char *const ymm[] = ROW("ymm");
static const char *const zmm[] = ROW("zmm");
static const char *const mask[] = ROW("k");
static const char *const upper_zmm[] = {"zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21",
                                        "zmm22", "zmm23", "zmm24", "zmm25", "zmm26", "zmm27",
                                        "zmm28", "zmm29", "zmm30", "zmm31"};
static const char *const upper_general[] = {"r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23",
                                            "r24", "r25", "r26", "r27", "r28", "r29", "r30", "r31"};

/* A part of the state as XSAVE lays it out (Intel SDM, volume 1, chapter 13): registers of bytes
 * each, stride apart. */
struct part {
    unsigned component; /* 0 and 1 are at a fixed offset, the others where the processor says */
    unsigned offset, count, bytes, stride;
    const char *const *names;
};

static const struct part parts[] = {
    {0, 32, 8, 8, 16, mm},
    {1, 160, 16, 16, 16, xmm},
    {2, 0, 16, 16, 16, ymm},
    {5, 0, 8, 8, 8, mask},
    {6, 0, 16, 32, 32, zmm},
    {7, 0, 16, 64, 64, upper_zmm},
    {19, 0, 16, 8, 8, upper_general},
};

#define PARTS (sizeof parts / sizeof *parts)

/* Where the parts are, asked of the processor once: each time is long where that is emulated. */
static size_t offsets[PARTS];
static pthread_once_t asked = PTHREAD_ONCE_INIT;

static void ask(void)
{
    for (size_t i = 0; i < PARTS; i++) {
        unsigned size, offset, flags, reserved;
        const struct part *part = &parts[i];
        offsets[i] = part->offset;
        if (part->component < 2)
            continue;
        offsets[i] = SIZE_MAX;
        if (__get_cpuid_count(0xd, part->component, &size, &offset, &flags, &reserved) &&
            size >= part->count * part->stride)
            offsets[i] = offset;
    }
}

void arch_extended_words(const void *state, size_t size, arch_register_visit *visit, void *data)
{
    pthread_once(&asked, ask);
    for (size_t i = 0; i < PARTS; i++) {
        const struct part *part = &parts[i];
        size_t offset = offsets[i];
        if (offset > size || size - offset < part->count * (size_t)part->stride)
            continue;
        for (size_t at = 0; at < (size_t)part->count * part->bytes; at += 8) {
            size_t number = at / part->bytes;
            uint64_t word;
            memcpy(&word, (const char *)state + offset + number * part->stride + at % part->bytes,
                   sizeof word);
            if (word)
                visit(part->names[number], word, data);
        }
    }
}
