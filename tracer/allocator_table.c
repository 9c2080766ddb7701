/* SPDX-License-Identifier: MIT */
/* What the arguments of the known allocation functions mean. Sources: malloc(3), posix_memalign(3),
 * mmap(2), sbrk(2); the C++ Itanium ABI's names of operator new and delete; jemalloc(3);
 * mimalloc.h; gperftools/tcmalloc.h; C23 7.24.3. */
#include "tracer/allocators.h"

/* Positions count from 0. */
#define ALLOCATE(symbol, size_at)                                                                  \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_ALLOCATE, .size = size_at, .count = -1, .address = -1,   \
        .out = -1                                                                                  \
    }
#define ALLOCATE_ARRAY(symbol, count_at, size_at)                                                  \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_ALLOCATE, .size = size_at, .count = count_at,            \
        .address = -1, .out = -1                                                                   \
    }
#define ALLOCATE_OUT(symbol, out_at, size_at)                                                      \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_ALLOCATE, .size = size_at, .count = -1, .address = -1,   \
        .out = out_at                                                                              \
    }
#define RESIZE(symbol, address_at, size_at)                                                        \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_RESIZE, .size = size_at, .count = -1,                    \
        .address = address_at, .out = -1, .zero_frees = true                                       \
    }
#define RESIZE_ARRAY(symbol, address_at, count_at, size_at)                                        \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_RESIZE, .size = size_at, .count = count_at,              \
        .address = address_at, .out = -1, .zero_frees = true                                       \
    }
#define EXPAND(symbol)                                                                             \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_EXPAND, .size = 1, .count = -1, .address = 0, .out = -1  \
    }
#define FREE(symbol)                                                                               \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_FREE, .size = -1, .count = -1, .address = 0, .out = -1   \
    }
/* A free that may be carried out by another function of this table. */
#define FREE_WRAPPER(symbol)                                                                       \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_FREE, .size = -1, .count = -1, .address = 0, .out = -1,  \
        .wrapper = true                                                                            \
    }
#define NEW(symbol)                                                                                \
    {                                                                                              \
        .name = symbol, .kind = ALLOCATOR_ALLOCATE, .size = 0, .count = -1, .address = -1,         \
        .out = -1, .wrapper = true                                                                 \
    }
#define MAPPING(symbol, what, size_at, address_at)                                                 \
    {                                                                                              \
        .name = symbol, .kind = what, .size = size_at, .count = -1, .address = address_at,         \
        .out = -1                                                                                  \
    }

#define STANDARD(symbol, what, size_at, count_at, address_at, out_at)                              \
    {                                                                                              \
        .name = symbol, .kind = what, .size = size_at, .count = count_at, .address = address_at,   \
        .out = out_at, .standard = true, .zero_frees = (what) == ALLOCATOR_RESIZE                  \
    }

/* What jemalloc defines under each of its prefixes. */
#define JEMALLOC(prefix)                                                                           \
    ALLOCATE(prefix "malloc", 0), ALLOCATE_ARRAY(prefix "calloc", 0, 1),                           \
        RESIZE(prefix "realloc", 0, 1), FREE(prefix "free"),                                       \
        ALLOCATE_OUT(prefix "posix_memalign", 0, 2), ALLOCATE(prefix "aligned_alloc", 1),          \
        ALLOCATE(prefix "memalign", 1), ALLOCATE(prefix "valloc", 0),                              \
        ALLOCATE(prefix "mallocx", 0), RESIZE(prefix "rallocx", 0, 1), EXPAND(prefix "xallocx"),   \
        FREE_WRAPPER(prefix "sdallocx"), FREE_WRAPPER(prefix "dallocx")

