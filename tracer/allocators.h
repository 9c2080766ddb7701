/* SPDX-License-Identifier: MIT */
/*
 * allocators.h - the table of allocation functions, and --allocator's words.
 *
 * A function is described by what its arguments mean; nothing else in the tracer knows names.
 */
#ifndef ALLOCPTRACE_TRACER_ALLOCATORS_H
#define ALLOCPTRACE_TRACER_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

enum allocator_kind {
    ALLOCATOR_ALLOCATE, /* gives a block */
    ALLOCATOR_FREE,     /* ends a block */
    ALLOCATOR_RESIZE,   /* realloc: ends one block and gives another, perhaps at the same place */
    ALLOCATOR_EXPAND,   /* xallocx: resizes in place, returns the size that resulted */
    ALLOCATOR_MMAP,     /* mapping functions, traced with --mmap only */
    ALLOCATOR_MUNMAP,
    ALLOCATOR_MREMAP,
    ALLOCATOR_BRK,  /* brk(address) */
    ALLOCATOR_SBRK, /* sbrk(increment) */
};

/* Argument positions count from 0 in the order of the C prototype; -1: there is no such argument.
 */
struct allocator_function {
    const char *name; /* the symbol, without a version */
    enum allocator_kind kind;
    int8_t size;    /* bytes, or bytes of one element if count is given */
    int8_t count;   /* number of elements */
    int8_t address; /* the block that ends or is resized */
    int8_t out;     /* where the block's address is stored (posix_memalign); the function then
                       returns 0 for success */
    /* operator new and delete: left out where their code calls a traced function itself, so that
     * a call costs no further stops (it would be counted once in any case). */
    bool wrapper;
    /* One of the C library's own; what it gives is laid out as that library's allocator does, if
     * the module is a C library that is known (module.h). */
    bool standard;
    bool zero_frees;        /* RESIZE: size 0 with a block frees it and returns NULL */
    const char *module;     /* only in a module whose file name matches (fnmatch(3)), or NULL */
    uint64_t fixed_address; /* file virtual address given by the user instead of a name, or 0 */
    bool user;              /* from --allocator: what it calls itself is unknown */
};

/* The built-in table: glibc, musl, C++, jemalloc (plain, je_, _rjem_), mimalloc, tcmalloc. */
const struct allocator_function *allocators_builtin(size_t *count);

/*
 * The set of functions to trace: the built-in table plus --allocator's. find() gives the
 * description of the symbol name in a module (file name without directories), or NULL.
 */
struct allocators;
struct error *allocators_create(bool mappings, struct allocators **allocators);
void allocators_destroy(struct allocators *allocators);

/*
 * SPEC is a prototype: NAME[@MODULE](ARGUMENT,...) with ARGUMENT one of size, count, ptr, out, _
 * (ignored). What the function does follows from it: ptr and size is a realloc, ptr alone a free,
 * size alone (with count or out or not) an allocation. NAME may be 0xADDRESS, a virtual address in
 * the file MODULE. The plain names of well-known signatures work as well: NAME=malloc, NAME=free,
 * NAME=calloc, NAME=realloc. Examples: 'arena_alloc(_,size)', 'arena_free(_,ptr)',
 * 'pool_get@libpool.so*(size)', '0x4012a0@server(size)', 'my_malloc=malloc'.
 */
struct error *allocators_add(struct allocators *allocators, const char *spec);

const struct allocator_function *allocators_find(const struct allocators *allocators,
                                                 const char *name, const char *module);

/* Calls visit for each function with a fixed address in module. */
void allocators_fixed(const struct allocators *allocators, const char *module,
                      void (*visit)(const struct allocator_function *function, void *data),
                      void *data);

/* Which --allocator words were never found by find() or fixed(): NULL after the last. */
const char *allocators_unused(const struct allocators *allocators, size_t index);

#endif
