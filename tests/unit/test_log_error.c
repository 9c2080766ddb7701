/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "output/log/error.h"
#include "output/log/utf8.h"
#include "tests/unit/log_cmocka.h"

static void utf8_has_exactly_the_forms_of_rfc_3629(void **state)
{
    (void)state;
    /* Encodes each number up to 0x1fffff in each length that can hold it. */
    for (uint32_t code = 0; code <= 0x1fffff; code += code < 0x11000 ? 1 : 251) {
        for (size_t length = 1; length <= 4; length++) {
            static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
            static const uint32_t most[] = {0, 0x7f, 0x7ff, 0xffff, 0x1fffff};
            static const unsigned char mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
            if (code > most[length])
                continue;
            char text[4];
            uint32_t rest = code;
            for (size_t i = length - 1; i > 0; i--, rest >>= 6)
                text[i] = (char)(0x80 | (rest & 0x3f));
            text[0] = (char)(mark[length] | rest);
            bool good =
                code >= least[length] && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
            assert_int_equal(utf8_character(text, length), good ? length : 0);
            if (length > 1)
                assert_int_equal(utf8_character(text, length - 1), 0);
        }
    }
}

static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'a', sizeof text);
    assert_true(utf8_valid(text, sizeof text));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = '\xbf';
        assert_false(utf8_valid(text, sizeof text));
        text[i] = 'a';
    }
    assert_true(utf8_valid(NULL, 0));
}

static void errors_carry_code_and_one_line(void **state)
{
    (void)state;
    struct error *error = error_format(ERROR_CORRUPT, "%s: %d", "a\nb", 7);
    assert_int_equal(error->code, ERROR_CORRUPT);
    assert_int_equal(error->errno_value, 0);
    assert_string_equal(error->message, "a\\x0ab: 7");
    assert_ptr_equal(error_prefix(error, "file %s", "x\x1b"), error);
    assert_string_equal(error->message, "file x\\x1b: a\\x0ab: 7");
    error_free(error);
}

static void the_code_follows_from_the_errno_value(void **state)
{
    (void)state;
    static const struct {
        int errno_value;
        enum error_code code;
    } cases[] = {{ENOSPC, ERROR_SYSTEM}, {ENOENT, ERROR_SYSTEM}, {ESRCH, ERROR_GONE},
                 {EPERM, ERROR_DENIED},  {EACCES, ERROR_DENIED}, {ENOMEM, ERROR_MEMORY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error *error = error_errno(cases[i].errno_value, "cannot do");
        char expected[128] = "cannot do: ";
        strcat(expected, strerror(cases[i].errno_value));
        assert_int_equal(error->code, cases[i].code);
        assert_int_equal(error->errno_value, cases[i].errno_value);
        assert_string_equal(error->message, expected);
        error_free(error);
    }
}

static void the_out_of_memory_object_is_never_changed(void **state)
{
    (void)state;
    struct error *error = error_no_memory();
    assert_int_equal(error->code, ERROR_MEMORY);
    assert_ptr_equal(error_prefix(error, "prefix"), error);
    assert_string_equal(error->message, "out of memory");
    error_free(error);
    assert_string_equal(error_no_memory()->message, "out of memory");
    error_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_has_exactly_the_forms_of_rfc_3629),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(errors_carry_code_and_one_line),
        cmocka_unit_test(the_code_follows_from_the_errno_value),
        cmocka_unit_test(the_out_of_memory_object_is_never_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
