/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/proc_maps.h"

static void parse(const char *text, struct proc_maps *maps)
{
    assert_null(proc_maps_parse(strdup(text), maps));
}

static void all_fields_of_a_line_are_read(void **state)
{
    (void)state;
    struct proc_maps maps;
    parse("7f0000001000-7f0000003000 r-xs 0001f000 fd:1a 4294967297                 /lib/x y.so\n",
          &maps);
    assert_int_equal(maps.count, 1);
    const struct proc_mapping *mapping = maps.mappings;
    assert_int_equal(mapping->start, 0x7f0000001000);
    assert_int_equal(mapping->end, 0x7f0000003000);
    assert_int_equal(mapping->offset, 0x1f000);
    assert_int_equal(mapping->inode, 4294967297);
    assert_int_equal(mapping->dev_major, 0xfd);
    assert_int_equal(mapping->dev_minor, 0x1a);
    assert_true(mapping->readable && mapping->executable && mapping->shared);
    assert_false(mapping->writable || mapping->deleted);
    assert_string_equal(mapping->path, "/lib/x y.so");
    proc_maps_deinit(&maps);
}

static void names_are_freed_of_what_the_kernel_adds(void **state)
{
    (void)state;
    struct proc_maps maps;
    parse("1000-2000 rw-p 00000000 00:00 0 \n"
          "2000-3000 rw-p 00000000 00:00 0                          [heap]\n"
          "3000-4000 r--p 00000000 08:01 7    /tmp/new\\012line\n"
          "4000-5000 r--p 00000000 08:01 8    /tmp/gone (deleted)\n"
          "5000-6000 r--p 00000000 00:00 0    [anon: (deleted)\n"
          "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]",
          &maps);
    assert_int_equal(maps.count, 6);
    assert_string_equal(maps.mappings[0].path, "");
    assert_string_equal(maps.mappings[1].path, "[heap]");
    assert_string_equal(maps.mappings[2].path, "/tmp/new\nline");
    assert_string_equal(maps.mappings[3].path, "/tmp/gone");
    assert_true(maps.mappings[3].deleted);
    assert_string_equal(maps.mappings[4].path, "[anon: (deleted)");
    assert_false(maps.mappings[4].deleted);
    assert_string_equal(maps.mappings[5].path, "[vsyscall]");
    proc_maps_deinit(&maps);
}

static void an_address_is_found_in_its_mapping_only(void **state)
{
    (void)state;
    struct proc_maps maps;
    parse("1000-2000 rw-p 00000000 00:00 0\n3000-4000 rw-p 00000000 00:00 0\n"
          "4000-5000 rw-p 00000000 00:00 0\n",
          &maps);
    assert_int_equal(proc_maps_from(&maps, 0), 0);
    assert_int_equal(proc_maps_from(&maps, 0x1fff), 0);
    assert_int_equal(proc_maps_from(&maps, 0x2000), 1);
    assert_int_equal(proc_maps_from(&maps, UINT64_MAX), maps.count);
    assert_null(proc_maps_find(&maps, 0xfff));
    assert_ptr_equal(proc_maps_find(&maps, 0x1000), &maps.mappings[0]);
    assert_ptr_equal(proc_maps_find(&maps, 0x1fff), &maps.mappings[0]);
    assert_null(proc_maps_find(&maps, 0x2000));
    assert_ptr_equal(proc_maps_find(&maps, 0x3fff), &maps.mappings[1]);
    assert_ptr_equal(proc_maps_find(&maps, 0x4000), &maps.mappings[2]);
    assert_null(proc_maps_find(&maps, 0x5000));
    proc_maps_deinit(&maps);
}

static void lines_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\n",
        "rubbish\n",
        "1000-2000\n",
        "1000-2000 rwxp\n",
        "1000-2000 rwxq 0 0:0 0\n",
        "1000-2000 rw?p 0 0:0 0\n",
        "2000-1000 rw-p 0 0:0 0\n",
        "1000-2000 rw-p 0 0:0\n",
        "1000-2000 rw-p 0 0:0 0x\n",
        "1000-2000 rw-p 0 100000000:0 0\n",
        "10000000000000000-20000000000000000 rw-p 0 0:0 0\n",
        "1000-2000 rw-p 0 0:0 99999999999999999999\n",
        "1000-3000 rw-p 0 0:0 0\n2000-4000 rw-p 0 0:0 0\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct proc_maps maps;
        struct error *error = proc_maps_parse(strdup(lines[i]), &maps);
        assert_non_null(error);
        assert_int_equal(error->code, ERROR_FORMAT);
        assert_int_equal(maps.count, 0);
        error_free(error);
    }
}

static void a_process_without_memory_has_no_mappings(void **state)
{
    (void)state;
    struct proc_maps maps;
    parse("", &maps);
    assert_int_equal(maps.count, 0);
    assert_null(proc_maps_find(&maps, 0));
    proc_maps_deinit(&maps);
}

static void this_process_has_its_own_code_and_stack_mapped(void **state)
{
    (void)state;
    struct proc_maps maps;
    int local;
    assert_null(proc_maps_read(getpid(), &maps));
    const struct proc_mapping *code = proc_maps_find(&maps, (uintptr_t)proc_maps_read);
    assert_non_null(code);
    assert_true(code->executable && code->inode);
    const struct proc_mapping *stack = proc_maps_find(&maps, (uintptr_t)&local);
    assert_non_null(stack);
    assert_string_equal(stack->path, "[stack]");
    proc_maps_deinit(&maps);
}

static void a_process_that_is_gone_is_told_apart(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct proc_maps maps;
    struct error *error = proc_maps_read(pid, &maps);
    assert_non_null(error);
    assert_int_equal(error->code, ERROR_GONE);
    error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_of_a_line_are_read),
        cmocka_unit_test(names_are_freed_of_what_the_kernel_adds),
        cmocka_unit_test(an_address_is_found_in_its_mapping_only),
        cmocka_unit_test(lines_that_are_none_are_refused),
        cmocka_unit_test(a_process_without_memory_has_no_mappings),
        cmocka_unit_test(this_process_has_its_own_code_and_stack_mapped),
        cmocka_unit_test(a_process_that_is_gone_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
