/* SPDX-License-Identifier: MIT */
#include "tests/unit/machine.h"

#include <stddef.h>

_Static_assert(offsetof(struct machine, flags) == 128, "the code below knows the offset");
_Static_assert(offsetof(struct machine, start) == 136, "the code below knows the offset");
_Static_assert(offsetof(struct machine, host_sp) == 144, "the code below knows the offset");
_Static_assert(offsetof(struct machine, vectors) == 160, "the code below knows the offset");

struct machine machine;

__asm__(".pushsection .text\n"
        ".globl machine_run, machine_leave\n"
        ".type machine_run, @function\n"
        "machine_run:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "  mov %rsp, machine+144(%rip)\n"
        "  movups machine+160(%rip), %xmm0\n"
        "  movups machine+176(%rip), %xmm1\n"
        "  pushq machine+128(%rip)\n"
        "  popfq\n"
        "  mov machine+0(%rip), %rax;   mov machine+8(%rip), %rbx\n"
        "  mov machine+16(%rip), %rcx;  mov machine+24(%rip), %rdx\n"
        "  mov machine+32(%rip), %rsi;  mov machine+40(%rip), %rdi\n"
        "  mov machine+48(%rip), %rbp;  mov machine+56(%rip), %rsp\n"
        "  mov machine+64(%rip), %r8;   mov machine+72(%rip), %r9\n"
        "  mov machine+80(%rip), %r10;  mov machine+88(%rip), %r11\n"
        "  mov machine+96(%rip), %r12;  mov machine+104(%rip), %r13\n"
        "  mov machine+112(%rip), %r14; mov machine+120(%rip), %r15\n"
        "  jmp *machine+136(%rip)\n"
        ".type machine_leave, @function\n"
        "machine_leave:\n"
        "  mov %rax, machine+0(%rip);   mov %rbx, machine+8(%rip)\n"
        "  mov %rcx, machine+16(%rip);  mov %rdx, machine+24(%rip)\n"
        "  mov %rsi, machine+32(%rip);  mov %rdi, machine+40(%rip)\n"
        "  mov %rbp, machine+48(%rip);  mov %rsp, machine+56(%rip)\n"
        "  mov %r8, machine+64(%rip);   mov %r9, machine+72(%rip)\n"
        "  mov %r10, machine+80(%rip);  mov %r11, machine+88(%rip)\n"
        "  mov %r12, machine+96(%rip);  mov %r13, machine+104(%rip)\n"
        "  mov %r14, machine+112(%rip); mov %r15, machine+120(%rip)\n"
        "  mov machine+144(%rip), %rsp\n"
        "  pushfq\n"
        "  popq machine+128(%rip)\n"
        "  cld\n"
        "  movups %xmm0, machine+160(%rip)\n"
        "  movups %xmm1, machine+176(%rip)\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "  ret\n"
        ".popsection\n");
