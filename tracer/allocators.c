/* SPDX-License-Identifier: MIT */
#include "tracer/allocators.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ARGUMENTS_MAX 6 /* those that are passed in registers */

static const char accepted_spec[] =
    "NAME[@MODULE](ARGUMENT,...) with arguments size, count, ptr, out or _, or "
    "NAME[@MODULE]=malloc, calloc, realloc or free";

struct user_function {
    struct allocator_function function; /* its texts point into text */
    char *text;
    char *spec; /* as the user gave it */
    bool used;
};

/* A function's name in the table. */
struct entry {
    const struct allocator_function *function;
    struct user_function *user; /* NULL for a built-in one */
    struct entry *next_module;  /* the same name, for another module */
    UT_hash_handle hh;
};

struct allocators {
    struct entry *entries;
    size_t longest; /* length of the longest name among them */
    struct user_function **user;
    size_t user_count;
};

/* What is added later is found first: the user's words come before the built-in table's. */
static struct error *add_entry(struct allocators *allocators,
                               const struct allocator_function *function,
                               struct user_function *user)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return error_no_memory();
    struct entry *first;
    HASH_FIND_STR(allocators->entries, function->name, first);
    if (first) {
        entry->function = first->function;
        entry->user = first->user;
        entry->next_module = first->next_module;
        first->function = function;
        first->user = user;
        first->next_module = entry;
        return NULL;
    }
    entry->function = function;
    entry->user = user;
    size_t length = strlen(function->name);
    unsigned before = HASH_COUNT(allocators->entries);
    HASH_ADD_KEYPTR(hh, allocators->entries, function->name, length, entry);
    if (HASH_COUNT(allocators->entries) == before) {
        free(entry);
        return error_no_memory();
    }
    if (length > allocators->longest)
        allocators->longest = length;
    return NULL;
}

struct error *allocators_create(bool mappings, struct allocators **out)
{
    struct allocators *allocators = calloc(1, sizeof *allocators);
    if (!allocators)
        return error_no_memory();
    size_t count;
    const struct allocator_function *functions = allocators_builtin(&count);
    struct error *error = NULL;
    for (size_t i = 0; !error && i < count; i++) {
        if (mappings || functions[i].kind < ALLOCATOR_MMAP)
            error = add_entry(allocators, &functions[i], NULL);
    }
    if (error) {
        allocators_destroy(allocators);
        return error;
    }
    *out = allocators;
    return NULL;
}

static void free_user(struct user_function *user)
{
    if (!user)
        return;
    free(user->text);
    free(user->spec);
    free(user);
}

void allocators_destroy(struct allocators *allocators)
{
    if (!allocators)
        return;
    struct entry *entry;
    while ((entry = allocators->entries)) {
        HASH_DEL(allocators->entries, entry);
        while (entry) {
            struct entry *next = entry->next_module;
            free(entry);
            entry = next;
        }
    }
    for (size_t i = 0; i < allocators->user_count; i++)
        free_user(allocators->user[i]);
    free(allocators->user);
    free(allocators);
}

/* ---- The user's words ---- */

static struct error *bad_spec(const char *spec, const char *why)
{
    return error_format(ERROR_USAGE, "--allocator=%s: %s; accepted is %s", spec, why,
                        accepted_spec);
}

/* Where the position of the argument with this meaning is kept, or NULL. */
static int8_t *place_of(struct allocator_function *function, const char *word)
{
    if (strcmp(word, "size") == 0)
        return &function->size;
    if (strcmp(word, "count") == 0)
        return &function->count;
    if (strcmp(word, "ptr") == 0)
        return &function->address;
    if (strcmp(word, "out") == 0)
        return &function->out;
    return NULL;
}

static struct error *parse_arguments(const char *spec, char *arguments,
                                     struct allocator_function *function)
{
    size_t length = strlen(arguments);
    if (!length || arguments[length - 1] != ')')
        return bad_spec(spec, "the closing ) is missing");
    arguments[length - 1] = 0;
    int8_t index = 0;
    char *rest = arguments;
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " ");
        word[strcspn(word, " ")] = 0;
        if (index == ARGUMENTS_MAX)
            return bad_spec(spec, "only the first six arguments can be seen");
        if (strcmp(word, "_") != 0) {
            int8_t *place = place_of(function, word);
            if (!place)
                return bad_spec(spec, "an argument is unknown");
            if (*place >= 0)
                return bad_spec(spec, "an argument is given twice");
            *place = index;
        }
        index++;
    }
    if (function->count >= 0 && function->size < 0)
        return bad_spec(spec, "count needs a size beside it");
    if (function->address >= 0 && function->out >= 0)
        return bad_spec(spec, "ptr and out do not go together");
    if (function->address >= 0)
        function->kind = function->size >= 0 ? ALLOCATOR_RESIZE : ALLOCATOR_FREE;
    else if (function->size >= 0)
        function->kind = ALLOCATOR_ALLOCATE;
    else
        return bad_spec(spec, "neither size nor ptr is among the arguments");
    return NULL;
}

