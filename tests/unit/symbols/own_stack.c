/* SPDX-License-Identifier: MIT */
#include "own_stack.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/elf_file.h"

/* The registers that a callee must find unchanged, RSP and RIP, stored before anything else. */
__asm__(".text\n"
        ".globl own_stack_at_entry\n"
        ".type own_stack_at_entry, @function\n"
        "own_stack_at_entry:\n"
        "    mov %rbx, 3*8(%rdx)\n"
        "    mov %rbp, 6*8(%rdx)\n"
        "    mov %rsp, 7*8(%rdx)\n"
        "    mov %r12, 12*8(%rdx)\n"
        "    mov %r13, 13*8(%rdx)\n"
        "    mov %r14, 14*8(%rdx)\n"
        "    mov %r15, 15*8(%rdx)\n"
        "    lea own_stack_at_entry(%rip), %rax\n"
        "    mov %rax, 16*8(%rdx)\n"
        "    mov %rdi, %rax\n"
        "    mov %rdx, %rdi\n"
        "    jmp *%rax\n"
        ".size own_stack_at_entry, . - own_stack_at_entry\n");

static int open_mapping(const struct proc_mapping *mapping)
{
    if (strcmp(mapping->path, "[vdso]") != 0)
        return open(mapping->path, O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("vdso", MFD_CLOEXEC);
    size_t size = mapping->end - mapping->start;
    assert_int_equal(write(fd, (const void *)(uintptr_t)mapping->start, size), size);
    return fd;
}

static bool starts_module(const struct own_stack *own, const struct proc_mapping *mapping)
{
    if (mapping->offset != 0 || (mapping->inode == 0 && strcmp(mapping->path, "[vdso]") != 0))
        return false;
    return own->module_count == 0 ||
           strcmp(own->modules[own->module_count - 1].path, mapping->path) != 0;
}

void own_stack_init(struct own_stack *own)
{
    memset(own, 0, sizeof *own);
    assert_null(proc_maps_read(getpid(), &own->maps));
    for (size_t i = 0; i < own->maps.count; i++) {
        const struct proc_mapping *mapping = &own->maps.mappings[i];
        struct own_module *last = own->module_count ? &own->modules[own->module_count - 1] : NULL;
        if (last && strcmp(last->path, mapping->path) == 0)
            last->end = mapping->end;
        if (!starts_module(own, mapping))
            continue;
        int fd = open_mapping(mapping);
        struct elf_file *file;
        struct error *error = fd < 0 ? NULL : elf_file_open(fd, mapping->path, &file);
        if (fd >= 0 && !error) {
            assert_in_range(own->module_count, 0, OWN_MODULES - 1);
            struct own_module *module = &own->modules[own->module_count++];
            module->start = mapping->start;
            module->end = mapping->end;
            module->id = (uint32_t)own->module_count;
            snprintf(module->path, sizeof module->path, "%s", mapping->path);
            assert_true(elf_file_bias(file, mapping->start, mapping->offset, &module->bias));
            elf_file_close(file);
        }
        error_free(error);
        close(fd);
    }
}

void own_stack_deinit(struct own_stack *own)
{
    proc_maps_deinit(&own->maps);
}

void own_stack_refresh(struct own_stack *own)
{
    proc_maps_deinit(&own->maps);
    assert_null(proc_maps_read(getpid(), &own->maps));
}

struct unwinder *own_stack_unwinder(const struct own_stack *own, size_t depth, bool walk_only)
{
    struct unwind_options options = {.depth = depth, .walk_only = walk_only};
    struct unwinder *unwinder;
    assert_null(unwinder_create(&options, &unwinder));
    for (size_t i = 0; i < own->module_count; i++) {
        const struct own_module *module = &own->modules[i];
        int fd = open_mapping(proc_maps_find(&own->maps, module->start));
        assert_null(unwinder_add_module(unwinder, module->id, fd, module->path));
        assert_null(unwinder_map(unwinder, OWN_SPACE, module->id, module->start, module->end,
                                 module->bias));
    }
    return unwinder;
}

static bool read_own_word(uint64_t address, uint64_t *word, void *data)
{
    const struct own_stack *own = data;
    const struct proc_mapping *mapping = proc_maps_find(&own->maps, address);
    if (!mapping || !mapping->readable || mapping->end - address < sizeof *word)
        return false;
    memcpy(word, (const void *)(uintptr_t)address, sizeof *word);
    return true;
}

struct unwind_memory own_stack_memory(struct own_stack *own)
{
    return (struct unwind_memory){.read_word = read_own_word, .data = own};
}

uint64_t own_stack_address(const struct own_stack *own, const struct unwind_site *site)
{
    if (site->module == 0)
        return site->address;
    assert_in_range(site->module, 1, own->module_count);
    return site->address + own->modules[site->module - 1].bias;
}

void own_stack_registers(const ucontext_t *context, struct unwind_registers *registers)
{
    /* By DWARF number. */
    static const int order[UNWIND_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    for (int i = 0; i < UNWIND_REGISTERS; i++)
        registers->value[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
}
