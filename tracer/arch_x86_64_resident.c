/* SPDX-License-Identifier: MIT */
/*
 * arch_x86_64_resident.c - the resident code (resident.h): runs in the target as its SIGTRAP
 * handler.
 *
 * Freestanding and position-independent: no library, no static data, no vector registers, little
 * stack. All of it is in one section, which is copied as a whole.
 */
#include "tracer/resident.h"

#define IN_CODE __attribute__((section("resident")))

/* asm/siginfo.h, asm/signal.h, asm/unistd.h; the C library's headers would bring its types. */
enum {
    CODE_KERNEL = 0x80,     /* SI_KERNEL: int3, arch/x86/kernel/traps.c */
    CODE_SINGLE_STEPPED = 2 /* TRAP_TRACE */
};
enum { SYSCALL_SIGACTION = 13, SYSCALL_GETPID = 39, SYSCALL_GETTID = 186, SYSCALL_TGKILL = 234 };
enum { TRAP = 5 };
/* Offset of RIP in the handler's ucontext (arch/x86/include/uapi/asm/sigcontext.h). */
enum { CONTEXT_RIP = 40 + 16 * 8 };

/* A signal's return, and the place from which the tracer makes system calls. */
__asm__(".pushsection resident, \"ax\", @progbits\n"
        ".globl resident_code, resident_return, resident_syscall\n"
        ".hidden resident_code, resident_return, resident_syscall\n"
        "resident_code:\n"
        "resident_return:\n"
        "	mov $15, %eax\n" /* rt_sigreturn */
        "	syscall\n"
        "resident_syscall:\n"
        "	syscall\n"
        "1:	jmp 1b\n"
        ".popsection\n");

IN_CODE static long system_call(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

IN_CODE static const struct resident_breakpoint *find(const struct resident_header *region,
                                                      uint64_t address)
{
    const struct resident_breakpoint *list =
        (const struct resident_breakpoint *)((const char *)region + RESIDENT_SIZE);
    for (uint32_t i = region->listed; i > 0; i--) {
        if (list[-(int64_t)i].address == address)
            return &list[-(int64_t)i];
    }
    return 0;
}

/* Whether the trap was a breakpoint of the tracer that has died; *ip is where to go on. */
IN_CODE static int was_breakpoint(const struct resident_header *region, uint64_t *ip)
{
    for (; region; region = (const struct resident_header *)region->next) {
        uint64_t start = (uint64_t)region;
        const struct resident_breakpoint *hit = find(region, *ip - 1);
        if (hit) {
            /* Without a slot it comes back until the byte has been put back. */
            *ip = hit->slot ? start + hit->slot : hit->address;
            return 1;
        }
        /* The tracer had already sent the thread on, or back, when it died. */
        if ((*ip >= start && *ip < start + RESIDENT_SIZE) || find(region, *ip))
            return 1;
    }
    return 0;
}

/* As if the program had no handler: the signal ends it, with the registers as they were. */
IN_CODE static void die(int code, uint64_t *ip)
{
    const struct resident_action action = {.handler = RESIDENT_SIG_DFL};
    system_call(SYSCALL_SIGACTION, TRAP, (long)&action, 0, sizeof action.mask);
    if (code == CODE_KERNEL)
        *ip -= 1; /* the program's own int3: once more */
    else
        system_call(SYSCALL_TGKILL, system_call(SYSCALL_GETPID, 0, 0, 0, 0),
                    system_call(SYSCALL_GETTID, 0, 0, 0, 0), TRAP, 0);
}

/* The region that this copy of the code is in. */
IN_CODE static const struct resident_header *own_region(void)
{
    const char *code;
    __asm__("lea resident_code(%%rip), %0" : "=r"(code));
    return (const struct resident_header *)(code - RESIDENT_CODE_OFFSET);
}

IN_CODE void resident_handler(int signal, void *info, void *context)
{
    const struct resident_header *region = own_region();
    uint64_t *ip = (uint64_t *)((char *)context + CONTEXT_RIP);
    int code = ((const int *)info)[2];
    if (code == CODE_KERNEL && was_breakpoint(region, ip))
        return;
    uint64_t handler = region->own.handler;
    if (handler != RESIDENT_SIG_DFL && handler != RESIDENT_SIG_IGN) {
        ((void (*)(int, void *, void *))handler)(signal, info, context);
        return;
    }
    /* The tracer died while it single-stepped the thread: a program without a handler does not. */
    if (code == CODE_SINGLE_STEPPED)
        return;
    /* An int3 ends a program that ignores SIGTRAP, too (kernel/signal.c, force_sig_info). */
    if (handler == RESIDENT_SIG_DFL || code == CODE_KERNEL)
        die(code, ip);
}

__asm__(".pushsection resident, \"ax\", @progbits\n"
        ".globl resident_code_end\n"
        ".hidden resident_code_end\n"
        "resident_code_end:\n"
        ".popsection\n");
