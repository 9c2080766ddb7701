/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/own_memory.h"

#include "tracer/module.h"
#include "tracer/proc_files.h"
#include "tracer/space.h"

static bool has_heap_functions(const struct module *module)
{
    for (size_t i = 0; i < module->function_count; i++) {
        if (module->functions[i].function->kind < ALLOCATOR_MMAP)
            return true;
    }
    return false;
}

bool own_memory_asks(const struct space *space, uint64_t return_address)
{
    const struct space_module *caller = space_module_at(space, return_address);
    /* The program itself may have an allocator linked in and map for other purposes, too. */
    return !caller || !has_heap_functions(caller->module) ||
           space_module_at(space, proc_entry(space->pid)) == caller;
}
