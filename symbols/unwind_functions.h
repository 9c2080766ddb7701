/* SPDX-License-Identifier: MIT */
/*
 * unwind_functions.h - where the functions of an ELF file begin, for the analysis of code that has
 * no unwind information.
 *
 * Private to symbols/. All addresses are the file's own virtual addresses.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_FUNCTIONS_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "symbols/elf_file.h"

struct unwind_function {
    uint64_t address;
    uint64_t size;    /* bytes, 0 if unknown */
    bool outermost;   /* the kernel, or a new thread, starts here: the file's entry point, _start,
                         __clone and the like */
    bool ends_thread; /* exit, pthread_exit: what is handed to it was the outermost function's */
};

struct unwind_functions {
    struct unwind_function *list; /* ascending, one for each address */
    size_t count, capacity;
};

struct error *unwind_functions_init(struct unwind_functions *functions, struct elf_file *file);
void unwind_functions_deinit(struct unwind_functions *functions);

/* The same as struct unwind_function's member, of a function known by its name only. */
bool unwind_function_ends_thread(const char *name);

/* The last function that begins at or before address, or NULL. */
const struct unwind_function *unwind_functions_find(const struct unwind_functions *functions,
                                                    uint64_t address);
/* Where the function after the given one begins; UINT64_MAX if there is none. */
uint64_t unwind_functions_next(const struct unwind_functions *functions,
                               const struct unwind_function *function);

#endif
