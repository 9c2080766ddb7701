/* SPDX-License-Identifier: MIT */
/* Untrusted text in markup: none of it may be taken for anything but text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/analyze/markup.h"

static void assert_markup(const char *text, const char *wanted)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    markup_text(out, text);
    fclose(out);
    assert_string_equal(printed, wanted);
    free(printed);
}

static void markup_becomes_references(void **state)
{
    (void)state;
    assert_markup("", "");
    assert_markup("std::vector<int>::push_back(int&&)",
                  "std::vector&lt;int&gt;::push_back(int&amp;&amp;)");
    assert_markup("</script><img src=x onerror='alert(1)'>",
                  "&lt;/script&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;");
    assert_markup("\" onload=\"x", "&quot; onload=&quot;x");
    assert_markup("]]>", "]]&gt;");
    assert_markup("&lt;", "&amp;lt;");
}

static void what_is_no_text_is_shown_byte_by_byte(void **state)
{
    (void)state;
    assert_markup("a\x1b[31m\n\x7f", "a\\x1b[31m\\x0a\\x7f");
    assert_markup("caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80",
                  "caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80");
    assert_markup("\xff<\xc3", "\\xff&lt;\\xc3");
    assert_markup("\xe2\x80\xae"
                  "abc",
                  "\\xe2\\x80\\xae"
                  "abc");
    /* Well-formed UTF-8, and yet no XML document may hold them. */
    assert_markup("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd",
                  "\\xef\\xbf\\xbe\\xef\\xbf\\xbf\xef\xbf\xbd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_references),
        cmocka_unit_test(what_is_no_text_is_shown_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