/* mimalloc's functions exist with and without a heap as first argument. */
#define MIMALLOC(prefix, heap)                                                                     \
    ALLOCATE(prefix "malloc", heap + 0), ALLOCATE(prefix "malloc_small", heap + 0),                \
        ALLOCATE(prefix "zalloc", heap + 0), ALLOCATE_ARRAY(prefix "calloc", heap + 0, heap + 1),  \
        ALLOCATE_ARRAY(prefix "mallocn", heap + 0, heap + 1),                                      \
        ALLOCATE(prefix "malloc_aligned", heap + 0),                                               \
        ALLOCATE(prefix "malloc_aligned_at", heap + 0),                                            \
        ALLOCATE(prefix "zalloc_aligned", heap + 0),                                               \
        ALLOCATE(prefix "zalloc_aligned_at", heap + 0),                                            \
        ALLOCATE_ARRAY(prefix "calloc_aligned", heap + 0, heap + 1),                               \
        ALLOCATE_ARRAY(prefix "calloc_aligned_at", heap + 0, heap + 1),                            \
        RESIZE(prefix "realloc", heap + 0, heap + 1),                                              \
        RESIZE_ARRAY(prefix "reallocn", heap + 0, heap + 1, heap + 2),                             \
        RESIZE(prefix "reallocf", heap + 0, heap + 1),                                             \
        RESIZE(prefix "rezalloc", heap + 0, heap + 1),                                             \
        RESIZE_ARRAY(prefix "recalloc", heap + 0, heap + 1, heap + 2),                             \
        RESIZE(prefix "realloc_aligned", heap + 0, heap + 1),                                      \
        RESIZE(prefix "realloc_aligned_at", heap + 0, heap + 1),                                   \
        RESIZE(prefix "rezalloc_aligned", heap + 0, heap + 1),                                     \
        RESIZE(prefix "rezalloc_aligned_at", heap + 0, heap + 1),                                  \
        RESIZE_ARRAY(prefix "recalloc_aligned", heap + 0, heap + 1, heap + 2),                     \
        RESIZE_ARRAY(prefix "recalloc_aligned_at", heap + 0, heap + 1, heap + 2)

