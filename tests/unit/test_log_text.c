/* SPDX-License-Identifier: MIT */
/* What is shown of text that cannot be trusted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/log/text.h"
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

static void what_turns_the_writing_direction_or_the_line_is_escaped(void **state)
{
    (void)state;
    /* The first and the last of each range, and their neighbours. */
    assert_sanitized("\u202a\u202e|\u2029\u202f", "\\xe2\\x80\\xaa\\xe2\\x80\\xae|"
                                                  "\\xe2\\x80\\xa9\u202f");
    assert_sanitized("\uffff\ufffe|\ufffd", "\\xef\\xbf\\xbf\\xef\\xbf\\xbe|\ufffd");
    assert_sanitized("\u2066\u2069|\u2065\u206a", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9|\u2065\u206a");
    assert_sanitized("\u061c\u200e\u200f\u200d", "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f\u200d");
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

/* ---- Words of a shell ---- */

static void assert_quoted(const char *word, const char *expected)
{
    char out[128];
    assert_int_equal(text_quote(out, sizeof out, word), strlen(expected));
    assert_string_equal(out, expected);
}

static void words_are_quoted_where_a_shell_needs_it(void **state)
{
    (void)state;
    assert_quoted("allocptrace.a-b_c.1.cbor", "allocptrace.a-b_c.1.cbor");
    assert_quoted("", "''");
    assert_quoted("a b", "'a b'");
    assert_quoted("it's", "'it'\\''s'");
    assert_quoted("$(reboot)`x`\\", "'$(reboot)`x`\\'");
    assert_quoted("\xc3\xa9", "'\xc3\xa9'");
    assert_quoted("\x1b[2J\\'\n", "$'\\x1b[2J\\\\\\'\\x0a'");
}

/* A shell makes the same bytes of them. */
static void a_shell_reads_back_what_was_quoted(void **state)
{
    (void)state;
    char word[256];
    for (int i = 1; i < 256; i++)
        word[i - 1] = (char)i;
    word[255] = 0;
    for (size_t start = 0; start < 255; start += 51) {
        char part[52], quoted[1024], command[2048], back[64] = "";
        memcpy(part, word + start, 51);
        part[51] = 0;
        assert_true(text_quote(quoted, sizeof quoted, part) < sizeof quoted);
        snprintf(command, sizeof command, "printf %%s %s", quoted);
        assert_null(strchr(command, '\n'));
        assert_int_equal(setenv("COMMAND", command, 1), 0);
        FILE *shell = popen("bash -c \"$COMMAND\"", "r");
        assert_non_null(shell);
        assert_int_equal(fread(back, 1, sizeof back, shell), 51);
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(back, part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_international_text_stays_as_it_is),
        cmocka_unit_test(what_drives_a_terminal_is_escaped),
        cmocka_unit_test(what_turns_the_writing_direction_or_the_line_is_escaped),
        cmocka_unit_test(invalid_utf8_is_escaped),
        cmocka_unit_test(a_small_buffer_cuts_between_characters),
        cmocka_unit_test(words_are_quoted_where_a_shell_needs_it),
        cmocka_unit_test(a_shell_reads_back_what_was_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
