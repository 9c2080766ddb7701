/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "output/analyze/gate.h"
#include "tests/unit/log_cmocka.h"

static struct gate gate_of(const char *text)
{
    struct gate gate;
    struct error *error = gate_parse("fail-if", text, &gate);
    if (error)
        fail_msg("%s: %s", text, error->message);
    return gate;
}

/* Whether the expression is true of a number; growth is from before to now. */
static bool trips(const char *text, uint64_t before, uint64_t now)
{
    struct gate gate = gate_of(text);
    return gate_trips(&gate, before, now);
}

static void each_operator_is_true_where_it_should_be(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool below, at, above;
    } rows[] = {
        {"peak>5", false, false, true},  {"peak>=5", false, true, true},
        {"peak<5", true, false, false},  {"peak<=5", true, true, false},
        {"peak==5", false, true, false}, {"peak!=5", true, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(trips(rows[i].text, 0, 4), rows[i].below);
        assert_int_equal(trips(rows[i].text, 0, 5), rows[i].at);
        assert_int_equal(trips(rows[i].text, 0, 6), rows[i].above);
    }
}

static void units_are_of_1024_for_bytes_and_of_1000_for_counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t limit;
    } rows[] = {
        {"peak==0", 0},
        {"peak==007", 7},
        {" peak == 12 ", 12},
        {"peak==12B", 12},
        {"peak==1.5K", 1536},
        {"peak==1.5 KiB", 1536},
        {"peak==1.5KB", 1500},
        {"peak==100M", 100 << 20},
        {"peak==2GiB", UINT64_C(2) << 30},
        {"peak==2g", UINT64_C(2) << 30},
        {"peak==3TB", UINT64_C(3000000000000)},
        {"peak==1P", UINT64_C(1) << 50},
        {"peak==1E", UINT64_C(1) << 60},
        {"peak==1e6", 1000000},
        {"peak==1.5e3K", 1536000},
        {"peak==.5K", 512},
        {"allocations==10K", 10000},
        {"allocations==1.5m", 1500000},
        {"leaked-blocks==1E", UINT64_C(1000000000000000000)},
        {"peak==18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!trips(rows[i].text, 0, rows[i].limit))
            fail_msg("%s is not true of %llu", rows[i].text, (unsigned long long)rows[i].limit);
        assert_false(trips(rows[i].text, 0, rows[i].limit + 1));
    }
}

static void large_numbers_are_exact_and_do_not_overflow(void **state)
{
    (void)state;
    assert_true(trips("peak>18446744073709551614", 0, UINT64_MAX));
    assert_false(trips("peak>18446744073709551615", 0, UINT64_MAX));
    assert_true(trips("peak<1e4000", 0, UINT64_MAX));
    assert_true(trips("growth>=18446744073709551615", 0, UINT64_MAX));
    assert_false(trips("growth>0", UINT64_MAX, 0));
    assert_true(trips("growth<=1e4000%", 1, UINT64_MAX));
    assert_true(trips("growth>1e21%", 1, UINT64_MAX));
}

static void growth_is_relative_or_absolute(void **state)
{
    (void)state;
    assert_false(trips("growth>5%", 100, 105));
    assert_true(trips("growth > 5 %", 100, 106));
    assert_true(trips("growth>=5%", 100, 105));
    assert_false(trips("peak-growth>1K", 5000, 6024));
    assert_true(trips("peak-growth>1K", 5000, 6025));
    assert_true(trips("leaked-growth>0", 0, 1));
    assert_false(trips("leaked-growth>0", 1, 0));
    assert_false(trips("leaked-growth!=0%", 0, 0));
    /* From nothing to something is more than any percentage. */
    assert_true(trips("leaked-growth>1e4000%", 0, 1));
    assert_true(gate_of("growth>5%").quantity == gate_of("peak>5").quantity);
    assert_string_equal(gate_of("leaked-blocks-growth>5%").quantity->name, "leaked-blocks");
    assert_false(gate_of("leaked-blocks>5").growth);
}

