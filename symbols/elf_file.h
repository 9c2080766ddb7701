/* SPDX-License-Identifier: MIT */
/*
 * elf_file.h - what the tracer asks of one ELF file while the tracee waits: its identity, its
 * segments, and where named functions are.
 *
 * Every handle here is private to its object, so that another thread may read the same file
 * through handles of its own (libelf and libdw handles are not thread-safe).
 */
#ifndef ALLOCPTRACE_SYMBOLS_ELF_FILE_H
#define ALLOCPTRACE_SYMBOLS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct elf_file;

/* Takes over no ownership of fd (it is duplicated). name is for messages only. */
struct error *elf_file_open(int fd, const char *name, struct elf_file **file);
void elf_file_close(struct elf_file *file);

/* Lower-level facts; all addresses are the file's own virtual addresses. */
uint16_t elf_file_machine(const struct elf_file *file); /* EM_X86_64 ... */
uint16_t elf_file_type(const struct elf_file *file);    /* ET_EXEC, ET_DYN ... */
bool elf_file_is_64bit(const struct elf_file *file);
uint64_t elf_file_entry(const struct elf_file *file);
bool elf_file_has_interpreter(const struct elf_file *file);

/* The GNU build-id's bytes; *size is 0 for none. Valid as long as the file. */
const uint8_t *elf_file_build_id(const struct elf_file *file, size_t *size);

/*
 * The load bias (address minus file virtual address) of a mapping that starts at address start
 * and shows the file from offset on; false if no PT_LOAD segment covers that offset.
 */
bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias);

/* Calls visit for each writable PT_LOAD segment as it is in memory, with .bss. */
void elf_file_writable(const struct elf_file *file,
                       void (*visit)(uint64_t start, uint64_t end, void *data), void *data);
/* Bytes of a thread's copy of the file's thread-local variables, at most: with alignment. */
uint64_t elf_file_tls_size(const struct elf_file *file);
/* The same rounded up to its alignment: a program's own copy begins so far below the thread
 * pointer. */
uint64_t elf_file_tls_block(const struct elf_file *file);

struct elf_symbol {
    const char *name;  /* without a symbol version; valid during the callback only */
    uint64_t address;  /* file virtual address; of a thread-local variable, in its template */
    uint64_t size;     /* bytes, 0 if unknown */
    bool ifunc;        /* STT_GNU_IFUNC: address is the resolver */
    bool thread_local; /* STT_TLS */
    bool dynamic;      /* from .dynsym: other modules can bind to it */
};

/*
 * Calls visit for each defined function symbol of .symtab and .dynsym, then, if the file has no
 * .symtab, of its .gnu_debugdata (MiniDebugInfo) and of a separate debug file found by build-id
 * or .gnu_debuglink in the standard places below root (root is "" or a /proc/PID/root path; the
 * host's own /usr/lib/debug is tried too). The same function may be visited more than once.
 * Never asks the network. A visit that returns false ends the walk.
 */
struct error *elf_file_functions(struct elf_file *file, const char *root,
                                 bool (*visit)(const struct elf_symbol *function, void *data),
                                 void *data);

/* The same for each defined variable. */
struct error *elf_file_variables(struct elf_file *file, const char *root,
                                 bool (*visit)(const struct elf_symbol *variable, void *data),
                                 void *data);

/* Reads the file's contents at a virtual address (no relocation applied); the count read. */
size_t elf_file_read(const struct elf_file *file, uint64_t address, void *out, size_t size);

/*
 * The name of the symbol that the PLT stub at this file virtual address jumps to (through
 * .rela.plt, .plt, .plt.sec and .plt.got), or NULL. Valid as long as the file.
 */
const char *elf_file_plt_target(struct elf_file *file, uint64_t address);

/* For the rest of symbols/: the libelf handle and the descriptor; both stay the file's. */
struct Elf;
struct Elf *elf_file_elf(const struct elf_file *file);
int elf_file_descriptor(const struct elf_file *file);

#endif
