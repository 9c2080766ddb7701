/* SPDX-License-Identifier: MIT */
#include "output/analyze/sparkline.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

/* The program's own locale stays C's: numbers and expressions do not depend on the user's. */
bool sparkline_can_be_shown(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    bool can = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return can;
}

/* The most within part number part of count. */
static uint64_t most_within(const struct history *history, size_t part, size_t count)
{
    uint64_t most = 0;
    size_t end = (part + 1) * history->bin_count / count;
    for (size_t i = part * history->bin_count / count; i < end; i++) {
        if (history->bins[i].peak_bytes > most)
            most = history->bins[i].peak_bytes;
    }
    return most;
}

void sparkline_print(FILE *out, const struct history *history, size_t width)
{
    size_t count = history->bin_count < width ? history->bin_count : width;
    uint64_t peak = count ? most_within(history, 0, 1) : 0;
    for (size_t i = 0; i < count; i++) {
        double part = peak ? (double)most_within(history, i, count) / (double)peak : 0;
        /* U+2581 to U+2588, an eighth to a full block. */
        fprintf(out, "\xe2\x96%c", 0x81 + (int)(part * 7 + 0.5));
    }
}
