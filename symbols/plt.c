/* SPDX-License-Identifier: MIT */
#include "symbols/plt.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    uint64_t address;
    const char *name;
};

struct plt {
    struct slot *slots; /* ascending */
    size_t count, capacity;
};

bool plt_stub_slot(const uint8_t *code, size_t size, uint64_t address, uint64_t *slot)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    size_t at = 0;
    if (size >= sizeof endbr64 && memcmp(code, endbr64, sizeof endbr64) == 0)
        at += sizeof endbr64;
    if (at < size && code[at] == 0xf2) /* bnd */
        at++;
    if (size - at < 6 || code[at] != 0xff || code[at + 1] != 0x25)
        return false;
    int32_t displacement;
    memcpy(&displacement, code + at + 2, sizeof displacement);
    *slot = address + at + 6 + (uint64_t)(int64_t)displacement;
    return true;
}

static bool add_slot(struct plt *plt, uint64_t address, const char *name)
{
    if (plt->count == plt->capacity) {
        size_t larger = plt->capacity ? plt->capacity * 2 : 64;
        struct slot *moved = realloc(plt->slots, larger * sizeof *moved);
        if (!moved)
            return false;
        plt->slots = moved;
        plt->capacity = larger;
    }
    plt->slots[plt->count++] = (struct slot){.address = address, .name = name};
    return true;
}

static bool add_relocations(struct plt *plt, Elf *elf, Elf_Data *relocations, Elf_Scn *symbols)
{
    GElf_Shdr header;
    Elf_Data *table = symbols ? elf_getdata(symbols, NULL) : NULL;
    size_t entry = gelf_fsize(elf, ELF_T_RELA, 1, EV_CURRENT);
    if (!relocations || !entry || !table || !gelf_getshdr(symbols, &header))
        return true;
    for (size_t i = 0; i < relocations->d_size / entry; i++) {
        GElf_Rela relocation;
        GElf_Sym symbol;
        if (!gelf_getrela(relocations, (int)i, &relocation))
            continue;
        switch (GELF_R_TYPE(relocation.r_info)) {
        case R_X86_64_JUMP_SLOT:
        case R_X86_64_GLOB_DAT:
        case R_X86_64_64:
            break;
        default:
            continue;
        }
        if (!gelf_getsym(table, (int)GELF_R_SYM(relocation.r_info), &symbol))
            continue;
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name && *name && !add_slot(plt, relocation.r_offset, name))
            return false;
    }
    return true;
}

static int compare_slots(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

struct plt *plt_create(Elf *elf)
{
    struct plt *plt = calloc(1, sizeof *plt);
    if (!plt)
        return NULL;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA)
            continue;
        Elf_Scn *symbols = elf_getscn(elf, header.sh_link);
        if (!add_relocations(plt, elf, elf_getdata(section, NULL), symbols)) {
            plt_destroy(plt);
            return NULL;
        }
    }
    if (plt->count)
        qsort(plt->slots, plt->count, sizeof *plt->slots, compare_slots);
    return plt;
}

void plt_destroy(struct plt *plt)
{
    if (!plt)
        return;
    free(plt->slots);
    free(plt);
}

const char *plt_slot_name(const struct plt *plt, uint64_t slot)
{
    struct slot key = {.address = slot};
    const struct slot *found =
        plt->count ? bsearch(&key, plt->slots, plt->count, sizeof key, compare_slots) : NULL;
    return found ? found->name : NULL;
}
