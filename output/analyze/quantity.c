/* SPDX-License-Identifier: MIT */
#include "output/analyze/quantity.h"

#include <string.h>

#define READER(field)                                                                              \
    static uint64_t read_##field(const struct replay_totals *totals, bool attached)                \
    {                                                                                              \
        (void)attached;                                                                            \
        return totals->field;                                                                      \
    }

READER(leaked_bytes)
READER(leaked)
READER(peak_bytes)
READER(peak_blocks)
READER(bytes)
READER(allocations)
READER(reallocations)
READER(temporary)
READER(failed)

/* In a process that was attached to, a free of an unknown address is one of an older block. */
static uint64_t read_invalid_frees(const struct replay_totals *totals, bool attached)
{
    return attached ? 0 : totals->unknown_frees;
}

const struct quantity quantities[QUANTITY_COUNT] = {
    {"leaked", "Not freed", true, read_leaked_bytes},
    {"leaked-blocks", "Blocks not freed", false, read_leaked},
    {"peak", "Peak", true, read_peak_bytes},
    {"peak-blocks", "Blocks at peak", false, read_peak_blocks},
    {"allocated", "Allocated", true, read_bytes},
    {"allocations", "Allocations", false, read_allocations},
    {"reallocations", "Reallocations", false, read_reallocations},
    {"temporary", "Temporary", false, read_temporary},
    {"failed", "Failed", false, read_failed},
    {"invalid-frees", "Invalid frees", false, read_invalid_frees},
};

const struct quantity *quantity_find(const char *name, size_t length)
{
    for (size_t i = 0; i < QUANTITY_COUNT; i++) {
        if (strlen(quantities[i].name) == length && memcmp(quantities[i].name, name, length) == 0)
            return &quantities[i];
    }
    return NULL;
}
