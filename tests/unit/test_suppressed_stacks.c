/* SPDX-License-Identifier: MIT */
/* Which stacks suppressions match: those that are built in only as far as nobody else's code has a
 * part in the allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/suppressed_stacks.h"

enum { PROGRAM = 1, LIBC, LINKER, STDCXX, JEMALLOC, MODULES };
enum { MOST = 64 };

static struct catalog_module modules[MODULES] = {
    [PROGRAM] = {.path = "/bin/setlocale"},
    [LIBC] = {.path = "/usr/lib/x86_64-linux-gnu/libc.so.6"},
    [LINKER] = {.path = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"},
    [STDCXX] = {.path = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"},
    [JEMALLOC] = {.path = "/usr/lib/libjemalloc.so.2"},
};
static struct catalog_location locations[MOST];
static struct catalog_frame frames[MOST];
static struct catalog_stack stacks[MOST];
static struct catalog catalog;

static int set_up(void **state)
{
    (void)state;
    catalog = (struct catalog){.modules = modules,
                               .module_count = MODULES,
                               .frames = frames,
                               .frame_count = 1,
                               .stacks = stacks,
                               .stack_count = 1};
    return 0;
}

/* A function in a module, called from a stack; NULL: without a name. */
static uint32_t call(uint32_t caller, uint32_t module, const char *function)
{
    uint32_t id = (uint32_t)catalog.stack_count;
    assert_true(id < MOST);
    locations[id] = (struct catalog_location){.function = function, .file = "setlocale.c"};
    frames[id] = (struct catalog_frame){
        .module = module, .location_count = function != NULL, .locations = &locations[id]};
    stacks[id] = (struct catalog_stack){.parent = caller, .frame = id};
    catalog.stack_count++;
    catalog.frame_count++;
    return id;
}

static uint32_t allocate(uint32_t caller, uint32_t module)
{
    uint32_t id = call(caller, module, "malloc");
    frames[id].flags = LOG_FRAME_ALLOCATOR;
    return id;
}

/* What a stack is suppressed by; NULL if it is not. */
static const char *matched(const struct suppressions *suppressions, uint32_t stack)
{
    uint32_t *matches = suppressed_stacks(suppressions, &catalog);
    assert_non_null(matches);
    uint32_t match = matches[stack];
    free(matches);
    return match ? suppressions->list[match - 1].pattern : NULL;
}

static void assert_matched(uint32_t stack, const char *pattern)
{
    struct suppressions suppressions = {0};
    assert_null(suppressions_add_built_in(&suppressions));
    const char *match = matched(&suppressions, stack);
    if (!pattern)
        assert_null(match);
    else if (!match)
        fail_msg("nothing matches instead of %s", pattern);
    else
        assert_string_equal(match, pattern);
    suppressions_deinit(&suppressions);
}

static void a_library_function_is_known_by_name(void **state)
{
    (void)state;
    uint32_t main_stack = call(0, PROGRAM, "main");
    uint32_t locale = call(main_stack, LIBC, "setlocale");
    assert_matched(allocate(locale, LIBC), "^setlocale$");
    assert_matched(allocate(call(locale, LIBC, NULL), LIBC), "^setlocale$");
    assert_matched(allocate(call(main_stack, LIBC, "strdup"), LIBC), NULL);
    assert_matched(allocate(call(main_stack, LIBC, NULL), LIBC), NULL);
    assert_matched(allocate(main_stack, LIBC), NULL);
}

static void a_programs_code_ends_it(void **state)
{
    (void)state;
    uint32_t main_stack = call(0, PROGRAM, "main");
    uint32_t exits = call(main_stack, LIBC, "__pthread_exit");
    assert_matched(allocate(call(exits, PROGRAM, "clean_up"), LIBC), NULL);
    /* A program's function is no library's, whatever its name, its file's and its module's. */
    assert_matched(allocate(call(main_stack, PROGRAM, "setlocale"), LIBC), NULL);
    assert_matched(allocate(call(0, 0, "setlocale"), LIBC), NULL);
}

static void the_linkers_memory_is_its_own_and_constructors_is_not(void **state)
{
    (void)state;
    uint32_t start = call(0, LINKER, "call_init");
    uint32_t open = call(call(0, PROGRAM, "main"), LIBC, "_dlerror_run");
    assert_matched(allocate(start, LIBC), "/ld-linux");
    assert_matched(allocate(call(start, STDCXX, NULL), LIBC), "/ld-linux");
    assert_matched(allocate(call(start, PROGRAM, "constructor"), LIBC), NULL);
    assert_matched(allocate(call(call(open, LINKER, NULL), PROGRAM, "constructor"), LIBC), NULL);
    assert_matched(allocate(open, LIBC), "*dlerror*");
}

static void an_allocators_module_may_be_any(void **state)
{
    (void)state;
    uint32_t main_stack = call(0, PROGRAM, "main");
    /* Linked statically: all is in one. */
    assert_matched(allocate(call(main_stack, PROGRAM, "setlocale"), PROGRAM), "^setlocale$");
    assert_matched(allocate(main_stack, PROGRAM), NULL);
    /* Another allocator. */
    assert_matched(allocate(call(main_stack, LIBC, "setlocale"), JEMALLOC), "^setlocale$");
    assert_matched(allocate(call(main_stack, LIBC, "setlocale"), PROGRAM), "^setlocale$");
    assert_matched(allocate(call(0, JEMALLOC, "thread_init"), JEMALLOC), NULL);
}

static void what_is_given_comes_first_and_matches_anywhere(void **state)
{
    (void)state;
    char given[] = "^main$";
    char built_in[] = "^setlocale$";
    char libc[] = "/libc.so";
    char *of_library[] = {libc};
    struct suppression list[] = {{.pattern = given}, {.pattern = built_in}};
    const struct suppressions suppressions = {
        .list = list, .count = 2, .given = 1, .modules = of_library, .module_count = 1};
    uint32_t main_stack = call(0, PROGRAM, "main");
    uint32_t locale = call(main_stack, LIBC, "setlocale");
    assert_string_equal(matched(&suppressions, allocate(locale, LIBC)), "^main$");
    assert_string_equal(matched(&suppressions, allocate(call(main_stack, PROGRAM, "use"), LIBC)),
                        "^main$");
    assert_string_equal(matched(&suppressions, allocate(call(0, LIBC, "setlocale"), LIBC)),
                        "^setlocale$");
    assert_null(matched(&suppressions, allocate(call(0, LIBC, "strdup"), LIBC)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_library_function_is_known_by_name, set_up),
        cmocka_unit_test_setup(a_programs_code_ends_it, set_up),
        cmocka_unit_test_setup(the_linkers_memory_is_its_own_and_constructors_is_not, set_up),
        cmocka_unit_test_setup(an_allocators_module_may_be_any, set_up),
        cmocka_unit_test_setup(what_is_given_comes_first_and_matches_anywhere, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
