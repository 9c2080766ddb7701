/* SPDX-License-Identifier: MIT */
#include "output/analyze/internal_frames.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"

/* What a demangled name begins with. Kept as data: add a line for another language's library. */
static const char *const prefixes[] = {
    /* C library functions that are nothing but an allocation. */
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_memalign",
    /* C++ */
    "operator new(",
    "operator new[](",
    "operator delete(",
    "operator delete[](",
    "std::allocator<",
    "std::allocator_traits<",
    "__gnu_cxx::new_allocator<",
    "std::__new_allocator<",
    "std::_Vector_base<",
    "__gnu_cxx::__alloc_traits<",
    "std::pmr::",
    "std::__allocate_guarded",
    "std::__allocated_ptr<",
    "std::__detail::_Hashtable_alloc<",
    "std::_Rb_tree_node",
    "std::__cxx11::_List_base<",
    "std::__cxx1998::",
    "std::_Deque_base<",
    "void* std::__libcpp_allocate",
    /* Rust */
    "alloc::alloc::",
    "alloc::raw_vec::",
    "<alloc::alloc::Global as",
    "<alloc::raw_vec::",
    "__rust_alloc",
    "__rust_realloc",
    "__rust_alloc_zeroed",
    "__rust_dealloc",
    "__rdl_",
    "__rg_",
    "std::alloc::",
    "std::sys::alloc::",
    "std::sys::pal::unix::alloc::",
    "<std::alloc::System as",
    "hashbrown::raw::alloc",
    "hashbrown::raw::RawTableInner::new_uninit",
};

/* The whole name: of inline functions that hand a call on, as the dynamic linker's do. */
static const char *const names[] = {"malloc", "calloc", "realloc", "reallocarray"};

/* Generic functions whose demangled name begins with a return type. */
static const char *const substrings[] = {
    " __gnu_cxx::new_allocator<", " std::__new_allocator<",
    " std::allocator_traits<",    " alloc::alloc::",
    " alloc::raw_vec::",
};

bool internal_frame(const struct catalog_line *line)
{
    if (line->flags & LOG_FRAME_ALLOCATOR)
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(line->function, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(line->function, names[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof substrings / sizeof *substrings; i++) {
        const char *hit = strstr(line->function, substrings[i]);
        const char *arguments = strchr(line->function, '(');
        if (hit && arguments && hit < arguments)
            return true;
    }
    return false;
}

/* The first line of a frame that is not internal; its line count if all are. */
static uint32_t first_external(const struct catalog *catalog, const struct options *options,
                               uint32_t frame)
{
    uint32_t count = (uint32_t)catalog_line_count(catalog, frame);
    for (uint32_t i = 0; i < count; i++) {
        struct catalog_line line = catalog_line(catalog, frame, i);
        bool skipped = options->has_skip && filter_matches(&options->skip, &line);
        if (!internal_frame(&line) && !skipped)
            return i;
    }
    return count;
}

struct internal_site *internal_sites(const struct catalog *catalog, const struct options *options)
{
    struct internal_site *sites = calloc(catalog->stack_count, sizeof *sites);
    uint32_t *external = calloc(catalog->frame_count, sizeof *external);
    if (!sites || !external) {
        free(sites);
        free(external);
        return NULL;
    }
    for (uint32_t i = 1; i < catalog->frame_count; i++)
        external[i] = first_external(catalog, options, i);
    /* A parent has a lower id than its children. */
    for (size_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        uint32_t count = (uint32_t)catalog_line_count(catalog, stack->frame);
        if (external[stack->frame] < count)
            sites[i] = (struct internal_site){stack->frame, external[stack->frame]};
        else if (stack->parent)
            sites[i] = sites[stack->parent];
        else
            sites[i] = (struct internal_site){stack->frame, count - 1};
    }
    free(external);
    return sites;
}

struct catalog_line internal_site_line(const struct catalog *catalog, struct internal_site site)
{
    if (!site.frame)
        return (struct catalog_line){.function = "[no stack]", .module = ""};
    return catalog_line(catalog, site.frame, site.line);
}
