/* SPDX-License-Identifier: MIT */
#include "output/analyze/measure.h"

#include <stdio.h>

#include "output/analyze/format.h"

struct measure measure_of(const struct replay_totals *totals, enum metric metric)
{
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return (struct measure){"number of allocations", "allocation", true, totals->allocations,
                                totals->bytes};
    case METRIC_PEAK:
        return (struct measure){"memory at the peak", "block", false, totals->peak_bytes,
                                totals->peak_blocks};
    case METRIC_LEAKED:
        return (struct measure){"memory not freed", "block", false, totals->leaked_bytes,
                                totals->leaked};
    case METRIC_TEMPORARY:
        return (struct measure){"temporary allocations", "allocation", true, totals->temporary,
                                totals->temporary_bytes};
    case METRIC_BYTES:
    default:
        return (struct measure){"bytes allocated", "allocation", false, totals->bytes,
                                totals->allocations};
    }
}

static const char *format_count(const struct measure *measure, uint64_t count, char *out,
                                size_t size)
{
    char number[32];
    snprintf(out, size, "%s %s%s", format_number(count, number, sizeof number), measure->what,
             count == 1 ? "" : "s");
    return out;
}

const char *measure_format(const struct measure *measure, uint64_t weight, bool exact, char *out,
                           size_t size)
{
    return measure->counts ? format_number(weight, out, size)
                           : format_bytes(weight, exact, out, size);
}

const char *measure_format_both(const struct measure *measure, uint64_t weight, char *out,
                                size_t size)
{
    return measure->counts ? format_count(measure, weight, out, size)
                           : format_bytes_both(weight, false, out, size);
}

const char *measure_format_pair(const struct measure *measure, uint64_t weight, uint64_t beside,
                                bool exact, char *out, size_t size)
{
    char count[48], bytes[64];
    uint64_t size_of_all = measure->counts ? beside : weight;
    format_count(measure, measure->counts ? weight : beside, count, sizeof count);
    if (exact)
        format_bytes_both(size_of_all, false, bytes, sizeof bytes);
    else
        format_bytes(size_of_all, false, bytes, sizeof bytes);
    if (measure->counts)
        snprintf(out, size, "%s with %s", count, bytes);
    else
        snprintf(out, size, "%s in %s", bytes, count);
    return out;
}

const char *measure_format_beside(const struct measure *measure, uint64_t beside, char *out,
                                  size_t size)
{
    return measure->counts ? format_bytes(beside, false, out, size)
                           : format_count(measure, beside, out, size);
}
