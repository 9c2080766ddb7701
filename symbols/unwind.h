/* SPDX-License-Identifier: MIT */
/*
 * unwind.h - turns registers and stack memory of a stopped thread into a call stack.
 *
 * The unwinder is pure: it makes no ptrace or process calls. Memory comes through a callback, ELF
 * files through descriptors that the caller gives, so that a stack can be unwound on another thread
 * while the tracee already runs again. An unwinder and all that it returns belong to one thread.
 *
 * Two ways lead to the same stack. Rows: for a code address seen before, the rule that gives the
 * caller's registers (compiled once from libdw's CFI, see dwarf_cfi_addrframe) is applied directly.
 * Walk: a frame whose rule does not fit a row (DWARF expressions, signal frames) is unwound by
 * libdwfl (dwfl_getthread_frames); unwind_options.walk_only has it unwind all that has CFI.
 *
 * Code without CFI is followed from its function's beginning to find the frame, else the frame
 * pointer is tried; a return address got so must follow a call. Where there is no CFI to say so, a
 * frame is the outermost if it is at the file's entry point, in a function such as _start or
 * __clone, or returns to code that only hands the result to exit(3), pthread_exit(3) or _exit(2).
 * So is one whose return address is where a function begins: it was put there, not called from
 * there (makecontext(3)).
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

/* Registers in DWARF numbering (System V x86-64 psABI, figure 3.36): 7 is RSP, 16 the return
 * address column, which holds the program counter here. */
#define UNWIND_REGISTERS 17
struct unwind_registers {
    uint64_t value[UNWIND_REGISTERS];
};

/*
 * Reads the word (8 bytes) at address; false if it is not known. Without at_entry the red zone, the
 * 128 bytes below the stack pointer, is needed as well.
 */
struct unwind_memory {
    bool (*read_word)(uint64_t address, uint64_t *word, void *data);
    void *data;
};

/*
 * A distinct code address of a module, interned: the same (module, address, exact) gives the same
 * pointer as long as the unwinder lives, whatever process it was seen in.
 */
struct unwind_site {
    uint32_t module;  /* the id given to unwinder_add_module(), 0: in no module */
    bool exact;       /* address is the instruction itself (innermost frame, or interrupted by a
                         signal), not a return address */
    uint64_t address; /* file virtual address; absolute for module 0 */
    uint32_t tag;     /* the caller's; 0 at first */
};

enum unwind_end {
    UNWIND_COMPLETE,  /* there is no caller (_start, clone), or it is a null address */
    UNWIND_DEPTH,     /* cut off at the most frames wanted */
    UNWIND_NO_CFI,    /* no unwind information and no usable frame pointer at the last frame */
    UNWIND_NO_MEMORY, /* stack memory that was needed could not be read */
    UNWIND_BAD,       /* the stack pointer did not move outwards, or our memory ran out */
};

struct unwind_result {
    struct unwind_site **sites; /* innermost first; valid until the next call */
    size_t count;
    enum unwind_end end;
    uint64_t highest_read; /* address just past the highest stack word that was read */
};

struct unwinder_counters {
    uint64_t stacks, frames, row_misses, walks;
};

struct unwinder;

struct unwind_options {
    size_t depth;   /* most frames */
    bool walk_only; /* never use rows */
};

struct error *unwinder_create(const struct unwind_options *options, struct unwinder **unwinder);
void unwinder_destroy(struct unwinder *unwinder);
const struct unwinder_counters *unwinder_counters(const struct unwinder *unwinder);

/* Makes a distinct ELF file known. Takes over fd (closed with the unwinder). path is a name. */
struct error *unwinder_add_module(struct unwinder *unwinder, uint32_t module, int fd,
                                  const char *path);

/*
 * Address spaces, by an id of the caller's (not 0). A module is mapped with its load bias over
 * [start, end): from its first to past its last segment. copy duplicates all mappings (fork).
 */
struct error *unwinder_map(struct unwinder *unwinder, uint32_t space, uint32_t module,
                           uint64_t start, uint64_t end, uint64_t bias);
void unwinder_unmap(struct unwinder *unwinder, uint32_t space, uint64_t start, uint64_t end);
struct error *unwinder_copy_space(struct unwinder *unwinder, uint32_t from, uint32_t to);
void unwinder_drop_space(struct unwinder *unwinder, uint32_t space);

/*
 * Unwinds from registers. If at_entry is true the thread stands on the first instruction of a
 * function: the return address is at RSP and no CFI is needed for the innermost frame. The
 * innermost site is that of registers' program counter in either case.
 */
void unwinder_unwind(struct unwinder *unwinder, uint32_t space,
                     const struct unwind_registers *registers, bool at_entry,
                     const struct unwind_memory *memory, struct unwind_result *result);

#endif
