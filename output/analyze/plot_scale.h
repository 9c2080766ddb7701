/* SPDX-License-Identifier: MIT */
/*
 * plot_scale.h - ticks of a plot's axis at round numbers of a unit that people use.
 */
#ifndef ALLOCPTRACE_ANALYZE_PLOT_SCALE_H
#define ALLOCPTRACE_ANALYZE_PLOT_SCALE_H

#include <stddef.h>
#include <stdio.h>

enum plot_measure {
    PLOT_BYTES,
    PLOT_SECONDS,
    PLOT_NUMBER, /* events, blocks */
};

struct plot_scale {
    double step;      /* from one tick to the next; ticks are at multiples of it */
    double unit;      /* what labels are in */
    const char *name; /* of the unit, "" for none */
    int decimals;     /* of labels, in the unit */
};

/* At most ticks + 1 ticks over a span (above 0) that ends at highest. */
struct plot_scale plot_scale(enum plot_measure measure, double span, double highest,
                             unsigned ticks);

/* "1.5 MiB", "20 ms". Returns out. */
const char *plot_scale_label(const struct plot_scale *scale, double value, char *out, size_t size);

/* All units as JSON, for a script that makes ticks of its own: an object with an array for each
 * measure (bytes, seconds, number) of [unit, lowest number it is used for, name]. */
void plot_scale_print_units(FILE *out);

#endif
