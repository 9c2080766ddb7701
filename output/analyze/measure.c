/* SPDX-License-Identifier: MIT */
#include "output/analyze/measure.h"

#include <stdio.h>

#include "output/analyze/format.h"

struct measure measure_of(const struct replay_totals *totals, enum metric metric)
{
    switch (metric) {
    case METRIC_ALLOCATIONS:
        return (struct measure){"number of allocations", true, totals->allocations};
    case METRIC_PEAK:
        return (struct measure){"memory at the peak", false, totals->peak_bytes};
    case METRIC_LEAKED:
        return (struct measure){"memory not freed", false, totals->leaked_bytes};
    case METRIC_TEMPORARY:
        return (struct measure){"temporary allocations", true, totals->temporary};
    case METRIC_BYTES:
    default:
        return (struct measure){"bytes allocated", false, totals->bytes};
    }
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
    char number[32];
    if (!measure->counts)
        return format_bytes_both(weight, false, out, size);
    snprintf(out, size, "%s allocation%s", format_number(weight, number, sizeof number),
             weight == 1 ? "" : "s");
    return out;
}
