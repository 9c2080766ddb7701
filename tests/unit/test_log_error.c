/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "output/log/error.h"
#include "output/log/utf8.h"
#include "tests/unit/log_cmocka.h"

static void assert_sanitized(const char *text, const char *expected)
{
    char out[128];
    assert_int_equal(text_sanitize(out, sizeof out, text), strlen(expected));
    assert_string_equal(out, expected);
}

static void plain_and_international_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_sanitized("", "");
    assert_sanitized("operator new[](unsigned long)", "operator new[](unsigned long)");
    assert_sanitized("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                     "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void what_drives_a_terminal_is_escaped(void **state)
{
    (void)state;
    assert_sanitized("\x1b[2J", "\\x1b[2J");
    assert_sanitized("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f");
    /* U+009B is CSI, as ESC [ is; U+00A0 is none any more. */
    assert_sanitized("\xc2\x9b", "\\xc2\\x9b");
    assert_sanitized("\xc2\xa0", "\xc2\xa0");
}

static void invalid_utf8_is_escaped(void **state)
{
    (void)state;
    assert_sanitized("\xff", "\\xff");
    assert_sanitized("\xc3", "\\xc3");
    assert_sanitized("\xc0\xaf", "\\xc0\\xaf");
    assert_sanitized("\xed\xa0\x80", "\\xed\\xa0\\x80");
    assert_sanitized("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    assert_sanitized("\xe2\x82z", "\\xe2\\x82z");
}

static void a_small_buffer_cuts_between_characters(void **state)
{
    (void)state;
    char out[6];
    memset(out, 'x', sizeof out);
    assert_int_equal(text_sanitize(out, sizeof out,
                                   "abc\xe2\x82\xac"
                                   "d"),
                     7);
    assert_string_equal(out, "abc");
    assert_int_equal(text_sanitize(out, sizeof out, "ab\x01"), 6);
    assert_string_equal(out, "ab");
    assert_int_equal(text_sanitize(out, 1, "abc"), 3);
    assert_string_equal(out, "");
    assert_int_equal(text_sanitize(NULL, 0, "abc"), 3);
}

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
        cmocka_unit_test(plain_and_international_text_stays_as_it_is),
        cmocka_unit_test(what_drives_a_terminal_is_escaped),
        cmocka_unit_test(invalid_utf8_is_escaped),
        cmocka_unit_test(a_small_buffer_cuts_between_characters),
        cmocka_unit_test(utf8_has_exactly_the_forms_of_rfc_3629),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(errors_carry_code_and_one_line),
        cmocka_unit_test(the_code_follows_from_the_errno_value),
        cmocka_unit_test(the_out_of_memory_object_is_never_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
