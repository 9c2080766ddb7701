/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <gelf.h>

#include "symbols/elf_file.h"
#include "symbols/proc_maps.h"

static struct elf_file *open_fixture(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct elf_file *file;
    assert_true(fd >= 0);
    assert_null(elf_file_open(fd, path, &file));
    close(fd); /* the file has its own */
    return file;
}

struct wanted {
    const char *name;
    unsigned int static_visits, dynamic_visits;
    struct elf_symbol function;
};

static bool look_for(const struct elf_symbol *function, void *data)
{
    struct wanted *wanted = data;
    assert_null(strchr(function->name, '@'));
    if (strcmp(function->name, wanted->name) == 0) {
        *(function->dynamic ? &wanted->dynamic_visits : &wanted->static_visits) += 1;
        wanted->function = *function;
    }
    return true;
}

static struct wanted find_function(const char *path, const char *root, const char *name)
{
    struct wanted wanted = {.name = name};
    struct elf_file *file = open_fixture(path);
    assert_null(elf_file_functions(file, root, look_for, &wanted));
    elf_file_close(file);
    return wanted;
}

/* ---- Identity and layout ---- */

static void an_executable_tells_what_it_is(void **state)
{
    (void)state;
    struct elf_file *file = open_fixture(FIXTURES "/named");
    size_t size;
    assert_int_equal(elf_file_machine(file), EM_X86_64);
    assert_int_equal(elf_file_type(file), ET_DYN);
    assert_true(elf_file_is_64bit(file));
    assert_true(elf_file_has_interpreter(file));
    assert_non_null(elf_file_build_id(file, &size));
    assert_int_equal(size, 20);
    uint8_t code[4];
    assert_int_equal(elf_file_read(file, elf_file_entry(file), code, 4), 4);
    elf_file_close(file);
    file = open_fixture(FIXTURES "/named_dwarf4");
    elf_file_build_id(file, &size);
    assert_int_equal(size, 0);
    elf_file_close(file);
    file = open_fixture(FIXTURES "/fixed");
    assert_int_equal(elf_file_type(file), ET_EXEC);
    elf_file_close(file);
}

static void what_is_no_elf_file_is_an_error(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "\177ELF", "#!/bin/sh\n", "!<arch>\n"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        int fd = memfd_create("not-elf", MFD_CLOEXEC);
        struct elf_file *file;
        assert_int_equal(write(fd, contents[i], strlen(contents[i])), strlen(contents[i]));
        struct error *error = elf_file_open(fd, "not-elf", &file);
        assert_non_null(error);
        assert_int_equal(error->code, ERROR_FORMAT);
        error_free(error);
        close(fd);
    }
}

static void a_file_that_is_cut_off_does_no_harm(void **state)
{
    (void)state;
    struct wanted wanted = {.name = "main"};
    int fd = open(FIXTURES "/named_cut", O_RDONLY | O_CLOEXEC);
    struct elf_file *file;
    struct error *error = elf_file_open(fd, "named_cut", &file);
    close(fd);
    if (!error) {
        uint8_t code[64];
        error_free(elf_file_functions(file, "", look_for, &wanted));
        assert_null(elf_file_plt_target(file, 0x1040));
        assert_int_equal(elf_file_read(file, 0x7fffffff, code, sizeof code), 0);
        elf_file_close(file);
    }
    error_free(error);
    assert_int_equal(wanted.static_visits, 0);
}

static void the_bias_is_the_same_from_every_mapping(void **state)
{
    (void)state;
    struct proc_maps maps;
    assert_null(proc_maps_read(getpid(), &maps));
    const struct proc_mapping *own = proc_maps_find(&maps, (uintptr_t)open_fixture);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", own->start, own->end);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct elf_file *file = open_fixture(fd < 0 ? "/proc/self/exe" : path);
    close(fd);
    struct wanted wanted = {.name = "open_fixture"};
    assert_null(elf_file_functions(file, "", look_for, &wanted));
    unsigned int mappings = 0;
    for (size_t i = 0; i < maps.count; i++) {
        uint64_t bias;
        const struct proc_mapping *mapping = &maps.mappings[i];
        if (mapping->inode != own->inode || strcmp(mapping->path, own->path) != 0)
            continue;
        assert_true(elf_file_bias(file, mapping->start, mapping->offset, &bias));
        assert_int_equal(wanted.function.address + bias, (uintptr_t)open_fixture);
        mappings++;
    }
    assert_in_range(mappings, 3, 8);
    uint64_t bias;
    assert_false(elf_file_bias(file, 0x10000, 1ul << 40, &bias));
    elf_file_close(file);
    proc_maps_deinit(&maps);
}

static void contents_are_read_up_to_the_end_of_a_segment(void **state)
{
    (void)state;
    struct wanted wanted = find_function(FIXTURES "/named", "", "main");
    struct elf_file *file = open_fixture(FIXTURES "/named");
    static uint8_t whole[1 << 20], part[16];
    size_t size = elf_file_read(file, wanted.function.address, whole, sizeof whole);
    assert_in_range(size, wanted.function.size, sizeof whole - 1);
    assert_int_equal(elf_file_read(file, wanted.function.address + size - 5, part, 16), 5);
    assert_memory_equal(part, whole + size - 5, 5);
    assert_int_equal(elf_file_read(file, UINT64_MAX, part, 16), 0);
    elf_file_close(file);
}

