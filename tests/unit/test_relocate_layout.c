/* SPDX-License-Identifier: MIT */
/*
 * What relocate.h tells about code, which is not executed here: the layout of copies, refusals and
 * calls. test_relocate.c executes copies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tracer/relocate.h"

static struct relocator *relocator;

static int start(void **state)
{
    (void)state;
    relocator = relocator_create();
    return relocator ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    relocator_destroy(relocator);
    return 0;
}

/* ---- What is told about a copy ---- */

static const struct {
    const char *name;
    uint8_t size; /* readable */
    uint8_t bytes[16];
    uint8_t length;
    bool unambiguous, comes_back;
} layouts[] = {
    {"one instruction", 15, {0x48, 0x89, 0xd8, 0x90, 0x90}, 3, true, true},
    {"a one-byte instruction and the next", 15, {0x55, 0x48, 0x89, 0xe5, 0x90}, 4, true, true},
    {"two one-byte instructions", 15, {0x55, 0x53, 0x50}, 2, true, true},
    {"a one-byte instruction at the end of what is readable", 1, {0x55}, 1, false, true},
    {"a one-byte instruction before half of one", 3, {0x55, 0x48, 0x89}, 1, false, true},
    {"a one-byte instruction before a breakpoint", 15, {0x55, 0xcc}, 1, false, true},
    {"a one-byte instruction before ud2", 15, {0x55, 0x0f, 0x0b}, 1, false, true},
    {"ret", 15, {0xc3, 0x90}, 1, true, false},
    {"a one-byte instruction and ret", 15, {0x5d, 0xc3}, 2, true, false},
    {"a one-byte instruction and a call", 15, {0x50, 0xe8, 0, 0, 0, 0}, 6, true, false},
    {"jmp", 15, {0xeb, 0x10}, 2, true, false},
    {"call", 15, {0xe8, 0x10, 0, 0, 0}, 5, true, false},
    {"je", 15, {0x74, 0x10}, 2, true, true},
    {"loop", 15, {0xe2, 0x10}, 2, true, true},
    {"syscall", 15, {0x0f, 0x05}, 2, true, true},
};

static void the_place_behind_the_original_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct relocated relocated;
        const uint64_t from = 0x400000, to = 0x500000;
        const char *reason =
            relocate(relocator, layouts[i].bytes, layouts[i].size, from, to, &relocated);
        if (reason)
            fail_msg("%s: %s", layouts[i].name, reason);
        if (relocated.length != layouts[i].length ||
            relocated.unambiguous != layouts[i].unambiguous)
            fail_msg("%s: length %d unambiguous %d", layouts[i].name, relocated.length,
                     relocated.unambiguous);
        if (!layouts[i].comes_back) {
            assert_int_equal(relocated.done, relocated.size);
            continue;
        }
        /* At done there is a jump to behind the original, and nothing else. */
        assert_int_equal(relocated.done + 5, relocated.size);
        assert_int_equal(relocated.code[relocated.done], 0xe9);
        int32_t displacement;
        memcpy(&displacement, relocated.code + relocated.done + 1, sizeof displacement);
        assert_int_equal(to + relocated.size + (uint64_t)(int64_t)displacement,
                         from + relocated.length);
    }
}

