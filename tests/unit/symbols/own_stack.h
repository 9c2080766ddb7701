/* SPDX-License-Identifier: MIT */
/*
 * own_stack.h - the test process as the thing that is unwound: its modules, its memory, its
 * registers.
 */
#ifndef ALLOCPTRACE_TESTS_OWN_STACK_H
#define ALLOCPTRACE_TESTS_OWN_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "symbols/proc_maps.h"
#include "symbols/unwind.h"

#define OWN_SPACE 1
#define OWN_MODULES 64

struct own_module {
    uint64_t start, end, bias;
    uint32_t id;
    char path[256];
};

struct own_stack {
    struct proc_maps maps;
    struct own_module modules[OWN_MODULES];
    size_t module_count;
};

/* Reads the process's maps as they are now. Fails the test where it cannot. */
void own_stack_init(struct own_stack *own);
void own_stack_deinit(struct own_stack *own);
/* Sees memory that was mapped since, such as the stack of a new thread. */
void own_stack_refresh(struct own_stack *own);

/* An unwinder that knows all modules of the process, mapped in OWN_SPACE. */
struct unwinder *own_stack_unwinder(const struct own_stack *own, size_t depth, bool walk_only);

/* Reads this process's memory where it is readable. */
struct unwind_memory own_stack_memory(struct own_stack *own);

/* The address in this process that a site stands for. */
uint64_t own_stack_address(const struct own_stack *own, const struct unwind_site *site);

void own_stack_registers(const ucontext_t *context, struct unwind_registers *registers);

/*
 * Calls visit(registers, data) with the registers as they were on the first instruction of this
 * function. The caller's frame stays as it is meanwhile.
 */
void own_stack_at_entry(void (*visit)(struct unwind_registers *registers, void *data), void *data,
                        struct unwind_registers *registers);

#endif
