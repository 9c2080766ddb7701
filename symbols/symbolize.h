/* SPDX-License-Identifier: MIT */
/*
 * symbolize.h - names code addresses: function, file, line, and the functions inlined there.
 *
 * Slow (the first address of a large library costs milliseconds, a debuginfod server seconds), so
 * it has a thread of its own. One symbolizer belongs to one thread.
 */
#ifndef ALLOCPTRACE_SYMBOLS_SYMBOLIZE_H
#define ALLOCPTRACE_SYMBOLS_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct symbol_location {
    char *function; /* demangled (C++, Rust legacy and v0); NULL if unknown */
    char *file;     /* NULL if unknown */
    uint64_t line;  /* 0 if unknown */
};

struct symbol_result {
    size_t count; /* innermost inlined function first; the last is the function that holds it */
    struct symbol_location *locations;
};

struct symbolizer;

struct error *symbolizer_create(struct symbolizer **symbolizer);
void symbolizer_destroy(struct symbolizer *symbolizer);

/*
 * Makes a module known. Takes over fd. path is the file's path as the target sees it; root is ""
 * or /proc/PID/root, below which separate debug files are looked for as well as on the host.
 * debuginfod is asked only when DEBUGINFOD_URLS is set, with a bound on the wait.
 */
struct error *symbolizer_add_module(struct symbolizer *symbolizer, uint32_t module, int fd,
                                    const char *path, const char *root);

/*
 * Names a file virtual address; exact is false for a return address (the call before it is
 * named). The result stays valid until the next call; count is 0 if nothing is known.
 */
const struct symbol_result *symbolizer_resolve(struct symbolizer *symbolizer, uint32_t module,
                                               uint64_t address, bool exact);

/* Demangled copy of name (free it), or NULL if it is not a mangled name. */
char *symbol_demangle(const char *name);

#endif
