/* SPDX-License-Identifier: MIT */
#include "tracer/arch.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

const size_t arch_ip_user_offset = offsetof(struct user, regs.rip);
const uint8_t arch_syscall_instruction[2] = {0x0f, 0x05};
const uint8_t arch_syscall_and_wait[4] = {0x0f, 0x05, 0xeb, 0xfe};

uint64_t arch_ip(const struct arch_registers *registers)
{
    return registers->user.rip;
}

uint64_t arch_sp(const struct arch_registers *registers)
{
    return registers->user.rsp;
}

void arch_set_ip(struct arch_registers *registers, uint64_t ip)
{
    registers->user.rip = ip;
}

void arch_pop(struct arch_registers *registers, uint64_t size)
{
    registers->user.rsp += size;
}

uint64_t arch_argument(const struct arch_registers *registers, unsigned index)
{
    /* System V x86-64 psABI, section 3.2.3. */
    switch (index) {
    case 0:
        return registers->user.rdi;
    case 1:
        return registers->user.rsi;
    case 2:
        return registers->user.rdx;
    case 3:
        return registers->user.rcx;
    case 4:
        return registers->user.r8;
    case 5:
        return registers->user.r9;
    default:
        return 0;
    }
}

uint64_t arch_result(const struct arch_registers *registers)
{
    return registers->user.rax;
}

uint64_t arch_thread_pointer(const struct arch_registers *registers)
{
    return registers->user.fs_base;
}

uint64_t arch_breakpoint_address(const struct arch_registers *registers)
{
    return registers->user.rip - 1;
}

bool arch_may_not_be_stepped(const uint8_t *code, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool enters =
            i + 1 < size && code[i] == 0x0f && (code[i + 1] == 0x05 || code[i + 1] == 0x34);
        if (enters || code[i] == 0x9c) /* syscall, sysenter; pushf */
            return true;
    }
    return false;
}

void arch_unwind_registers(const struct arch_registers *registers, struct unwind_registers *out)
{
    const struct user_regs_struct *user = &registers->user;
    /* DWARF register numbers: psABI figure 3.36. */
    const uint64_t values[UNWIND_REGISTERS] = {
        user->rax, user->rdx, user->rcx, user->rbx, user->rsi, user->rdi,
        user->rbp, user->rsp, user->r8,  user->r9,  user->r10, user->r11,
        user->r12, user->r13, user->r14, user->r15, user->rip,
    };
    for (size_t i = 0; i < UNWIND_REGISTERS; i++)
        out->value[i] = values[i];
}

void arch_prepare_syscall(struct arch_registers *registers, uint64_t address, long number,
                          const uint64_t arguments[6])
{
    struct user_regs_struct *user = &registers->user;
    user->rip = address;
    user->rax = (unsigned long)number;
    /* With orig_rax >= 0 and rax = -ERESTART* the kernel would move RIP back to restart the
     * thread's own interrupted call (arch/x86/kernel/signal.c, arch_do_signal_or_restart). */
    user->orig_rax = ~0UL;
    user->rdi = arguments[0];
    user->rsi = arguments[1];
    user->rdx = arguments[2];
    user->r10 = arguments[3];
    user->r8 = arguments[4];
    user->r9 = arguments[5];
}

void arch_describe_syscall(struct seccomp_data *call, uint64_t address, long number,
                           const uint64_t arguments[6])
{
    *call = (struct seccomp_data){
        .nr = (int)number,
        .arch = AUDIT_ARCH_X86_64,
        .instruction_pointer = address + sizeof arch_syscall_instruction,
    };
    for (size_t i = 0; i < 6; i++)
        call->args[i] = arguments[i];
}

long arch_syscall_number(const struct arch_registers *registers)
{
    return (long)registers->user.orig_rax;
}

int64_t arch_syscall_result(const struct arch_registers *registers)
{
    return (int64_t)registers->user.rax;
}

bool arch_restart_pending(const struct arch_registers *registers)
{
    /* ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK */
    int64_t result = arch_syscall_result(registers);
    return (int64_t)registers->user.orig_rax >= 0 &&
           (result == -512 || result == -513 || result == -514 || result == -516);
}

bool arch_wait_again(struct arch_registers *registers)
{
    struct user_regs_struct *user = &registers->user;
    bool endless;
    switch ((int64_t)user->orig_rax) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        endless = (int)user->r10 < 0;
        break;
    case SYS_epoll_pwait2:
    case SYS_semtimedop:
        endless = user->r10 == 0;
        break;
    case SYS_rt_sigtimedwait:
        endless = user->rdx == 0;
        break;
    case SYS_semop:
        endless = true;
        break;
    default:
        return false;
    }
    if (!endless || arch_syscall_result(registers) != -EINTR)
        return false;
    user->rax = user->orig_rax;
    user->rip -= sizeof arch_syscall_instruction;
    return true;
}
