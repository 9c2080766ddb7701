/* SPDX-License-Identifier: MIT */
/* Untrusted text in a CSV file: one field each, and no formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/csv.h"

static void assert_field(const char *text, const char *wanted)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    csv_text(out, text);
    fclose(out);
    assert_string_equal(printed, wanted);
    free(printed);
}

static void a_field_is_one_field_whatever_is_in_it(void **state)
{
    (void)state;
    assert_field("", "\"\"");
    assert_field("f(int, char) (a.c:1)", "\"f(int, char) (a.c:1)\"");
    assert_field("operator\"\" _km", "\"operator\"\"\"\" _km\"");
    assert_field("a\r\nb\t", "\"a\\x0d\\x0ab\\x09\"");
    assert_field("\xff\xe2\x80\xae", "\"\\xff\\xe2\\x80\\xae\"");
    assert_field("caf\xc3\xa9", "\"caf\xc3\xa9\"");
}

static void no_field_is_a_formula(void **state)
{
    (void)state;
    assert_field("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"");
    assert_field("-[NSObject init]", "\"'-[NSObject init]\"");
    assert_field("+1", "\"'+1\"");
    assert_field("@SUM(A1)", "\"'@SUM(A1)\"");
    assert_field("\xef\xbc\x9d"
                 "1",
                 "\"'\xef\xbc\x9d"
                 "1\"");
    assert_field("a=b", "\"a=b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_one_field_whatever_is_in_it),
        cmocka_unit_test(no_field_is_a_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
