/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/symbolize.h"

#define MODULE 7

static struct symbolizer *symbolizer_for(const char *path, const char *root)
{
    struct symbolizer *symbolizer;
    assert_null(symbolizer_create(&symbolizer));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(symbolizer_add_module(symbolizer, MODULE, fd, path, root));
    return symbolizer;
}

enum knowledge {
    INLINES_AND_LINES, /* everything the program prints of itself */
    FUNCTIONS,         /* of its chains the outermost function, without a line */
    NOTHING,
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void check_location(const struct symbol_location *location, const char *expected)
{
    const char *bar = strrchr(expected, '|');
    assert_non_null(location->function);
    assert_int_equal(strncmp(location->function, expected, (size_t)(bar - expected)), 0);
    assert_int_equal(strlen(location->function), bar - expected);
    assert_non_null(location->file);
    assert_true(ends_with(location->file, "/named.cc"));
    assert_int_equal(location->line, strtoul(bar + 1, NULL, 10));
}

/* Compares with one block of the program's output, up to the line with a dot. */
static void check_block(FILE *output, const struct symbol_result *result, enum knowledge knowledge)
{
    char expected[256];
    size_t count = 0;
    char outermost[256] = "";
    while (fgets(expected, sizeof expected, output) && strcmp(expected, ".\n") != 0) {
        if (knowledge == INLINES_AND_LINES) {
            assert_in_range(count, 0, result->count - 1);
            check_location(&result->locations[count], expected);
        }
        count++;
        memcpy(outermost, expected, sizeof outermost);
    }
    assert_true(count > 0);
    if (knowledge == INLINES_AND_LINES) {
        assert_int_equal(result->count, count);
    } else if (knowledge == FUNCTIONS) {
        assert_int_equal(result->count, 1);
        *strrchr(outermost, '|') = '\0';
        assert_string_equal(result->locations[0].function, outermost);
        assert_null(result->locations[0].file);
        assert_int_equal(result->locations[0].line, 0);
    } else {
        assert_int_equal(result->count, 0);
    }
}

/* program prints what is true of path, which has the same code. */
static void check(const char *program, const char *path, const char *root, enum knowledge knowledge)
{
    struct symbolizer *symbolizer = symbolizer_for(path, root);
    FILE *output = popen(program, "r");
    assert_non_null(output);
    unsigned long address;
    int exact;
    unsigned int blocks = 0;
    while (fscanf(output, "%lx %d\n", &address, &exact) == 2) {
        check_block(output, symbolizer_resolve(symbolizer, MODULE, address, exact), knowledge);
        blocks++;
    }
    assert_int_equal(blocks, 4);
    pclose(output);
    symbolizer_destroy(symbolizer);
}

static void functions_lines_and_inlined_calls_come_from_dwarf(void **state)
{
    (void)state;
    check(FIXTURES "/named", FIXTURES "/named", "", INLINES_AND_LINES);
    check(FIXTURES "/named_dwarf4", FIXTURES "/named_dwarf4", "", INLINES_AND_LINES);
}

static void dwarf_without_aranges_is_enough(void **state)
{
    (void)state;
#ifdef HAVE_CLANG
    check(FIXTURES "/named_clang", FIXTURES "/named_clang", "", INLINES_AND_LINES);
#else
    skip();
#endif
}

static void separate_debug_files_are_found_by_build_id_below_root(void **state)
{
    (void)state;
    check(FIXTURES "/named", FIXTURES "/named_stripped", FIXTURES "/root", INLINES_AND_LINES);
}

static void separate_debug_files_are_found_by_debuglink_if_the_crc_matches(void **state)
{
    (void)state;
    check(FIXTURES "/named_dwarf4", FIXTURES "/linked/named", "", INLINES_AND_LINES);
    check(FIXTURES "/named_dwarf4", FIXTURES "/broken/named", "", NOTHING);
}

static void symbols_alone_give_function_names(void **state)
{
    (void)state;
    check(FIXTURES "/named", FIXTURES "/named_symtab", "", FUNCTIONS);
    check(FIXTURES "/named", FIXTURES "/named_mini", "", FUNCTIONS);
}

static void nothing_is_made_up_for_stripped_files_and_unknown_modules(void **state)
{
    (void)state;
    check(FIXTURES "/named", FIXTURES "/named_stripped", "", NOTHING);
    struct symbolizer *symbolizer = symbolizer_for(FIXTURES "/named", "");
    assert_int_equal(symbolizer_resolve(symbolizer, MODULE + 1, 0x1234, true)->count, 0);
    assert_int_equal(symbolizer_resolve(symbolizer, MODULE, UINT64_MAX / 2, true)->count, 0);
    symbolizer_destroy(symbolizer);
}

static void what_is_no_elf_file_is_refused(void **state)
{
    (void)state;
    struct symbolizer *symbolizer;
    assert_null(symbolizer_create(&symbolizer));
    int fd = memfd_create("not-elf", MFD_CLOEXEC);
    assert_int_equal(write(fd, "text", 4), 4);
    struct error *error = symbolizer_add_module(symbolizer, MODULE, fd, "not-elf", "");
    assert_non_null(error);
    error_free(error);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken over all the same */
    symbolizer_destroy(symbolizer);
}

static void the_vdso_is_named_from_an_image(void **state)
{
    (void)state;
    const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
    if (!vdso)
        skip();
    int fd = memfd_create("vdso", MFD_CLOEXEC);
    assert_int_equal(write(fd, vdso, 4096), 4096);
    size_t size = 4096;
    while (write(fd, vdso + size, 4096) == 4096)
        size += 4096;
    struct symbolizer *symbolizer;
    assert_null(symbolizer_create(&symbolizer));
    assert_null(symbolizer_add_module(symbolizer, MODULE, fd, "[vdso]", ""));
    bool found = false;
    for (uint64_t address = 0; address < size && !found; address += 16) {
        const struct symbol_result *result = symbolizer_resolve(symbolizer, MODULE, address, true);
        found = result->count && strstr(result->locations[0].function, "clock_gettime");
    }
    assert_true(found);
    symbolizer_destroy(symbolizer);
}

static void names_are_demangled_and_others_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *mangled, *readable;
    } names[] = {
        {"_ZN3foo3barEiPKc", "foo::bar(int, char const*)"},
        {"_Znwm", "operator new(unsigned long)"},
        {"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
        {"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
        {"malloc", NULL},
        {"_Zebra", NULL},
        {"_Read", NULL},
        {"_Z", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *readable = symbol_demangle(names[i].mangled);
        if (names[i].readable) {
            assert_non_null(readable);
            assert_string_equal(readable, names[i].readable);
        } else {
            assert_null(readable);
        }
        free(readable);
    }
}

int main(void)
{
    /* Nothing here may ask the network. */
    unsetenv("DEBUGINFOD_URLS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_lines_and_inlined_calls_come_from_dwarf),
        cmocka_unit_test(dwarf_without_aranges_is_enough),
        cmocka_unit_test(separate_debug_files_are_found_by_build_id_below_root),
        cmocka_unit_test(separate_debug_files_are_found_by_debuglink_if_the_crc_matches),
        cmocka_unit_test(symbols_alone_give_function_names),
        cmocka_unit_test(nothing_is_made_up_for_stripped_files_and_unknown_modules),
        cmocka_unit_test(what_is_no_elf_file_is_refused),
        cmocka_unit_test(the_vdso_is_named_from_an_image),
        cmocka_unit_test(names_are_demangled_and_others_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
