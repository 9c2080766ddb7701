/* SPDX-License-Identifier: MIT */
/*
 * module.h - the distinct ELF files that tracees map, each read once: its traced functions and the
 * places where the dynamic linker reports changes.
 *
 * Processes share these: a program that runs a compiler a thousand times reads libc once.
 */
#ifndef ALLOCPTRACE_TRACER_MODULE_H
#define ALLOCPTRACE_TRACER_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "output/log/error.h"
#include "symbols/elf_file.h"
#include "symbols/proc_maps.h"
#include "tracer/allocators.h"
#include "tracer/relocate.h"

struct module_function {
    uint64_t address; /* file virtual address */
    const struct allocator_function *function;
};

#define MODULE_EXITS 4

struct module {
    uint32_t id; /* in the log, from 1 */
    char *path;  /* as the target sees it; "[vdso]" */
    uint64_t device, inode;
    int64_t size, modified_ns; /* what tells a rewritten file from the old one */
    struct elf_file *elf; /* NULL if it has the look of an ELF file and cannot be read as one */
    struct module_function *functions;
    size_t function_count;
    /* File virtual addresses of _dl_debug_state, ptrace, sigaction and pthread_sigmask, or 0. */
    uint64_t linker_breakpoint, ptrace, sigaction, sigmask;
    /* exit and quick_exit of a C library, of which there may be several versions; 0: no more. */
    uint64_t exits[MODULE_EXITS];
    bool leak_sanitizer; /* its runtime is part of the file */
    bool glibc_heap;     /* its standard functions are glibc's, see glibc_chunk.h */
};

struct module_registry;

struct error *module_registry_create(const struct allocators *allocators,
                                     struct relocator *relocator,
                                     struct module_registry **registry);
void module_registry_destroy(struct module_registry *registry);

/*
 * The module behind a mapping of process pid, opened through /proc/PID/root or map_files, so that
 * containers work. NULL in *module with success for a mapping that is no ELF file, or one that
 * could not be read and was reported by an earlier call. *is_new says whether it was made by this
 * call. The registry owns modules.
 */
struct error *module_registry_get(struct module_registry *registry, pid_t pid,
                                  const struct proc_mapping *mapping, struct module **module,
                                  bool *is_new);

#endif
