/* SPDX-License-Identifier: MIT */
/*
 * unwind_module.h - one ELF file as the unwinder sees it: unwind information and code.
 *
 * Private to symbols/. All addresses are the file's own virtual addresses.
 */
#ifndef ALLOCPTRACE_SYMBOLS_UNWIND_MODULE_H
#define ALLOCPTRACE_SYMBOLS_UNWIND_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "output/log/error.h"
#include "symbols/elf_file.h"
#include "symbols/unwind_row.h"

struct unwind_module;

/* Takes over fd. */
struct error *unwind_module_create(int fd, const char *path, struct unwind_module **module);
void unwind_module_destroy(struct unwind_module *module);

struct elf_file *unwind_module_file(const struct unwind_module *module);
const char *unwind_module_path(const struct unwind_module *module);

/*
 * The address that libdwfl takes for the start of the module: of the first PT_LOAD segment,
 * rounded down to the segment's alignment.
 */
uint64_t unwind_module_start(const struct unwind_module *module);

/*
 * The row at address; interrupted is false for a return address. Never UNWIND_RULE_UNKNOWN: what
 * is in no CFI is looked up in .eh_frame, then .debug_frame, then told from the code.
 */
void unwind_module_row(struct unwind_module *module, uint64_t address, bool interrupted,
                       struct unwind_row *row);

/* Whether the instruction before address is a call. */
bool unwind_module_follows_call(const struct unwind_module *module, uint64_t address);

#endif