static struct error *parse_known(const char *spec, const char *known,
                                 struct allocator_function *function)
{
    static const char *const names[] = {"malloc", "calloc", "realloc", "free"};
    size_t count;
    const struct allocator_function *functions = allocators_builtin(&count);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(known, names[i]) != 0)
            continue;
        for (size_t k = 0; k < count; k++) {
            if (strcmp(functions[k].name, known) != 0)
                continue;
            *function = functions[k];
            function->user = true;
            function->standard = false;
            return NULL;
        }
    }
    return bad_spec(spec, "the function after = is not a known one");
}

static struct error *parse_name(const char *spec, char *name, struct allocator_function *function)
{
    char *module = strchr(name, '@');
    if (module)
        *module++ = 0;
    if (!*name || (module && !*module))
        return bad_spec(spec, "a name is empty");
    function->name = name;
    function->module = module;
    if (strncmp(name, "0x", 2) != 0)
        return NULL;
    char *end;
    errno = 0;
    function->fixed_address = strtoull(name + 2, &end, 16);
    if (!isxdigit((unsigned char)name[2]) || *end || errno || !function->fixed_address)
        return bad_spec(spec, "the address is not a hexadecimal number");
    return module ? NULL : bad_spec(spec, "an address needs a module, as in 0x1234@PROGRAM(size)");
}

static struct error *parse_spec(const char *spec, char *text, struct allocator_function *function)
{
    char *separator = text + strcspn(text, "(=");
    char kind = *separator;
    if (!kind)
        return bad_spec(spec, "it does not say what the arguments are");
    *separator = 0;
    struct error *error = kind == '(' ? parse_arguments(spec, separator + 1, function)
                                      : parse_known(spec, separator + 1, function);
    return error ? error : parse_name(spec, text, function);
}

struct error *allocators_add(struct allocators *allocators, const char *spec)
{
    struct user_function **users =
        realloc(allocators->user, (allocators->user_count + 1) * sizeof(struct user_function *));
    if (!users)
        return error_no_memory();
    allocators->user = users;
    struct user_function *user = calloc(1, sizeof *user);
    if (!user || !(user->spec = strdup(spec)) || !(user->text = strdup(spec))) {
        free_user(user);
        return error_no_memory();
    }
    user->function = (struct allocator_function){
        .size = -1, .count = -1, .address = -1, .out = -1, .user = true};
    struct error *error = parse_spec(spec, user->text, &user->function);
    if (!error && !user->function.fixed_address)
        error = add_entry(allocators, &user->function, user);
    if (error) {
        free_user(user);
        return error;
    }
    users[allocators->user_count++] = user;
    return NULL;
}

/* ---- Look-up ---- */

const struct allocator_function *allocators_find(const struct allocators *allocators,
                                                 const char *name, const char *module)
{
    /* Most symbols of a C++ library are longer than any name here: they are not even hashed. */
    size_t length = strnlen(name, allocators->longest + 1);
    if (length > allocators->longest)
        return NULL;
    struct entry *entry;
    HASH_FIND(hh, allocators->entries, name, length, entry);
    for (; entry; entry = entry->next_module) {
        const struct allocator_function *function = entry->function;
        if (function->module && fnmatch(function->module, module, 0) != 0)
            continue;
        if (entry->user)
            entry->user->used = true;
        return function;
    }
    return NULL;
}

void allocators_fixed(const struct allocators *allocators, const char *module,
                      void (*visit)(const struct allocator_function *function, void *data),
                      void *data)
{
    for (size_t i = 0; i < allocators->user_count; i++) {
        struct user_function *user = allocators->user[i];
        if (!user->function.fixed_address || fnmatch(user->function.module, module, 0) != 0)
            continue;
        user->used = true;
        visit(&user->function, data);
    }
}

const char *allocators_unused(const struct allocators *allocators, size_t index)
{
    for (size_t i = 0; i < allocators->user_count; i++) {
        if (!allocators->user[i]->used && index-- == 0)
            return allocators->user[i]->spec;
    }
    return NULL;
}
