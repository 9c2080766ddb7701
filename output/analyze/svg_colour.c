/* SPDX-License-Identifier: MIT */
#include "output/analyze/svg_colour.h"

#include <math.h>
#include <stdio.h>

/* ColorBrewer's diverging scheme RdBu, which is safe for the colour-blind. */
static const char *const steps[] = {"#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#e4e4e4",
                                    "#fddbc7", "#f4a582", "#d6604d", "#b2182b"};
#define SAME 4
#define DARKEST 4 /* steps from SAME on which black text cannot be read */

/* FNV-1a (Fowler, Noll, Vo); only to spread colours. */
static uint32_t spread(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash ^ hash >> 15;
}

/* The channel of an HSL colour by its distance on the colour wheel (CSS Color 4, section 7.1). */
static unsigned channel(double hue, double saturation, double lightness, double distance)
{
    double k = fmod(distance + hue / 30, 12);
    double nearest = fmin(fmin(k - 3, 9 - k), 1);
    double value = lightness - saturation * fmin(lightness, 1 - lightness) * fmax(nearest, -1);
    return (unsigned)lround(value * 255);
}

const char *svg_colour_of_name(const char *name, const char *module, char out[SVG_COLOUR_SIZE])
{
    bool by_module = module && *module;
    uint32_t shade = spread(name);
    double hue = spread(by_module ? module : name) % 24 * 15 + (shade >> 8) % 15;
    double saturation = 0.55 + (shade >> 16) % 20 / 100.0;
    double lightness = 0.67 + shade % 13 / 100.0;
    if (name[0] == '[')
        saturation = 0; /* no function */
    snprintf(out, SVG_COLOUR_SIZE, "#%02x%02x%02x", channel(hue, saturation, lightness, 0) & 0xff,
             channel(hue, saturation, lightness, 8) & 0xff,
             channel(hue, saturation, lightness, 4) & 0xff);
    return out;
}

const char *svg_colour_of_change(uint64_t before, uint64_t now, bool *dark)
{
    static const double limits[] = {0.05, 0.25, 0.6};
    uint64_t larger = before > now ? before : now;
    uint64_t smaller = before > now ? now : before;
    double part = larger ? (double)(larger - smaller) / (double)larger : 0;
    int step = larger > smaller;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        step += part >= limits[i];
    *dark = step == DARKEST;
    return steps[now > before ? SAME + step : SAME - step];
}

const char *svg_colour_step(unsigned index)
{
    return index < sizeof steps / sizeof *steps ? steps[index] : NULL;
}
