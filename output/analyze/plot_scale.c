/* SPDX-License-Identifier: MIT */
#include "output/analyze/plot_scale.h"

#include <math.h>

struct unit {
    double size, from;
    const char *name; /* fit for JSON and markup as it is */
};

#define MOST_UNITS 6

static const struct unit units[][MOST_UNITS + 1] = {
    [PLOT_BYTES] = {{1, 0, "B"},
                    {0x1p10, 0x1p10, "KiB"},
                    {0x1p20, 0x1p20, "MiB"},
                    {0x1p30, 0x1p30, "GiB"},
                    {0x1p40, 0x1p40, "TiB"},
                    {0x1p50, 0x1p50, "PiB"}},
    [PLOT_SECONDS] = {{1e-6, 0, "\xc2\xb5s"},
                      {1e-3, 1e-3, "ms"},
                      {1, 1, "s"},
                      {60, 300, "min"},
                      {3600, 10800, "h"}},
    [PLOT_NUMBER] = {{1, 0, ""}, {1e3, 1e4, "k"}, {1e6, 1e6, "M"}, {1e9, 1e9, "G"}},
};

struct plot_scale plot_scale(enum plot_measure measure, double span, double highest, unsigned ticks)
{
    const struct unit *unit = units[measure];
    while (unit[1].name && highest >= unit[1].from)
        unit++;
    double least = span / ticks / unit->size;
    double power = pow(10, floor(log10(least)));
    double digit = least / power;
    double step = (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
    /* There is no half a byte or event. */
    if (unit->size == 1 && measure != PLOT_SECONDS && step < 1)
        step = 1;
    double digits = ceil(-log10(step) - 1e-9);
    return (struct plot_scale){.step = step * unit->size,
                               .unit = unit->size,
                               .name = unit->name,
                               .decimals = digits > 0 ? (int)digits : 0};
}

const char *plot_scale_label(const struct plot_scale *scale, double value, char *out, size_t size)
{
    snprintf(out, size, "%.*f%s%s", scale->decimals, value / scale->unit, *scale->name ? " " : "",
             scale->name);
    return out;
}

void plot_scale_print_units(FILE *out)
{
    static const char *const names[] = {
        [PLOT_BYTES] = "bytes", [PLOT_SECONDS] = "seconds", [PLOT_NUMBER] = "number"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fprintf(out, "%s\"%s\":", i ? "," : "{", names[i]);
        for (const struct unit *unit = units[i]; unit->name; unit++)
            fprintf(out, "%s[%g,%g,\"%s\"]", unit == units[i] ? "[" : ",", unit->size, unit->from,
                    unit->name);
        fputc(']', out);
    }
    fputc('}', out);
}
