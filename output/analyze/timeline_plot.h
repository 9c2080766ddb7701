/* SPDX-License-Identifier: MIT */
/*
 * timeline_plot.h - the time series drawn as SVG: live bytes as stacked areas of the sites that
 * hold most, the most of each span as a line with the peak marked, and below it the allocation rate
 * or, in a log without times, the live blocks.
 *
 * Widths are parts of the image's, heights are pixels: it fits windows from 600 to 1600 pixels,
 * where text stays as large as it is.
 */
#ifndef ALLOCPTRACE_ANALYZE_TIMELINE_PLOT_H
#define ALLOCPTRACE_ANALYZE_TIMELINE_PLOT_H

#include <stdint.h>
#include <stdio.h>

#include "output/analyze/report.h"
#include "output/analyze/series.h"
#include "output/log/error.h"

struct timeline_plot {
    const struct report *report;
    struct series series;
    /* By line. */
    struct series_line *lines; /* their bytes are part of the matrix */
    uint64_t *matrix;
    uint64_t begin, end; /* ticks, or events before */
    double bytes_top;    /* what the upper edge stands for */
    double lower_top;
    char *program; /* its command line, neutralized */
};

struct error *timeline_plot_init(const struct report *report, struct timeline_plot *plot);
void timeline_plot_deinit(struct timeline_plot *plot);

/* A whole SVG element; its style is in it. */
void timeline_plot_svg(const struct timeline_plot *plot, FILE *out);

/* What a script needs to read values out of the plot and to zoom into it, as JSON: only numbers and
 * names of units. */
void timeline_plot_json(const struct timeline_plot *plot, FILE *out);

#endif
