/* SPDX-License-Identifier: MIT */
/* What both programs take as the value of an option, at the edges of what they take. */
#include <stdio.h>
#include <string.h>

#include "output/log/option_value.h"
#include "tests/unit/log_cmocka.h"

/* What is accepted has no message. */
static void assert_result(struct error *error, const char *text, const char *message)
{
    if (!message) {
        if (error)
            fail_msg("'%s': %s", text, error->message);
        return;
    }
    if (!error)
        fail_msg("'%s' was taken", text);
    assert_int_equal(error->code, ERROR_USAGE);
    if (!strstr(error->message, message))
        fail_msg("'%s': '%s' lacks '%s'", text, error->message, message);
    error_free(error);
}

static void words_are_separated_by_commas(void **state)
{
    (void)state;
    static const char *const words[] = {"one", "two", "three", NULL};
    static const struct {
        const char *text, *message;
        unsigned found;
    } cases[] = {
        {"one", NULL, 1},
        {"three,one", NULL, 5},
        {"two,two", NULL, 2},
        {"", "one of one, two, three or, separated by commas, several of them, not ''", 0},
        {"one,", "not 'one,'", 0},
        {",one", "not ',one'", 0},
        {"one,four", "not 'one,four'", 0},
        {"on", "not 'on'", 0},
        {"ones", "not 'ones'", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned found;
        assert_result(option_words("w", cases[i].text, words, &found), cases[i].text,
                      cases[i].message);
        if (!cases[i].message)
            assert_int_equal(found, cases[i].found);
    }
}

static void numbers_are_digits_only(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        uint64_t number;
    } cases[] = {
        {"0", NULL, 0},
        {"007", NULL, 7},
        {"18446744073709551615", NULL, UINT64_MAX},
        {"18446744073709551616", "--n takes a whole number, not '18446744073709551616'", 0},
        {"", "not ''", 0},
        {" 1", "not ' 1'", 0},
        {"+1", "not '+1'", 0},
        {"-1", "not '-1'", 0},
        {"1k", "not '1k'", 0},
        {"0x10", "not '0x10'", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t number;
        assert_result(option_number("n", cases[i].text, &number), cases[i].text, cases[i].message);
        if (!cases[i].message)
            assert_true(number == cases[i].number);
    }
}

static void numbers_and_ids_have_bounds(void **state)
{
    (void)state;
    uint64_t number;
    int64_t id;
    const char *wanted = "--n takes a number from 2 to 9, not";
    assert_result(option_number_between("n", "2", 2, 9, &number), "2", NULL);
    assert_true(number == 2);
    assert_result(option_number_between("n", "9", 2, 9, &number), "9", NULL);
    assert_true(number == 9);
    assert_result(option_number_between("n", "1", 2, 9, &number), "1", wanted);
    assert_result(option_number_between("n", "10", 2, 9, &number), "10", wanted);
    assert_result(option_number_between("n", "x", 2, 9, &number), "x", wanted);
    assert_result(option_id("n", "2147483647", &id), "2147483647", NULL);
    assert_true(id == INT32_MAX);
    assert_result(option_id("n", "2147483648", &id), "2147483648", "--n: there is no such id");
}

static void lengths_of_time_are_finite(void **state)
{
    (void)state;
    double seconds;
    assert_result(option_seconds("n", "1.5", &seconds), "1.5", NULL);
    assert_true(seconds > 1.4 && seconds < 1.6);
    assert_result(option_seconds("n", "0", &seconds), "0", NULL);
    assert_result(option_duration("n", "1e-9", &seconds), "1e-9", NULL);
    assert_result(option_duration("n", "0", &seconds), "0",
                  "--n takes a number of seconds above 0, not '0'");
    static const char *const bad[] = {"", "x", "1s", "-1", "nan", "inf", "1e999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_result(option_seconds("n", bad[i], &seconds), bad[i],
                      "--n takes a number of seconds, not");
        assert_result(option_duration("n", bad[i], &seconds), bad[i], "seconds above 0, not");
    }
}

static void percentages_are_from_0_to_100(void **state)
{
    (void)state;
    double percent;
    assert_result(option_percent("n", "0", &percent), "0", NULL);
    assert_result(option_percent("n", "100%", &percent), "100%", NULL);
    assert_true(percent > 99.9 && percent < 100.1);
    static const char *const bad[] = {"", "%", "-1", "100.1", "nan", "1%%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_result(option_percent("n", bad[i], &percent), bad[i], "--n takes a percentage, not");
}

static void words_are_told_by_their_place(void **state)
{
    (void)state;
    static const char *const words[] = {"no", "yes", NULL};
    int word = -1;
    assert_result(option_word("n", "yes", words, &word), "yes", NULL);
    assert_int_equal(word, 1);
    assert_result(option_word("n", "no", words, &word), "no", NULL);
    assert_int_equal(word, 0);
    assert_result(option_word("n", "y", words, &word), "y", "--n takes one of no, yes, not 'y'");
    assert_result(option_word("n", "", words, &word), "", "not ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_by_commas),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(numbers_and_ids_have_bounds),
        cmocka_unit_test(lengths_of_time_are_finite),
        cmocka_unit_test(percentages_are_from_0_to_100),
        cmocka_unit_test(words_are_told_by_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
