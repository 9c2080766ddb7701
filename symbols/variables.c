/* SPDX-License-Identifier: MIT */
#include "symbols/variables.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Variables may lie in others: so many before an address are looked at. */
#define MOST_LOOKS 32

struct variable {
    uint64_t address, size;
    size_t name; /* its place in names */
};

struct table {
    struct variable *list;
    size_t count, capacity;
};

struct variables {
    struct table data, local; /* ascending by address, the better name first */
    char *names;
    size_t used, capacity;
};

struct reading {
    struct variables *variables;
    const struct elf_file *file;
    bool failed; /* out of memory */
};

struct writable {
    uint64_t address;
    bool found;
};

static bool add_name(struct variables *variables, const char *name, size_t *place)
{
    size_t size = strlen(name) + 1;
    if (variables->capacity - variables->used < size) {
        size_t capacity = variables->capacity * 2 + size + 4096;
        char *names = realloc(variables->names, capacity);
        if (!names)
            return false;
        variables->names = names;
        variables->capacity = capacity;
    }
    *place = variables->used;
    memcpy(variables->names + variables->used, name, size);
    variables->used += size;
    return true;
}

static bool add(struct variables *variables, struct table *table, const struct elf_symbol *symbol)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 256;
        struct variable *list = realloc(table->list, capacity * sizeof *list);
        if (!list)
            return false;
        table->list = list;
        table->capacity = capacity;
    }
    struct variable *variable = &table->list[table->count];
    *variable = (struct variable){.address = symbol->address, .size = symbol->size};
    if (!add_name(variables, symbol->name, &variable->name))
        return false;
    table->count++;
    return true;
}

static void look_in(uint64_t start, uint64_t end, void *data)
{
    struct writable *writable = data;
    if (writable->address >= start && writable->address < end)
        writable->found = true;
}

/* Constants, the larger part in C++, hold nothing that was made while the program ran. */
static bool is_writable(const struct elf_file *file, uint64_t address)
{
    struct writable writable = {.address = address};
    elf_file_writable(file, look_in, &writable);
    return writable.found;
}

static bool visit(const struct elf_symbol *symbol, void *data)
{
    struct reading *reading = data;
    struct variables *variables = reading->variables;
    struct table *table = symbol->thread_local ? &variables->local : &variables->data;
    if (symbol->size && symbol->size <= UINT64_MAX - symbol->address &&
        (symbol->thread_local || is_writable(reading->file, symbol->address)))
        reading->failed = !add(variables, table, symbol);
    return !reading->failed;
}

static int compare(const void *a, const void *b, void *data)
{
    const struct variable *one = a;
    const struct variable *other = b;
    const char *names = data;
    if (one->address != other->address)
        return one->address < other->address ? -1 : 1;
    size_t ones = strspn(names + one->name, "_");
    size_t others = strspn(names + other->name, "_");
    if (ones != others)
        return ones < others ? -1 : 1;
    return strcmp(names + one->name, names + other->name);
}

static void sort(const struct variables *variables, struct table *table)
{
    if (table->count)
        qsort_r(table->list, table->count, sizeof *table->list, compare, variables->names);
}

struct error *variables_read(struct elf_file *file, const char *root, struct variables **out)
{
    struct variables *variables = calloc(1, sizeof *variables);
    if (!variables)
        return error_no_memory();
    struct reading reading = {.variables = variables, .file = file};
    struct error *error = elf_file_variables(file, root, visit, &reading);
    if (!error && reading.failed)
        error = error_no_memory();
    if (error) {
        variables_destroy(variables);
        return error;
    }
    sort(variables, &variables->data);
    sort(variables, &variables->local);
    *out = variables;
    return NULL;
}

void variables_destroy(struct variables *variables)
{
    if (!variables)
        return;
    free(variables->data.list);
    free(variables->local.list);
    free(variables->names);
    free(variables);
}

/* The first that begins behind address. */
static size_t first_behind(const struct table *table, uint64_t address)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const char *find(const struct variables *variables, const struct table *table,
                        uint64_t address, uint64_t *offset)
{
    const struct variable *found = NULL;
    size_t behind = first_behind(table, address);
    for (size_t i = 0; i < MOST_LOOKS && i < behind; i++) {
        const struct variable *variable = &table->list[behind - 1 - i];
        if (found && variable->address != found->address)
            break;
        if (address - variable->address < variable->size)
            found = variable;
    }
    if (!found)
        return NULL;
    *offset = address - found->address;
    return variables->names + found->name;
}

const char *variables_find(const struct variables *variables, uint64_t address, uint64_t *offset)
{
    return find(variables, &variables->data, address, offset);
}

const char *variables_find_local(const struct variables *variables, uint64_t place,
                                 uint64_t *offset)
{
    return find(variables, &variables->local, place, offset);
}