static void wrong_expressions_name_what_is_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *accepted;
    } rows[] = {
        {"", "leaked-blocks"},
        {"leak>0", "leaked-blocks"},
        {"leaked -blocks>0", "> >= < <= == !="},
        {"-growth>0", "leaked-blocks"},
        {"growth-growth>0", "leaked-blocks"},
        {"leaked", "> >= < <= == !="},
        {"leaked=0", "> >= < <= == !="},
        {"leaked>", "100M"},
        {"leaked>>0", "100M"},
        {"leaked>-1", "100M"},
        {"leaked>+1", "100M"},
        {"leaked>0x10", "100M"},
        {"leaked>inf", "100M"},
        {"leaked>nan", "100M"},
        {"leaked>.", "100M"},
        {"leaked>1.2.3", "100M"},
        {"leaked>1e5000", "100M"},
        {"leaked>1KK", "100M"},
        {"leaked>1KiBs", "100M"},
        {"leaked>1 2", "100M"},
        {"leaked>5%", "100M"},
        {"leaked>0 && peak>0", "100M"},
        {"allocations>1KiB", "10K"},
        {"allocations>1B", "10K"},
        {"growth>5%%", "5%"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gate gate;
        struct error *error = gate_parse("fail-if", rows[i].text, &gate);
        if (!error)
            fail_msg("'%s' is taken", rows[i].text);
        assert_int_equal(error->code, ERROR_USAGE);
        if (!strstr(error->message, rows[i].accepted) || !strstr(error->message, "--fail-if"))
            fail_msg("'%s': %s", rows[i].text, error->message);
        error_free(error);
    }
}

static void what_is_printed_has_the_expression_the_number_and_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t before, now;
        const char *wanted;
    } rows[] = {
        {"peak > 1.5K", 0, 2048,
         "--fail-if='peak > 1.5K': peak is 2.00 KiB (2,048 bytes); the limit is 1.50 KiB (1,536 "
         "bytes)\n"},
        {"allocations>=1e3", 0, 1234,
         "--fail-if='allocations>=1e3': allocations is 1,234; the limit is 1,000\n"},
        {"growth>5%", 1000, 1100,
         "--fail-if='growth>5%': peak grew by 100 bytes or 10%, from 1,000 bytes to 1.07 KiB "
         "(1,100 "
         "bytes); the limit is 5%\n"},
        {"leaked-growth<1", 7, 0,
         "--fail-if='leaked-growth<1': leaked shrank by 7 bytes or 100%, from 7 bytes to 0 bytes; "
         "the limit is 1 byte\n"},
        {"leaked-growth>0%", 0, 1,
         "--fail-if='leaked-growth>0%': leaked grew by 1 byte, from 0 bytes to 1 byte; the limit "
         "is "
         "0%\n"},
        {"peak<1e30", 0, 1, "--fail-if='peak<1e30': peak is 1 byte; the limit is 1e+30 bytes\n"},
        {"peak<2.5", 0, 1, "--fail-if='peak<2.5': peak is 1 byte; the limit is 2.5 bytes\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gate gate = gate_of(rows[i].text);
        char printed[512] = "";
        FILE *out = fmemopen(printed, sizeof printed, "w");
        assert_non_null(out);
        gate_print(out, &gate, rows[i].before, rows[i].now);
        fclose(out);
        assert_string_equal(printed, rows[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_is_true_where_it_should_be),
        cmocka_unit_test(units_are_of_1024_for_bytes_and_of_1000_for_counts),
        cmocka_unit_test(large_numbers_are_exact_and_do_not_overflow),
        cmocka_unit_test(growth_is_relative_or_absolute),
        cmocka_unit_test(wrong_expressions_name_what_is_accepted),
        cmocka_unit_test(what_is_printed_has_the_expression_the_number_and_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
