/* SPDX-License-Identifier: MIT */
/*
 * relocate.h - out-of-line copies of the instruction that a breakpoint covers.
 *
 * The breakpoint byte stays in place for good: a thread that hit it is sent to a slot in the
 * target's scratch memory, which holds a copy of the covered instruction that does at its new place
 * what the original does at the old one, and a jump back behind the original. Where the first
 * instruction is one byte long the next one is copied too if possible, so that the slot does not
 * come back to breakpoint + 1: a thread is found at that address only after the breakpoint itself
 * (see relocated.unambiguous).
 *
 * What differs from execution in place: a system call leaves the slot's address in RCX, a fault
 * shows it in its signal frame, and calls use more than the 8 bytes below RSP and are not balanced
 * for a processor's shadow stack.
 *
 * Pure: no process is touched. Instructions are decoded with capstone.
 */
#ifndef ALLOCPTRACE_TRACER_RELOCATE_H
#define ALLOCPTRACE_TRACER_RELOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELOCATE_MAX_CODE 80
#define RELOCATE_MAX_PLACES 8

/* Between two instructions of a slot: where else a thread could stand. */
struct relocated_place {
    uint8_t offset; /* in code[] */
    uint8_t pushed; /* bytes pushed already for a call that begins anew there: to be popped */
    uint64_t ip;    /* the equivalent place in the original code */
};

struct relocated {
    uint8_t length; /* bytes of original code that the slot stands for, 1 to 30 */
    uint8_t size;   /* bytes of code[] */
    /* Offset in code[] at which the original code has been executed and only the jump back
     * remains. size if the code never comes back that way (a jmp or ret). */
    uint8_t done;
    bool unambiguous; /* the slot never jumps back to original + 1 */
    uint8_t code[RELOCATE_MAX_CODE];
    /* The places where a thread may be found and has an equivalent, in ascending order. */
    uint8_t place_count;
    struct relocated_place places[RELOCATE_MAX_PLACES];
};

struct relocator;
struct relocator *relocator_create(void); /* NULL on failure */
void relocator_destroy(struct relocator *relocator);

/*
 * Relocates the instruction at the start of bytes (size readable bytes, taken at address from) to
 * address to. NULL on success; otherwise a static text that says why this instruction cannot be
 * executed elsewhere (the caller falls back to a single-step).
 */
const char *relocate(struct relocator *relocator, const uint8_t *bytes, size_t size, uint64_t from,
                     uint64_t to, struct relocated *relocated);

/*
 * Whether the function body in bytes (taken at address from) hands its work to one of the
 * addresses that is_target accepts: by a direct call or jump there, or by one through a pointer
 * (the global offset table's) stored there. Used to leave out operator new where it ends in malloc.
 * Follows the code linearly, up to size bytes.
 */
bool relocate_calls(struct relocator *relocator, const uint8_t *bytes, size_t size, uint64_t from,
                    bool (*is_target)(uint64_t address, void *data), void *data);

#endif
