/* SPDX-License-Identifier: MIT */
/* Names the variables of this program, which knows where they are. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/variables.h"

extern char __executable_start; /* virtual address 0 of a PIE */

static struct {
    int before;
    char inner[100];
} outer = {.before = 1};
static uint64_t single = 1;
int __plain_name = 1; /* with an alias, as in C libraries */
extern int plain_name __attribute__((alias("__plain_name")));
static _Thread_local int local = 1;
static _Thread_local char local_array[64];

static struct elf_file *open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct elf_file *file;
    assert_true(fd >= 0);
    assert_null(elf_file_open(fd, path, &file));
    close(fd);
    return file;
}

static struct variables *read_file(const char *path, const char *root)
{
    struct elf_file *file = open_file(path);
    struct variables *variables;
    assert_null(variables_read(file, root, &variables));
    elf_file_close(file);
    return variables;
}

static uint64_t in_file(const void *address)
{
    return (uint64_t)(uintptr_t)address - (uint64_t)(uintptr_t)&__executable_start;
}

static void assert_name(const struct variables *variables, const void *address, const char *name,
                        uint64_t offset)
{
    uint64_t found;
    const char *text = variables_find(variables, in_file(address), &found);
    assert_non_null(text);
    assert_string_equal(text, name);
    assert_int_equal(found, offset);
}

static void variables_are_found_by_any_of_their_bytes(void **state)
{
    (void)state;
    uint64_t offset;
    struct variables *variables = read_file("/proc/self/exe", "");
    assert_name(variables, &outer, "outer", 0);
    assert_name(variables, &outer.inner[40], "outer", offsetof(__typeof__(outer), inner) + 40);
    assert_name(variables, (char *)&outer + sizeof outer - 1, "outer", sizeof outer - 1);
    assert_name(variables, &single, "single", 0);
    assert_name(variables, (char *)&single + 7, "single", 7);
    assert_name(variables, &plain_name, "plain_name", 0);
    assert_null(variables_find(variables, 0, &offset));
    assert_null(variables_find(variables, UINT64_MAX, &offset));
    variables_destroy(variables);
}

static const uint64_t constant[4] = {1};

static void neither_functions_nor_constants_are_variables(void **state)
{
    (void)state;
    uint64_t offset;
    struct variables *variables = read_file("/proc/self/exe", "");
    assert_null(variables_find(
        variables, in_file((const void *)neither_functions_nor_constants_are_variables), &offset));
    assert_null(variables_find(variables, in_file(&constant[1]), &offset));
    variables_destroy(variables);
}

static void thread_local_variables_lie_below_the_thread_pointer(void **state)
{
    (void)state;
    uint64_t offset;
    struct elf_file *file = open_file("/proc/self/exe");
    uint64_t start = (uint64_t)(uintptr_t)__builtin_thread_pointer() - elf_file_tls_block(file);
    elf_file_close(file);
    struct variables *variables = read_file("/proc/self/exe", "");
    uint64_t place = (uint64_t)(uintptr_t)&local - start;
    assert_string_equal(variables_find_local(variables, place, &offset), "local");
    assert_int_equal(offset, 0);
    place = (uint64_t)(uintptr_t)&local_array[33] - start;
    assert_string_equal(variables_find_local(variables, place, &offset), "local_array");
    assert_int_equal(offset, 33);
    assert_null(variables_find_local(variables, 1 << 20, &offset));
    variables_destroy(variables);
}

static bool look_for_seen(const struct elf_symbol *symbol, void *data)
{
    if (strcmp(symbol->name, "_ZL4seen") == 0)
        *(uint64_t *)data = symbol->address;
    return true;
}

static void a_stripped_file_has_its_names_elsewhere(void **state)
{
    (void)state;
    uint64_t address = 0;
    uint64_t offset;
    struct elf_file *file = open_file(FIXTURES "/named");
    assert_null(elf_file_variables(file, "", look_for_seen, &address));
    elf_file_close(file);
    assert_true(address > 0);
    struct variables *variables = read_file(FIXTURES "/named_stripped", "");
    assert_null(variables_find(variables, address, &offset));
    variables_destroy(variables);
    variables = read_file(FIXTURES "/named_stripped", FIXTURES "/root");
    const char *name = variables_find(variables, address + 3, &offset);
    assert_non_null(name);
    assert_string_equal(name, "_ZL4seen");
    assert_int_equal(offset, 3);
    variables_destroy(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_found_by_any_of_their_bytes),
        cmocka_unit_test(neither_functions_nor_constants_are_variables),
        cmocka_unit_test(thread_local_variables_lie_below_the_thread_pointer),
        cmocka_unit_test(a_stripped_file_has_its_names_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
