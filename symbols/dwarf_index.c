/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_index.h"

#include <dwarf.h>
#include <stdlib.h>

/* How deep scopes are looked for: a bound on the recursion that DWARF from the target drives. */
#define NESTING 256

/* ---- Compilation units ---- */

static bool add_range(struct dwarf_index *index, const struct dwarf_range *range)
{
    if (index->count == index->capacity) {
        size_t larger = index->capacity ? index->capacity * 2 : 256;
        struct dwarf_range *moved = realloc(index->ranges, larger * sizeof *moved);
        if (!moved)
            return false;
        index->ranges = moved;
        index->capacity = larger;
    }
    index->ranges[index->count++] = *range;
    return true;
}

static bool add_unit(struct dwarf_index *index, Dwarf_Die *unit)
{
    struct dwarf_range range = {.unit = dwarf_dieoffset(unit)};
    Dwarf_Addr base;
    ptrdiff_t next = 0;
    while ((next = dwarf_ranges(unit, next, &base, &range.start, &range.end)) > 0) {
        /* Functions that the linker dropped keep ranges that begin at 0. */
        if (range.start && range.start < range.end && !add_range(index, &range))
            return false;
    }
    return true;
}

static int compare_ranges(const void *left, const void *right)
{
    const struct dwarf_range *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

void dwarf_index_init(struct dwarf_index *index, Dwarf *dwarf)
{
    *index = (struct dwarf_index){0};
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
        if (dwarf_tag(&die) == DW_TAG_compile_unit && !add_unit(index, &die))
            break;
    }
    if (index->count)
        qsort(index->ranges, index->count, sizeof *index->ranges, compare_ranges);
}

void dwarf_index_deinit(struct dwarf_index *index)
{
    free(index->ranges);
    *index = (struct dwarf_index){0};
}

bool dwarf_index_find(const struct dwarf_index *index, Dwarf *dwarf, Dwarf_Addr address,
                      Dwarf_Die *unit)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->ranges[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= index->ranges[low - 1].end)
        return false;
    return dwarf_offdie(dwarf, index->ranges[low - 1].unit, unit) != NULL;
}

/* ---- Scopes ---- */

struct search {
    Dwarf_Addr address;
    Dwarf_Die *scopes;
    size_t count;
};

static bool search_children(struct search *search, Dwarf_Die *parent, unsigned int nesting);

/* Whether die, or what is in it, holds the address. */
static bool search_die(struct search *search, Dwarf_Die *die, unsigned int nesting)
{
    switch (dwarf_tag(die)) {
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
        if (dwarf_haspc(die, search->address) <= 0)
            return false;
        if (search->count < DWARF_SCOPES)
            search->scopes[search->count++] = *die;
        search_children(search, die, nesting);
        return true;
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
        if (dwarf_haspc(die, search->address) <= 0)
            return false;
        search_children(search, die, nesting);
        return true;
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        return search_children(search, die, nesting);
    default:
        return false;
    }
}

static bool search_children(struct search *search, Dwarf_Die *parent, unsigned int nesting)
{
    Dwarf_Die child;
    if (nesting == 0 || dwarf_child(parent, &child) != 0)
        return false;
    do {
        if (search_die(search, &child, nesting - 1))
            return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

size_t dwarf_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die scopes[DWARF_SCOPES])
{
    struct search search = {.address = address, .scopes = scopes};
    search_children(&search, unit, NESTING);
    return search.count;
}