static const struct {
    const char *name;
    uint8_t size;
    uint8_t bytes[15];
    const char *reason;
} refused[] = {
    {"nothing", 0, {0}, "decoded"},
    {"half an instruction", 2, {0x48, 0x89}, "decoded"},
    {"pusha, 32-bit only", 1, {0x60}, "decoded"},
    {"aaa, 32-bit only", 1, {0x37}, "decoded"},
    {"prefixes only",
     15,
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66},
     "decoded"},
    {"int3", 1, {0xcc}, "breakpoint"},
    {"int 3", 2, {0xcd, 3}, "breakpoint"},
    {"int1", 1, {0xf1}, "breakpoint"},
    {"ud2", 2, {0x0f, 0x0b}, "shows its address"},
    {"ud1", 3, {0x0f, 0xb9, 0xc0}, "shows its address"},
    {"xbegin", 6, {0xc7, 0xf8, 1, 0, 0, 0}, "xbegin"},
    {"lcall [rip+x]", 6, {0xff, 0x1d, 1, 0, 0, 0}, "code segment"},
    {"ljmp [rip+x]", 6, {0xff, 0x2d, 1, 0, 0, 0}, "code segment"},
    {"retf", 1, {0xcb}, "code segment"},
    {"iretq", 2, {0x48, 0xcf}, "code segment"},
    {"call rel16", 4, {0x66, 0xe8, 0, 0}, "16-bit"},
    {"jmp rel16", 4, {0x66, 0xe9, 0, 0}, "16-bit"},
    {"je rel16", 5, {0x66, 0x0f, 0x84, 0, 0}, "16-bit"},
    {"mov eax, [eip+x]", 7, {0x67, 0x8b, 0x05, 4, 0, 0, 0}, "EIP"},
    {"call [eip+x]", 7, {0x67, 0xff, 0x15, 4, 0, 0, 0}, "EIP"},
};

static void what_cannot_be_moved_is_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct relocated relocated;
        const char *reason =
            relocate(relocator, refused[i].bytes, refused[i].size, 0x400000, 0x500000, &relocated);
        if (!reason)
            fail_msg("%s is taken", refused[i].name);
        if (!strstr(reason, refused[i].reason))
            fail_msg("%s: %s", refused[i].name, reason);
    }
}

static void any_bytes_give_a_copy_that_fits_or_a_reason(void **state)
{
    (void)state;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    unsigned copied = 0;
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[30];
        for (size_t k = 0; k < sizeof bytes; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[k] = (uint8_t)random;
        }
        uint64_t to = i % 2 ? 0x500000 : random;
        struct relocated relocated;
        if (relocate(relocator, bytes, sizeof bytes, 0x400000, to, &relocated))
            continue;
        copied++;
        assert_in_range(relocated.length, 1, 30);
        assert_in_range(relocated.size, 1, RELOCATE_MAX_CODE);
        assert_in_range(relocated.done, 1, relocated.size);
    }
    assert_true(copied > 50000);
}

/* ---- Whom a function calls ---- */

static bool is_the_one(uint64_t address, void *data)
{
    return address == *(const uint64_t *)data;
}

static bool calls(const uint8_t *bytes, size_t size, uint64_t target)
{
    return relocate_calls(relocator, bytes, size, 0x1000, is_the_one, &target);
}

static void calls_and_jumps_of_a_function_are_found(void **state)
{
    (void)state;
    static const uint8_t call[] = {0x53, 0x48, 0x89, 0xfb, 0xe8, 0xf7, 0x0f, 0, 0, 0x5b, 0xc3};
    assert_true(calls(call, sizeof call, 0x2000));
    assert_false(calls(call, sizeof call, 0x2001));
    assert_false(calls(call, 8, 0x2000)); /* cut off within the call */
    static const uint8_t jump[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 0xf7, 0x0f, 0, 0};
    assert_true(calls(jump, sizeof jump, 0x2000));
    static const uint8_t conditional[] = {0x48, 0x85, 0xff, 0x0f, 0x84, 0xf7, 0x0f, 0, 0, 0xc3};
    assert_true(calls(conditional, sizeof conditional, 0x2000));
    static const uint8_t through_pointer[] = {0xff, 0x25, 0xfa, 0x0f, 0, 0};
    assert_true(calls(through_pointer, sizeof through_pointer, 0x2000));
    static const uint8_t address_only[] = {0x48, 0x8d, 0x05, 0xf9, 0x0f, 0, 0, 0xff, 0xd0, 0xc3};
    assert_false(calls(address_only, sizeof address_only, 0x2000));
    static const uint8_t none[] = {0xc3};
    assert_false(calls(none, sizeof none, 0x2000));
    assert_false(calls(none, 0, 0x2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_behind_the_original_is_told),
        cmocka_unit_test(what_cannot_be_moved_is_refused_with_a_reason),
        cmocka_unit_test(any_bytes_give_a_copy_that_fits_or_a_reason),
        cmocka_unit_test(calls_and_jumps_of_a_function_are_found),
    };
    return cmocka_run_group_tests(tests, start, end);
}
