/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/allocators.h"

static struct allocators *allocators;

static int start(void **state)
{
    (void)state;
    return allocators_create(true, &allocators) != NULL;
}

static int end(void **state)
{
    (void)state;
    allocators_destroy(allocators);
    return 0;
}

static void accept(const char *spec)
{
    struct error *error = allocators_add(allocators, spec);
    if (error)
        fail_msg("%s: %s", spec, error->message);
}

/* Positions in the order size, count, address, out. */
struct expectation {
    const char *name;
    enum allocator_kind kind;
    int8_t size, count, address, out;
    bool wrapper;
};

static void check(const struct expectation *expected, const struct allocator_function *function)
{
    if (!function)
        fail_msg("%s is not found", expected->name);
    if (function->kind != expected->kind || function->size != expected->size ||
        function->count != expected->count || function->address != expected->address ||
        function->out != expected->out || function->wrapper != expected->wrapper)
        fail_msg("%s: kind %d size %d count %d address %d out %d wrapper %d", expected->name,
                 (int)function->kind, function->size, function->count, function->address,
                 function->out, function->wrapper);
}

/* ---- The built-in table ---- */

/* The positions are those of the prototypes in the manual pages and headers. */
static const struct expectation known[] = {
    {"malloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"calloc", ALLOCATOR_ALLOCATE, 1, 0, -1, -1, false},
    {"realloc", ALLOCATOR_RESIZE, 1, -1, 0, -1, false},
    {"reallocarray", ALLOCATOR_RESIZE, 2, 1, 0, -1, false},
    {"free", ALLOCATOR_FREE, -1, -1, 0, -1, false},
    {"cfree", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"posix_memalign", ALLOCATOR_ALLOCATE, 2, -1, -1, 0, false},
    {"aligned_alloc", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false},
    {"memalign", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false},
    {"valloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"pvalloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"free_sized", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"free_aligned_sized", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"mallocx", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"rallocx", ALLOCATOR_RESIZE, 1, -1, 0, -1, false},
    {"xallocx", ALLOCATOR_EXPAND, 1, -1, 0, -1, false},
    {"sdallocx", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"dallocx", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"je_calloc", ALLOCATOR_ALLOCATE, 1, 0, -1, -1, false},
    {"je_free", ALLOCATOR_FREE, -1, -1, 0, -1, false},
    {"_rjem_malloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"_rjem_posix_memalign", ALLOCATOR_ALLOCATE, 2, -1, -1, 0, false},
    {"_rjem_xallocx", ALLOCATOR_EXPAND, 1, -1, 0, -1, false},
    {"_rjem_sdallocx", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"mi_malloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"mi_malloc_small", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"mi_zalloc_aligned_at", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"mi_mallocn", ALLOCATOR_ALLOCATE, 1, 0, -1, -1, false},
    {"mi_reallocn", ALLOCATOR_RESIZE, 2, 1, 0, -1, false},
    {"mi_aligned_recalloc", ALLOCATOR_RESIZE, 2, 1, 0, -1, false},
    {"mi_heap_malloc", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false},
    {"mi_heap_calloc_aligned", ALLOCATOR_ALLOCATE, 2, 1, -1, -1, false},
    {"mi_heap_reallocf", ALLOCATOR_RESIZE, 2, -1, 1, -1, false},
    {"mi_heap_recalloc_aligned_at", ALLOCATOR_RESIZE, 3, 2, 1, -1, false},
    {"mi_heap_alloc_new_n", ALLOCATOR_ALLOCATE, 2, 1, -1, -1, false},
    {"mi_memalign", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false},
    {"mi_posix_memalign", ALLOCATOR_ALLOCATE, 2, -1, -1, 0, false},
    {"mi_new_aligned", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"mi_free_size_aligned", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"tc_malloc_skip_new_handler", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"tc_memalign", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false},
    {"tc_newarray_nothrow", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false},
    {"tc_deletearray_sized_aligned", ALLOCATOR_FREE, -1, -1, 0, -1, true},
    {"__rg_alloc", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, true},
    {"__rg_realloc", ALLOCATOR_RESIZE, 3, -1, 0, -1, true},
    {"mmap", ALLOCATOR_MMAP, 1, -1, -1, -1, false},
    {"munmap", ALLOCATOR_MUNMAP, 1, -1, 0, -1, false},
    {"mremap", ALLOCATOR_MREMAP, 2, -1, 0, -1, false},
    {"brk", ALLOCATOR_BRK, -1, -1, 0, -1, false},
    {"sbrk", ALLOCATOR_SBRK, 0, -1, -1, -1, false},
};

static void known_functions_have_their_prototypes_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        check(&known[i], allocators_find(allocators, known[i].name, "any.so"));
}

static void every_operator_new_and_delete_is_a_wrapper(void **state)
{
    (void)state;
    static const char *const forms[] = {"", "RKSt9nothrow_t", "St11align_val_t",
                                        "St11align_val_tRKSt9nothrow_t"};
    static const char *const sized[] = {"m", "mSt11align_val_t"};
    char name[64];
    for (int array = 0; array < 2; array++) {
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            struct expectation new = {name, ALLOCATOR_ALLOCATE, 0, -1, -1, -1, true};
            struct expectation delete = {name, ALLOCATOR_FREE, -1, -1, 0, -1, true};
            snprintf(name, sizeof name, "_Zn%cm%s", array ? 'a' : 'w', forms[i]);
            check(&new, allocators_find(allocators, name, "libstdc++.so.6"));
            snprintf(name, sizeof name, "_Zd%cPv%s", array ? 'a' : 'l', forms[i]);
            check(&delete, allocators_find(allocators, name, "libstdc++.so.6"));
        }
        for (size_t i = 0; i < sizeof sized / sizeof *sized; i++) {
            struct expectation delete = {name, ALLOCATOR_FREE, -1, -1, 0, -1, true};
            snprintf(name, sizeof name, "_Zd%cPv%s", array ? 'a' : 'l', sized[i]);
            check(&delete, allocators_find(allocators, name, "libstdc++.so.6"));
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void no_name_is_described_twice(void **state)
{
    (void)state;
    size_t count;
    const struct allocator_function *functions = allocators_builtin(&count);
    const char **names = calloc(count, sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < count; i++)
        names[i] = functions[i].name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            fail_msg("%s is described twice", names[i]);
    }
    free(names);
}

static void descriptions_are_complete_for_their_kind(void **state)
{
    (void)state;
    size_t count;
    const struct allocator_function *functions = allocators_builtin(&count);
    for (size_t i = 0; i < count; i++) {
        const struct allocator_function *function = &functions[i];
        bool resizes = function->kind == ALLOCATOR_RESIZE || function->kind == ALLOCATOR_EXPAND;
        if ((function->kind == ALLOCATOR_ALLOCATE || resizes) && function->size < 0)
            fail_msg("%s has no size", function->name);
        if ((function->kind == ALLOCATOR_FREE || resizes) && function->address < 0)
            fail_msg("%s has no block", function->name);
        if (function->count >= 0 && function->count == function->size)
            fail_msg("%s has one argument for two", function->name);
        if (function->user || function->module || function->fixed_address)
            fail_msg("%s is not the user's", function->name);
    }
}

static void unknown_names_are_not_found(void **state)
{
    (void)state;
    static const char *const names[] = {"",        "mallo", "malloc_", "Malloc", "__libc_malloc",
                                        "mallopt", "nop",   "_Zn"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(allocators_find(allocators, names[i], "libc.so.6"));
}

static void mapping_functions_are_found_on_request_only(void **state)
{
    (void)state;
    struct allocators *plain;
    assert_null(allocators_create(false, &plain));
    static const char *const names[] = {"mmap", "mmap64", "munmap", "mremap", "brk", "sbrk"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_null(allocators_find(plain, names[i], "libc.so.6"));
        assert_non_null(allocators_find(allocators, names[i], "libc.so.6"));
    }
    assert_non_null(allocators_find(plain, "malloc", "libc.so.6"));
    allocators_destroy(plain);
}

/* ---- The user's words ---- */

static const struct {
    const char *spec;
    struct expectation expected;
} good[] = {
    {"f(size)", {"f", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false}},
    {"f(_,size)", {"f", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false}},
    {"f(count,size)", {"f", ALLOCATOR_ALLOCATE, 1, 0, -1, -1, false}},
    {"f(out,_,size)", {"f", ALLOCATOR_ALLOCATE, 2, -1, -1, 0, false}},
    {"f(_,_,_,_,_,size)", {"f", ALLOCATOR_ALLOCATE, 5, -1, -1, -1, false}},
    {"f(ptr)", {"f", ALLOCATOR_FREE, -1, -1, 0, -1, false}},
    {"f(_,ptr)", {"f", ALLOCATOR_FREE, -1, -1, 1, -1, false}},
    {"f(ptr,size)", {"f", ALLOCATOR_RESIZE, 1, -1, 0, -1, false}},
    {"f(_, ptr, count, size)", {"f", ALLOCATOR_RESIZE, 3, 2, 1, -1, false}},
    {"f( size )", {"f", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false}},
    {"f=malloc", {"f", ALLOCATOR_ALLOCATE, 0, -1, -1, -1, false}},
    {"f=calloc", {"f", ALLOCATOR_ALLOCATE, 1, 0, -1, -1, false}},
    {"f=realloc", {"f", ALLOCATOR_RESIZE, 1, -1, 0, -1, false}},
    {"f=free", {"f", ALLOCATOR_FREE, -1, -1, 0, -1, false}},
    {"_ZN4Pool3getEm(_,size)", {"_ZN4Pool3getEm", ALLOCATOR_ALLOCATE, 1, -1, -1, -1, false}},
};

static void a_spec_becomes_a_description(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct allocators *own;
        assert_null(allocators_create(false, &own));
        struct error *error = allocators_add(own, good[i].spec);
        if (error)
            fail_msg("%s: %s", good[i].spec, error->message);
        const struct allocator_function *function =
            allocators_find(own, good[i].expected.name, "program");
        check(&good[i].expected, function);
        assert_true(function->user);
        assert_string_equal(function->name, good[i].expected.name);
        allocators_destroy(own);
    }
}

static const struct {
    const char *spec;
    const char *why; /* must be told */
} bad[] = {
    {"", "does not say"},
    {"f", "does not say"},
    {"f@lib.so", "does not say"},
    {"(size)", "name is empty"},
    {"=malloc", "name is empty"},
    {"@lib.so(size)", "name is empty"},
    {"f@(size)", "name is empty"},
    {"f(size", "closing )"},
    {"f(", "closing )"},
    {"f(size)x", "closing )"},
    {"f()", "unknown"},
    {"f(bytes)", "unknown"},
    {"f(size,)", "unknown"},
    {"f(Size)", "unknown"},
    {"f(size,size)", "twice"},
    {"f(ptr,ptr)", "twice"},
    {"f(_)", "neither size nor ptr"},
    {"f(out)", "neither size nor ptr"},
    {"f(count)", "count needs a size"},
    {"f(ptr,count)", "count needs a size"},
    {"f(ptr,out,size)", "do not go together"},
    {"f(_,_,_,_,_,_,size)", "first six"},
    {"f=", "not a known one"},
    {"f=mmap", "not a known one"},
    {"f=malloc(size)", "not a known one"},
    {"0x10(size)", "needs a module"},
    {"0x@prog(size)", "not a hexadecimal"},
    {"0x0@prog(size)", "not a hexadecimal"},
    {"0x12g@prog(size)", "not a hexadecimal"},
    {"0x-1@prog(size)", "not a hexadecimal"},
    {"0x10000000000000000@prog(size)", "not a hexadecimal"},
};

static void a_bad_spec_is_told_in_one_line_with_the_accepted_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error *error = allocators_add(allocators, bad[i].spec);
        if (!error)
            fail_msg("'%s' is taken", bad[i].spec);
        assert_int_equal(error->code, ERROR_USAGE);
        if (!strstr(error->message, bad[i].why))
            fail_msg("'%s' gives: %s", bad[i].spec, error->message);
        assert_non_null(strstr(error->message, "NAME[@MODULE](ARGUMENT,...)"));
        assert_null(strchr(error->message, '\n'));
        error_free(error);
    }
    /* What was refused left nothing behind. */
    assert_null(allocators_find(allocators, "f", "program"));
    assert_null(allocators_unused(allocators, 0));
}

static void a_spec_may_be_limited_to_modules(void **state)
{
    (void)state;
    accept("pool_get@libpool.so*(size)");
    assert_non_null(allocators_find(allocators, "pool_get", "libpool.so.3"));
    assert_null(allocators_find(allocators, "pool_get", "libother.so"));
}

static void the_users_word_comes_before_the_table(void **state)
{
    (void)state;
    accept("malloc@special(_,size)");
    assert_int_equal(allocators_find(allocators, "malloc", "special")->size, 1);
    assert_int_equal(allocators_find(allocators, "malloc", "libc.so.6")->size, 0);
    accept("malloc@special(_,_,size)");
    assert_int_equal(allocators_find(allocators, "malloc", "special")->size, 2);
    assert_false(allocators_find(allocators, "malloc", "libc.so.6")->user);
}

struct visits {
    size_t count;
    uint64_t address;
    int8_t size;
};

static void visit(const struct allocator_function *function, void *data)
{
    struct visits *visits = data;
    visits->count++;
    visits->address = function->fixed_address;
    visits->size = function->size;
}

static void addresses_are_visited_in_their_module(void **state)
{
    (void)state;
    struct visits visits = {0};
    accept("0x4012a0@server(_,size)");
    allocators_fixed(allocators, "client", visit, &visits);
    assert_int_equal(visits.count, 0);
    assert_string_equal(allocators_unused(allocators, 0), "0x4012a0@server(_,size)");
    allocators_fixed(allocators, "server", visit, &visits);
    assert_int_equal(visits.count, 1);
    assert_int_equal(visits.address, 0x4012a0);
    assert_int_equal(visits.size, 1);
    assert_null(allocators_unused(allocators, 0));
    /* An address is no name. */
    assert_null(allocators_find(allocators, "0x4012a0", "server"));
}

static void words_that_were_never_found_are_listed(void **state)
{
    (void)state;
    char spec[] = "first(size)"; /* the caller's memory may change afterwards */
    accept(spec);
    memset(spec, 'x', sizeof spec - 1);
    accept("second@lib(ptr)");
    accept("third=free");
    assert_non_null(allocators_find(allocators, "third", "program"));
    assert_null(allocators_find(allocators, "second", "program"));
    assert_string_equal(allocators_unused(allocators, 0), "first(size)");
    assert_string_equal(allocators_unused(allocators, 1), "second@lib(ptr)");
    assert_null(allocators_unused(allocators, 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_functions_have_their_prototypes_arguments),
        TEST(every_operator_new_and_delete_is_a_wrapper),
        TEST(no_name_is_described_twice),
        TEST(descriptions_are_complete_for_their_kind),
        TEST(unknown_names_are_not_found),
        TEST(mapping_functions_are_found_on_request_only),
        TEST(a_spec_becomes_a_description),
        TEST(a_bad_spec_is_told_in_one_line_with_the_accepted_forms),
        TEST(a_spec_may_be_limited_to_modules),
        TEST(the_users_word_comes_before_the_table),
        TEST(addresses_are_visited_in_their_module),
        TEST(words_that_were_never_found_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