/* ---- Functions ---- */

static void functions_come_from_symtab_and_dynsym(void **state)
{
    (void)state;
    struct wanted wanted = find_function(FIXTURES "/named", "", "plain_c_function");
    assert_int_equal(wanted.static_visits, 1);
    assert_int_equal(wanted.dynamic_visits, 0);
    assert_true(wanted.function.size > 0 && wanted.function.address > 0);
    /* Imported, so not one of its functions. */
    wanted = find_function(FIXTURES "/named", "", "printf");
    assert_int_equal(wanted.static_visits + wanted.dynamic_visits, 0);
}

static void a_library_offers_its_functions_and_ifuncs(void **state)
{
    (void)state;
    struct proc_maps maps;
    assert_null(proc_maps_read(getpid(), &maps));
    const char *libc = proc_maps_find(&maps, (uintptr_t)getpid)->path;
    struct wanted wanted = find_function(libc, "", "malloc");
    assert_int_equal(wanted.dynamic_visits, 1);
    assert_false(wanted.function.ifunc);
    wanted = find_function(libc, "", "memcpy");
    assert_true(wanted.function.ifunc);
    proc_maps_deinit(&maps);
}

static void functions_of_stripped_files_come_from_where_packagers_put_them(void **state)
{
    (void)state;
    uint64_t address = find_function(FIXTURES "/named", "", "plain_c_function").function.address;
    struct wanted wanted = find_function(FIXTURES "/named_stripped", "", "plain_c_function");
    assert_int_equal(wanted.static_visits, 0);
    wanted = find_function(FIXTURES "/named_stripped", FIXTURES "/root", "plain_c_function");
    assert_int_equal(wanted.static_visits, 1);
    assert_int_equal(wanted.function.address, address);
    wanted = find_function(FIXTURES "/named_mini", "", "plain_c_function");
    assert_int_equal(wanted.static_visits, 1);
    assert_int_equal(wanted.function.address, address);
    wanted = find_function(FIXTURES "/linked/named", "", "plain_c_function");
    assert_int_equal(wanted.static_visits, 1);
    /* The CRC does not match. */
    wanted = find_function(FIXTURES "/broken/named", "", "plain_c_function");
    assert_int_equal(wanted.static_visits, 0);
}

static bool stop_at_once(const struct elf_symbol *function, void *data)
{
    (void)function;
    ++*(unsigned int *)data;
    return false;
}

static void a_visit_can_end_the_walk(void **state)
{
    (void)state;
    unsigned int visits = 0;
    struct elf_file *file = open_fixture(FIXTURES "/named");
    assert_null(elf_file_functions(file, "", stop_at_once, &visits));
    assert_int_equal(visits, 1);
    elf_file_close(file);
}

/* ---- PLT ---- */

/* How many addresses of the section are stubs that jump to the symbol. */
static unsigned int count_stubs(struct elf_file *file, const char *section_name, const char *symbol)
{
    Elf *elf = elf_file_elf(file);
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    size_t names;
    unsigned int count = 0;
    assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
    while ((section = elf_nextscn(elf, section)) != NULL) {
        gelf_getshdr(section, &header);
        if (strcmp(elf_strptr(elf, names, header.sh_name), section_name) != 0)
            continue;
        for (uint64_t at = 0; at < header.sh_size; at += 8) {
            const char *target = elf_file_plt_target(file, header.sh_addr + at);
            count += target && strcmp(target, symbol) == 0;
        }
    }
    return count;
}

static void stubs_of_every_kind_of_plt_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *path, *section, *symbol;
    } cases[] = {
        {FIXTURES "/plt_plain", ".plt", "free"},
        {FIXTURES "/plt_plain", ".plt", "puts"},
        {FIXTURES "/plt_plain", ".plt", "malloc"},
        {FIXTURES "/plt_sec", ".plt.sec", "free"},
        {FIXTURES "/plt_sec", ".plt.sec", "malloc"},
        {FIXTURES "/plt_got", ".plt.got", "__cxa_finalize"},
        {FIXTURES "/fixed", ".plt", "malloc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct elf_file *file = open_fixture(cases[i].path);
        assert_int_equal(count_stubs(file, cases[i].section, cases[i].symbol), 1);
        assert_int_equal(count_stubs(file, ".text", cases[i].symbol), 0);
        elf_file_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_executable_tells_what_it_is),
        cmocka_unit_test(what_is_no_elf_file_is_an_error),
        cmocka_unit_test(a_file_that_is_cut_off_does_no_harm),
        cmocka_unit_test(the_bias_is_the_same_from_every_mapping),
        cmocka_unit_test(contents_are_read_up_to_the_end_of_a_segment),
        cmocka_unit_test(functions_come_from_symtab_and_dynsym),
        cmocka_unit_test(a_library_offers_its_functions_and_ifuncs),
        cmocka_unit_test(functions_of_stripped_files_come_from_where_packagers_put_them),
        cmocka_unit_test(a_visit_can_end_the_walk),
        cmocka_unit_test(stubs_of_every_kind_of_plt_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
