/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_module.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/debug_file.h"
#include "symbols/unwind_code.h"

struct unwind_module {
    char *path;
    struct elf_file *file;
    Dwarf_CFI *eh_frame; /* NULL if there is none */
    bool debug_frame_sought;
    Dwarf_CFI *debug_frame;
    /* What debug_frame lives in. */
    Dwarf *debug;
    Elf *debug_elf;
    int debug_fd;
    bool code_sought;
    struct unwind_code *code;
};

struct error *unwind_module_create(int fd, const char *path, struct unwind_module **out)
{
    struct unwind_module *module = calloc(1, sizeof *module);
    if (!module) {
        close(fd);
        return error_no_memory();
    }
    module->debug_fd = -1;
    module->path = strdup(path);
    struct error *error = module->path ? elf_file_open(fd, path, &module->file) : error_no_memory();
    close(fd);
    if (error) {
        unwind_module_destroy(module);
        return error;
    }
    module->eh_frame = dwarf_getcfi_elf(elf_file_elf(module->file));
    *out = module;
    return NULL;
}

void unwind_module_destroy(struct unwind_module *module)
{
    if (!module)
        return;
    /* debug owns debug_frame, eh_frame is ours. */
    dwarf_cfi_end(module->eh_frame);
    dwarf_end(module->debug);
    elf_end(module->debug_elf);
    if (module->debug_fd >= 0)
        close(module->debug_fd);
    unwind_code_destroy(module->code);
    elf_file_close(module->file);
    free(module->path);
    free(module);
}

struct elf_file *unwind_module_file(const struct unwind_module *module)
{
    return module->file;
}

const char *unwind_module_path(const struct unwind_module *module)
{
    return module->path;
}

uint64_t unwind_module_start(const struct unwind_module *module)
{
    Elf *elf = elf_file_elf(module->file);
    GElf_Phdr segment;
    for (int i = 0; gelf_getphdr(elf, i, &segment); i++) {
        if (segment.p_type == PT_LOAD)
            return segment.p_align ? segment.p_vaddr & -segment.p_align : segment.p_vaddr;
    }
    return 0;
}

static bool has_section(Elf *elf, const char *name)
{
    size_t names;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return false;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *found =
            gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (found && strcmp(found, name) == 0)
            return header.sh_type != SHT_NOBITS;
    }
    return false;
}

/* .debug_frame, which few files have: in the file itself or in its separate debug file. */
static Dwarf_CFI *debug_frame(struct unwind_module *module)
{
    if (module->debug_frame_sought)
        return module->debug_frame;
    module->debug_frame_sought = true;
    Elf *elf = elf_file_elf(module->file);
    int fd = elf_file_descriptor(module->file);
    if (!has_section(elf, ".debug_frame")) {
        module->debug_fd = debug_file_open(elf, module->path, "");
        fd = module->debug_fd;
    }
    if (fd < 0)
        return NULL;
    /* Mapped, since libdw otherwise reads all of .debug_info for the sake of one section. */
    module->debug_elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
    if (module->debug_elf && has_section(module->debug_elf, ".debug_frame"))
        module->debug = dwarf_begin_elf(module->debug_elf, DWARF_C_READ, NULL);
    if (module->debug)
        module->debug_frame = dwarf_getcfi(module->debug);
    return module->debug_frame;
}

/* NULL if the code cannot be understood. */
static struct unwind_code *code_of(struct unwind_module *module)
{
    if (!module->code_sought) {
        module->code_sought = true;
        error_free(unwind_code_create(module->file, &module->code));
    }
    return module->code;
}

/* Whether a return address is that of a function's first instruction, and no call comes before. */
static bool begins_function(const struct unwind_module *module, uint64_t address)
{
    struct unwind_row row;
    return !unwind_module_follows_call(module, address) &&
           unwind_row_from_cfi(module->eh_frame, address, &row);
}

void unwind_module_row(struct unwind_module *module, uint64_t address, bool interrupted,
                       struct unwind_row *row)
{
    uint64_t instruction = interrupted ? address : address - 1;
    if (unwind_row_from_cfi(module->eh_frame, instruction, row))
        return;
    if (!interrupted && begins_function(module, address)) {
        *row = (struct unwind_row){.rule = UNWIND_RULE_OUTERMOST, .begins = true};
        return;
    }
    /* Before .debug_frame, since that of hand-written start code gives it a caller. */
    struct unwind_code *code = code_of(module);
    if (code && unwind_code_is_outermost(code, address, interrupted))
        *row = (struct unwind_row){.rule = UNWIND_RULE_OUTERMOST};
    else if (!unwind_row_from_cfi(debug_frame(module), instruction, row) &&
             !(code && unwind_code_row(code, address, interrupted, row)))
        *row = (struct unwind_row){.rule = UNWIND_RULE_NONE};
}

bool unwind_module_follows_call(const struct unwind_module *module, uint64_t address)
{
    uint8_t code[UNWIND_CALL_SIZE];
    return elf_file_read(module->file, address - sizeof code, code, sizeof code) == sizeof code &&
           unwind_arch_ends_with_call(code, sizeof code);
}
