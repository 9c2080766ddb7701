/* SPDX-License-Identifier: MIT */
/*
 * resident.h - what stays in a target when the tracer dies: the layout of a scratch region, and the
 * code at its start that keeps the target alive without us.
 *
 * A region is a header, the resident code, the slots of relocated instructions growing upwards, and
 * a list of breakpoints growing downwards from the region's end. The resident code is a SIGTRAP
 * handler: a breakpoint that is hit with nobody tracing sends the thread on in the breakpoint's
 * slot; any other SIGTRAP gets what the program itself has asked for. A later tracer finds regions
 * by their magic and learns from the lists which bytes of the program's code are not its own.
 *
 * Included by freestanding code: no declarations of the C library.
 */
#ifndef ALLOCPTRACE_TRACER_RESIDENT_H
#define ALLOCPTRACE_TRACER_RESIDENT_H

#include <stdint.h>

#define RESIDENT_SIZE 65536
/* Tells a region from other memory; its last character is the layout's version. */
#define RESIDENT_MAGIC UINT64_C(0x3154434f4c4c4141) /* "AALLOCT1" */
#define RESIDENT_CODE_OFFSET 128

/* The kernel's struct sigaction (arch/x86/include/uapi/asm/signal.h), not the C library's. */
struct resident_action {
    uint64_t handler, flags, restorer, mask;
};
/* Values of its handler and its flags; the C library's headers have other names for some. */
#define RESIDENT_SIG_DFL 0
#define RESIDENT_SIG_IGN 1
#define RESIDENT_SA_SIGINFO UINT64_C(4)
#define RESIDENT_SA_RESTORER UINT64_C(0x04000000)
#define RESIDENT_SA_ONSTACK UINT64_C(0x08000000)
#define RESIDENT_SA_RESETHAND UINT64_C(0x80000000)

struct resident_header {
    uint64_t magic;
    uint64_t next;   /* address of another region of the process, or 0 */
    uint32_t used;   /* bytes from the start that are taken */
    uint32_t listed; /* breakpoints in the list */
    /* Of the region whose code is the process's SIGTRAP handler: */
    struct resident_action own;  /* what the program itself has asked for */
    struct resident_action ours; /* what the kernel was told */
};

/* The newest entry for an address counts. An entry is complete before its breakpoint is set. */
struct resident_breakpoint {
    uint64_t address;
    uint16_t slot; /* offset of the slot from the region's start, 0 if there is none */
    uint8_t size, done, length, unambiguous; /* as in breakpoint.h */
    uint8_t original;                        /* the byte that the breakpoint replaces */
    uint8_t unused;
};

/* The code, to be copied to RESIDENT_CODE_OFFSET; it works at any address. */
extern const char resident_code[] __attribute__((visibility("hidden")));
extern const char resident_code_end[] __attribute__((visibility("hidden")));
/* Places in it: the handler, the return from it, and a system call instruction behind which a
 * thread waits until it is moved elsewhere. */
void resident_handler(int signal, void *info, void *context) __attribute__((visibility("hidden")));
extern const char resident_return[] __attribute__((visibility("hidden")));
extern const char resident_syscall[] __attribute__((visibility("hidden")));

#endif
