/* SPDX-License-Identifier: MIT */
/*
 * svg_colour.h - the colours of a flame graph's frames, "#rrggbb". They depend on names alone and
 * are the same in each run. Text on them is black, or white where *dark is set.
 */
#ifndef ALLOCPTRACE_ANALYZE_SVG_COLOUR_H
#define ALLOCPTRACE_ANALYZE_SVG_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

#define SVG_COLOUR_SIZE sizeof "#rrggbb"

/* The hue by module, or by name if that is not known, the shade by name. Returns out. */
const char *svg_colour_of_name(const char *name, const char *module, char out[SVG_COLOUR_SIZE]);

/* From blue (shrunk) by grey (the same) to red (grew), in steps that can be told apart without red
 * and green: how far apart before and now are, as a part of the larger. */
const char *svg_colour_of_change(uint64_t before, uint64_t now, bool *dark);

/* The steps of the above from shrunk to grown, for a legend; NULL after the last one. */
const char *svg_colour_step(unsigned index);

#endif
