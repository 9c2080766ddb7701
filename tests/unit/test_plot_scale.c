/* SPDX-License-Identifier: MIT */
/* Ticks of axes are at numbers that people would choose. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "output/analyze/plot_scale.h"

static void assert_ticks(enum plot_measure measure, double from, double to, unsigned ticks,
                         const char *wanted)
{
    struct plot_scale scale = plot_scale(measure, to - from, to, ticks);
    char got[256] = "";
    unsigned count = 0;
    for (double i = ceil(from / scale.step - 1e-9) + 0.0; i * scale.step <= to; i++, count++) {
        char label[64];
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%s", count ? ", " : "",
                 plot_scale_label(&scale, i * scale.step, label, sizeof label));
    }
    assert_string_equal(got, wanted);
    assert_true(count <= ticks + 1);
}

static void bytes_are_in_powers_of_1024(void **state)
{
    (void)state;
    assert_ticks(PLOT_BYTES, 0, 3, 6, "0 B, 1 B, 2 B, 3 B");
    assert_ticks(PLOT_BYTES, 0, 1000, 6, "0 B, 200 B, 400 B, 600 B, 800 B, 1000 B");
    assert_ticks(PLOT_BYTES, 0, 1.6 * 1024, 4, "0.0 KiB, 0.5 KiB, 1.0 KiB, 1.5 KiB");
    assert_ticks(PLOT_BYTES, 0, 0x46p20, 4, "0 MiB, 20 MiB, 40 MiB, 60 MiB");
    assert_ticks(PLOT_BYTES, 0, 0x1p57, 2, "0 PiB, 100 PiB");
}

static void times_are_in_the_unit_that_people_use(void **state)
{
    (void)state;
    assert_ticks(PLOT_SECONDS, 0, 1e-6, 5,
                 "0.0 \u00b5s, 0.2 \u00b5s, 0.4 \u00b5s, 0.6 \u00b5s, 0.8 \u00b5s, 1.0 \u00b5s");
    assert_ticks(PLOT_SECONDS, 0, 0.05, 5, "0 ms, 10 ms, 20 ms, 30 ms, 40 ms, 50 ms");
    assert_ticks(PLOT_SECONDS, 0, 120, 4, "0 s, 50 s, 100 s");
    assert_ticks(PLOT_SECONDS, 0, 1800, 3, "0 min, 10 min, 20 min, 30 min");
    assert_ticks(PLOT_SECONDS, 12.3, 12.3045, 5,
                 "12.300 s, 12.301 s, 12.302 s, 12.303 s, 12.304 s");
    assert_ticks(PLOT_SECONDS, 0, 1e12, 4, "0 h, 100000000 h, 200000000 h");
}

static void numbers_are_whole(void **state)
{
    (void)state;
    assert_ticks(PLOT_NUMBER, 0, 1.2, 5, "0, 1");
    assert_ticks(PLOT_NUMBER, 0, 9000, 4, "0, 5000");
    assert_ticks(PLOT_NUMBER, 0, 16900, 4, "0 k, 5 k, 10 k, 15 k");
}

static void units_are_told_as_json(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    plot_scale_print_units(out);
    fclose(out);
    json_t *units = json_loads(text, 0, NULL);
    assert_int_equal(json_object_size(units), 3);
    json_t *second = json_array_get(json_object_get(units, "bytes"), 1);
    assert_true(json_number_value(json_array_get(second, 0)) == 1024);
    assert_string_equal(json_string_value(json_array_get(second, 2)), "KiB");
    json_decref(units);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_in_powers_of_1024),
        cmocka_unit_test(times_are_in_the_unit_that_people_use),
        cmocka_unit_test(numbers_are_whole),
        cmocka_unit_test(units_are_told_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
