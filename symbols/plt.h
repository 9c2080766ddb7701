/* SPDX-License-Identifier: MIT */
/*
 * plt.h - which symbol a procedure linkage table stub of x86-64 jumps to.
 *
 * Whatever its section (.plt, .plt.sec, .plt.got), a stub jumps through a slot of the GOT, and a
 * relocation of that slot names the symbol (System V x86-64 psABI, 5.2.2 and 13.2).
 */
#ifndef ALLOCPTRACE_SYMBOLS_PLT_H
#define ALLOCPTRACE_SYMBOLS_PLT_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLT_STUB_SIZE 16 /* bytes that are enough to decode one */

/* Decodes `[endbr64] [bnd] jmp *disp(%rip)` at address; slot is the address it loads from. */
bool plt_stub_slot(const uint8_t *code, size_t size, uint64_t address, uint64_t *slot);

struct plt;

/* Reads elf's relocations; NULL if memory runs out. Names point into elf. */
struct plt *plt_create(Elf *elf);
void plt_destroy(struct plt *plt);

/* The name of the symbol whose address the dynamic linker stores in slot, or NULL. */
const char *plt_slot_name(const struct plt *plt, uint64_t slot);

#endif
