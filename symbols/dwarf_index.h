/* SPDX-License-Identifier: MIT */
/*
 * dwarf_index.h - finds in DWARF what lies at a code address.
 *
 * Private to symbols/. Addresses are those of the DWARF file, without a load bias.
 */
#ifndef ALLOCPTRACE_SYMBOLS_DWARF_INDEX_H
#define ALLOCPTRACE_SYMBOLS_DWARF_INDEX_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Which compilation unit covers which addresses. It is read from the units themselves, since
 * .debug_aranges is left out by clang.
 */
struct dwarf_index {
    struct dwarf_range {
        Dwarf_Addr start, end;
        Dwarf_Off unit; /* offset of the unit's DIE */
    } * ranges;         /* ascending */
    size_t count, capacity;
};

/* Leaves out what memory does not suffice for. */
void dwarf_index_init(struct dwarf_index *index, Dwarf *dwarf);
void dwarf_index_deinit(struct dwarf_index *index);
bool dwarf_index_find(const struct dwarf_index *index, Dwarf *dwarf, Dwarf_Addr address,
                      Dwarf_Die *unit);

#define DWARF_SCOPES 64 /* inlined calls deeper than that are left out, innermost first */

/*
 * The function of unit that holds address, and the calls inlined there, outermost first:
 * scopes[0] is a DW_TAG_subprogram, the others are DW_TAG_inlined_subroutine. Their number.
 */
size_t dwarf_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die scopes[DWARF_SCOPES]);

#endif
