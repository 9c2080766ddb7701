/* SPDX-License-Identifier: MIT */
/*
 * arch.h - all that the tracer knows about the processor, behind functions: registers, the calling
 * convention, the breakpoint instruction, injected system calls. arch_x86_64.c is the one
 * implementation; relocate.c holds the instruction rewriting that belongs to it.
 */
#ifndef ALLOCPTRACE_TRACER_ARCH_H
#define ALLOCPTRACE_TRACER_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "symbols/unwind.h"

struct seccomp_data;

#define ARCH_NAME "x86_64"
#define ARCH_ELF_MACHINE 62 /* EM_X86_64, elf.h */

/* The general registers of a stopped thread, fetched once a stop (PTRACE_GETREGS). */
struct arch_registers {
    struct user_regs_struct user;
};

uint64_t arch_ip(const struct arch_registers *registers);
uint64_t arch_sp(const struct arch_registers *registers);
void arch_set_ip(struct arch_registers *registers, uint64_t ip);
/* Moves the stack pointer up, by size bytes. */
void arch_pop(struct arch_registers *registers, uint64_t size);
/* Offset of the instruction pointer in struct user, for PTRACE_POKEUSER. */
extern const size_t arch_ip_user_offset;

/* Integer argument number index (0 to 5) at a function's first instruction. */
uint64_t arch_argument(const struct arch_registers *registers, unsigned index);
/* A function's integer result just after its return. */
uint64_t arch_result(const struct arch_registers *registers);

/* Stack pointer just after the return of a call that was entered with sp: the return address has
 * been popped. */
#define ARCH_CALL_POPS 8

/* Bytes below the stack pointer that belong to the running function (psABI 3.2.2). */
#define ARCH_RED_ZONE 128

/* Thread pointer: the C library's thread descriptor, above the thread's stack. */
uint64_t arch_thread_pointer(const struct arch_registers *registers);

/*
 * Registers that may hold pointers, for whoever looks for these: calls visit for each word of the
 * general ones, or of the extended state (vector registers and the like), that is not zero. name is
 * static; the words of a long register have the name of the one that they were added with (xmm0,
 * ymm0, zmm0).
 */
typedef void arch_register_visit(const char *name, uint64_t value, void *data);
void arch_general_words(const struct arch_registers *registers, arch_register_visit *visit,
                        void *data);
/* Those general ones that a call preserves. */
void arch_preserved_words(const struct arch_registers *registers, arch_register_visit *visit,
                          void *data);
void arch_extended_words(const void *state, size_t size, arch_register_visit *visit, void *data);
/* The extended state for PTRACE_GETREGSET: the note's type (NT_X86_XSTATE) and room for it. */
#define ARCH_EXTENDED_NOTE 0x202
#define ARCH_EXTENDED_MAX 16384
#define ARCH_STACK_POINTER_NAME "rsp"
#define ARCH_THREAD_POINTER_NAME "fs_base"

/* The breakpoint instruction: int3, one byte; the trap is reported behind it. */
#define ARCH_BREAKPOINT_BYTE 0xcc
uint64_t arch_breakpoint_address(const struct arch_registers *registers);

/* Whether one of the instructions may be a system call or store the trap flag: these cannot be
 * single-stepped in the program's stead. Looks at bytes only, and may be wrong in saying yes. */
bool arch_may_not_be_stepped(const uint8_t *code, size_t size);

void arch_unwind_registers(const struct arch_registers *registers, struct unwind_registers *out);

/* Bytes of an instruction that enters the kernel, to look for in executable mappings. */
extern const uint8_t arch_syscall_instruction[2];
/* The same followed by a jump to itself: a thread that made a system call there does no more until
 * it is moved elsewhere. */
extern const uint8_t arch_syscall_and_wait[4];

/*
 * Turns registers into those of a thread about to execute the system call instruction at address
 * with these arguments; an interrupted system call of the thread's own is not restarted meanwhile.
 */
void arch_prepare_syscall(struct arch_registers *registers, uint64_t address, long number,
                          const uint64_t arguments[6]);
/* The same call as a seccomp filter sees it. */
void arch_describe_syscall(struct seccomp_data *call, uint64_t address, long number,
                           const uint64_t arguments[6]);
/* Whether the registers are those of a thread whose own system call was interrupted and is to be
 * restarted by the kernel (-ERESTARTSYS and its kin, include/linux/errno.h). */
bool arch_restart_pending(const struct arch_registers *registers);
/*
 * Turns the registers of a thread whose wait was interrupted for nothing (-EINTR) into those of one
 * that is about to make the same call again; false, and nothing is changed, if it is no such call.
 * Only of calls that the kernel does not restart by itself (ptrace(2), BUGS), and only of those
 * without a timeout, for that would begin anew.
 */
bool arch_wait_again(struct arch_registers *registers);
/* The number of the system call that the thread is in; -1 for none. */
long arch_syscall_number(const struct arch_registers *registers);
/* The result at the system call's exit: a value or a negative errno. */
int64_t arch_syscall_result(const struct arch_registers *registers);

#endif
