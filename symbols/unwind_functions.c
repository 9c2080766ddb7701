/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_functions.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

static bool is_outermost(const char *name)
{
    /* Of glibc and musl: started by the kernel, or where clone(2) returns to in a new thread. */
    static const char *const names[] = {"_start", "_start_c", "_dlstart",
                                        "clone",  "__clone",  "__clone_internal",
                                        "clone3", "__clone3", NULL};
    return is_one_of(name, names);
}

bool unwind_function_ends_thread(const char *name)
{
    static const char *const names[] = {"exit",      "_exit",          "_Exit", "pthread_exit",
                                        "thrd_exit", "__pthread_exit", NULL};
    return is_one_of(name, names);
}

static bool add(struct unwind_functions *functions, const struct unwind_function *function)
{
    if (functions->count == functions->capacity) {
        size_t larger = functions->capacity ? functions->capacity * 2 : 256;
        struct unwind_function *moved = realloc(functions->list, larger * sizeof *moved);
        if (!moved)
            return false;
        functions->list = moved;
        functions->capacity = larger;
    }
    functions->list[functions->count++] = *function;
    return true;
}

struct visit {
    struct unwind_functions *functions;
    bool out_of_memory;
};

static bool visit(const struct elf_symbol *symbol, void *data)
{
    struct visit *self = data;
    struct unwind_function function = {.address = symbol->address,
                                       .size = symbol->size,
                                       .outermost = is_outermost(symbol->name),
                                       .ends_thread = unwind_function_ends_thread(symbol->name)};
    self->out_of_memory = !add(self->functions, &function);
    return !self->out_of_memory;
}

static int compare_functions(const void *left, const void *right)
{
    const struct unwind_function *a = left, *b = right;
    return a->address < b->address ? -1 : a->address > b->address;
}

static void merge_aliases(struct unwind_functions *functions)
{
    size_t kept = 0;
    for (size_t i = 0; i < functions->count; i++) {
        const struct unwind_function *function = &functions->list[i];
        struct unwind_function *last = kept ? &functions->list[kept - 1] : NULL;
        if (!last || last->address != function->address) {
            functions->list[kept++] = *function;
            continue;
        }
        if (function->size > last->size)
            last->size = function->size;
        last->outermost = last->outermost || function->outermost;
        last->ends_thread = last->ends_thread || function->ends_thread;
    }
    functions->count = kept;
}

struct error *unwind_functions_init(struct unwind_functions *functions, struct elf_file *file)
{
    *functions = (struct unwind_functions){0};
    struct visit self = {.functions = functions};
    struct error *error = elf_file_functions(file, "", visit, &self);
    struct unwind_function entry = {.address = elf_file_entry(file), .outermost = true};
    if (!error && (self.out_of_memory || (entry.address && !add(functions, &entry))))
        error = error_no_memory();
    if (error) {
        unwind_functions_deinit(functions);
        return error;
    }
    if (functions->count)
        qsort(functions->list, functions->count, sizeof *functions->list, compare_functions);
    merge_aliases(functions);
    return NULL;
}

void unwind_functions_deinit(struct unwind_functions *functions)
{
    free(functions->list);
    *functions = (struct unwind_functions){0};
}

const struct unwind_function *unwind_functions_find(const struct unwind_functions *functions,
                                                    uint64_t address)
{
    size_t low = 0, high = functions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (functions->list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &functions->list[low - 1] : NULL;
}

uint64_t unwind_functions_next(const struct unwind_functions *functions,
                               const struct unwind_function *function)
{
    const struct unwind_function *next = function + 1;
    return next < functions->list + functions->count ? next->address : UINT64_MAX;
}