static const struct allocator_function functions[] = {
    /* C library; jemalloc and tcmalloc define the same names when they replace it. */
    STANDARD("malloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1),
    STANDARD("calloc", ALLOCATOR_ALLOCATE, 1, 0, -1, -1),
    STANDARD("realloc", ALLOCATOR_RESIZE, 1, -1, 0, -1),
    STANDARD("reallocarray", ALLOCATOR_RESIZE, 2, 1, 0, -1),
    STANDARD("posix_memalign", ALLOCATOR_ALLOCATE, 2, -1, -1, 0),
    STANDARD("aligned_alloc", ALLOCATOR_ALLOCATE, 1, -1, -1, -1),
    STANDARD("memalign", ALLOCATOR_ALLOCATE, 1, -1, -1, -1),
    STANDARD("valloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1),
    STANDARD("pvalloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1),
    FREE("free"),
    FREE_WRAPPER("cfree"),
    FREE_WRAPPER("free_sized"),
    FREE_WRAPPER("free_aligned_sized"),

    /* operator new and new[]: plain, nothrow, aligned, aligned nothrow. */
    NEW("_Znwm"),
    NEW("_Znam"),
    NEW("_ZnwmRKSt9nothrow_t"),
    NEW("_ZnamRKSt9nothrow_t"),
    NEW("_ZnwmSt11align_val_t"),
    NEW("_ZnamSt11align_val_t"),
    NEW("_ZnwmSt11align_val_tRKSt9nothrow_t"),
    NEW("_ZnamSt11align_val_tRKSt9nothrow_t"),
    /* operator delete and delete[]: plain, sized, nothrow, aligned and their combinations. */
    FREE_WRAPPER("_ZdlPv"),
    FREE_WRAPPER("_ZdaPv"),
    FREE_WRAPPER("_ZdlPvm"),
    FREE_WRAPPER("_ZdaPvm"),
    FREE_WRAPPER("_ZdlPvRKSt9nothrow_t"),
    FREE_WRAPPER("_ZdaPvRKSt9nothrow_t"),
    FREE_WRAPPER("_ZdlPvSt11align_val_t"),
    FREE_WRAPPER("_ZdaPvSt11align_val_t"),
    FREE_WRAPPER("_ZdlPvSt11align_val_tRKSt9nothrow_t"),
    FREE_WRAPPER("_ZdaPvSt11align_val_tRKSt9nothrow_t"),
    FREE_WRAPPER("_ZdlPvmSt11align_val_t"),
    FREE_WRAPPER("_ZdaPvmSt11align_val_t"),

    ALLOCATE("mallocx", 0),
    RESIZE("rallocx", 0, 1),
    EXPAND("xallocx"),
    FREE_WRAPPER("sdallocx"),
    FREE_WRAPPER("dallocx"),
    JEMALLOC("je_"),
    JEMALLOC("_rjem_"),

    MIMALLOC("mi_", 0),
    MIMALLOC("mi_heap_", 1),
    ALLOCATE("mi_zalloc_small", 0),
    RESIZE_ARRAY("mi_reallocarray", 0, 1, 2),
    RESIZE_ARRAY("mi_aligned_recalloc", 0, 1, 2),
    RESIZE_ARRAY("mi_aligned_offset_recalloc", 0, 1, 2),
    ALLOCATE_OUT("mi_posix_memalign", 0, 2),
    ALLOCATE("mi_memalign", 1),
    ALLOCATE("mi_aligned_alloc", 1),
    ALLOCATE("mi_valloc", 0),
    ALLOCATE("mi_pvalloc", 0),
    ALLOCATE("mi_new", 0),
    ALLOCATE("mi_new_nothrow", 0),
    ALLOCATE("mi_new_aligned", 0),
    ALLOCATE("mi_new_aligned_nothrow", 0),
    ALLOCATE_ARRAY("mi_new_n", 0, 1),
    RESIZE("mi_new_realloc", 0, 1),
    RESIZE_ARRAY("mi_new_reallocn", 0, 1, 2),
    ALLOCATE("mi_heap_alloc_new", 1),
    ALLOCATE_ARRAY("mi_heap_alloc_new_n", 1, 2),
    FREE("mi_free"),
    FREE_WRAPPER("mi_cfree"),
    FREE_WRAPPER("mi_free_size"),
    FREE_WRAPPER("mi_free_aligned"),
    FREE_WRAPPER("mi_free_size_aligned"),

    ALLOCATE("tc_malloc", 0),
    ALLOCATE("tc_malloc_skip_new_handler", 0),
    ALLOCATE_ARRAY("tc_calloc", 0, 1),
    RESIZE("tc_realloc", 0, 1),
    ALLOCATE("tc_memalign", 1),
    ALLOCATE_OUT("tc_posix_memalign", 0, 2),
    ALLOCATE("tc_valloc", 0),
    ALLOCATE("tc_pvalloc", 0),
    FREE("tc_free"),
    FREE_WRAPPER("tc_free_sized"),
    FREE_WRAPPER("tc_cfree"),
    ALLOCATE("tc_new", 0),
    ALLOCATE("tc_new_nothrow", 0),
    ALLOCATE("tc_newarray", 0),
    ALLOCATE("tc_newarray_nothrow", 0),
    ALLOCATE("tc_new_aligned", 0),
    ALLOCATE("tc_new_aligned_nothrow", 0),
    ALLOCATE("tc_newarray_aligned", 0),
    ALLOCATE("tc_newarray_aligned_nothrow", 0),
    FREE_WRAPPER("tc_delete"),
    FREE_WRAPPER("tc_delete_sized"),
    FREE_WRAPPER("tc_delete_nothrow"),
    FREE_WRAPPER("tc_deletearray"),
    FREE_WRAPPER("tc_deletearray_sized"),
    FREE_WRAPPER("tc_deletearray_nothrow"),
    FREE_WRAPPER("tc_delete_aligned"),
    FREE_WRAPPER("tc_delete_sized_aligned"),
    FREE_WRAPPER("tc_delete_aligned_nothrow"),
    FREE_WRAPPER("tc_deletearray_aligned"),
    FREE_WRAPPER("tc_deletearray_sized_aligned"),
    FREE_WRAPPER("tc_deletearray_aligned_nothrow"),

    /* A Rust program's #[global_allocator]; the default one ends in malloc. */
    NEW("__rg_alloc"),
    NEW("__rg_alloc_zeroed"),
    FREE_WRAPPER("__rg_dealloc"),
    {.name = "__rg_realloc",
     .kind = ALLOCATOR_RESIZE,
     .size = 3,
     .count = -1,
     .address = 0,
     .out = -1,
     .wrapper = true},

    MAPPING("mmap", ALLOCATOR_MMAP, 1, -1),
    MAPPING("mmap64", ALLOCATOR_MMAP, 1, -1),
    MAPPING("munmap", ALLOCATOR_MUNMAP, 1, 0),
    MAPPING("mremap", ALLOCATOR_MREMAP, 2, 0),
    MAPPING("brk", ALLOCATOR_BRK, -1, 0),
    MAPPING("sbrk", ALLOCATOR_SBRK, 0, -1),
};

const struct allocator_function *allocators_builtin(size_t *count)
{
    *count = sizeof functions / sizeof *functions;
    return functions;
}
