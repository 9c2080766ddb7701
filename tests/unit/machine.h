/* SPDX-License-Identifier: MIT */
/*
 * machine.h - runs code of any kind from a given register state and keeps the state it leaves.
 */
#ifndef ALLOCPTRACE_TESTS_MACHINE_H
#define ALLOCPTRACE_TESTS_MACHINE_H

#include <stdint.h>

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, REGISTERS };

struct machine {
    uint64_t registers[REGISTERS];
    uint64_t flags;
    uint64_t start;   /* where to begin */
    uint64_t host_sp; /* machine_run()'s own */
    uint64_t unused;
    uint8_t vectors[2][16]; /* XMM0, XMM1 */
};

extern struct machine machine;

/* Loads the state of machine and runs from machine.start until the code jumps to machine_leave(),
 * which puts the state back into machine. */
void machine_run(void);
/* The address to jump to, not a function to call. */
void machine_leave(void);

#endif
