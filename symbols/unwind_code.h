/* SPDX-License-Identifier: MIT */
/*
 * unwind_code.h - rows for code without unwind information, told from the code.
 *
 * Such code is hand-written assembly, the dynamic linker's first steps and most of musl. A row
 * from here is a conclusion, not a record: whoever applies it checks that the return address it
 * leads to follows a call.
 *
 * Private to symbols/.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_CODE_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "output/log/error.h"
#include "symbols/elf_file.h"
#include "symbols/unwind_row.h"

struct unwind_code;

/* file must live as long. */
struct error *unwind_code_create(struct elf_file *file, struct unwind_code **code);
void unwind_code_destroy(struct unwind_code *code);

/*
 * Whether a frame at address (a return address unless interrupted) is provably the outermost:
 * - it is in the first run of code at the file's entry point, or in a function that the kernel or
 *   clone(2) starts, which have no caller; or
 * - it returns to code that does nothing but hand what it got to exit(3), pthread_exit(3) or the
 *   system calls exit and exit_group: main's or a thread's caller.
 */
bool unwind_code_is_outermost(struct unwind_code *code, uint64_t address, bool interrupted);

/* A signal trampoline, or a row by following the function's instructions; false if neither. */
bool unwind_code_row(struct unwind_code *code, uint64_t address, bool interrupted,
                     struct unwind_row *row);

#endif
