/* SPDX-License-Identifier: MIT */
/*
 * variables.h - names the variables that an ELF file's writable data consists of, from its symbol
 * tables and those of its separate debug file.
 */
#ifndef ALLOCPTRACE_SYMBOLS_VARIABLES_H
#define ALLOCPTRACE_SYMBOLS_VARIABLES_H

#include <stdint.h>

#include "output/log/error.h"
#include "symbols/elf_file.h"

struct variables;

/* root is as for elf_file_variables(). The file is not needed afterwards. */
struct error *variables_read(struct elf_file *file, const char *root, struct variables **variables);
void variables_destroy(struct variables *variables);

/*
 * The variable that a file virtual address lies in: its name, as the symbol table has it, valid as
 * long as variables, and how many bytes from its beginning; NULL if none is known. Of several names
 * the one with the fewest underscores at its beginning.
 */
const char *variables_find(const struct variables *variables, uint64_t address, uint64_t *offset);
/* The same for thread-local ones; the place in the template, PT_TLS, stands for the address. */
const char *variables_find_local(const struct variables *variables, uint64_t place,
                                 uint64_t *offset);

#endif
