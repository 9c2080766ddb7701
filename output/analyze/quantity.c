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

#define LOST_READER(name, reach)                                                                   \
    static uint64_t read_##name##_bytes(const struct replay_totals *totals, bool attached)         \
    {                                                                                              \
        (void)attached;                                                                            \
        return totals->lost[reach].bytes;                                                          \
    }                                                                                              \
    static uint64_t read_##name##_blocks(const struct replay_totals *totals, bool attached)        \
    {                                                                                              \
        (void)attached;                                                                            \
        return totals->lost[reach].blocks;                                                         \
    }

LOST_READER(definite, LOG_DEFINITELY_LOST)
LOST_READER(indirect, LOG_INDIRECTLY_LOST)
LOST_READER(possible, LOG_POSSIBLY_LOST)
LOST_READER(reachable, LOG_REACHABLE)

static uint64_t read_lost_bytes(const struct replay_totals *totals, bool attached)
{
    return read_definite_bytes(totals, attached) + read_indirect_bytes(totals, attached);
}

static uint64_t read_lost_blocks(const struct replay_totals *totals, bool attached)
{
    return read_definite_blocks(totals, attached) + read_indirect_blocks(totals, attached);
}

/* In a process that was attached to, a free of an unknown address is one of an older block. */
static uint64_t read_invalid_frees(const struct replay_totals *totals, bool attached)
{
    return attached ? 0 : totals->unknown_frees;
}

/* The name of a number of blocks in a table stands below that of their bytes. */
#define ITS_BLOCKS "  in blocks"

const struct quantity quantities[QUANTITY_COUNT] = {
    {"leaked", "Not freed", true, read_leaked_bytes, false},
    {"leaked-blocks", "Blocks not freed", false, read_leaked, false},
    {"peak", "Peak", true, read_peak_bytes, false},
    {"peak-blocks", "Blocks at peak", false, read_peak_blocks, false},
    {"allocated", "Allocated", true, read_bytes, false},
    {"allocations", "Allocations", false, read_allocations, false},
    {"reallocations", "Reallocations", false, read_reallocations, false},
    {"temporary", "Temporary", false, read_temporary, false},
    {"failed", "Failed", false, read_failed, false},
    {"invalid-frees", "Invalid frees", false, read_invalid_frees, false},
    {"lost", NULL, true, read_lost_bytes, true},
    {"lost-blocks", NULL, false, read_lost_blocks, true},
    {"definitely-lost", "Definitely lost", true, read_definite_bytes, true},
    {"definitely-lost-blocks", ITS_BLOCKS, false, read_definite_blocks, true},
    {"indirectly-lost", "Indirectly lost", true, read_indirect_bytes, true},
    {"indirectly-lost-blocks", ITS_BLOCKS, false, read_indirect_blocks, true},
    {"possibly-lost", "Possibly lost", true, read_possible_bytes, true},
    {"possibly-lost-blocks", ITS_BLOCKS, false, read_possible_blocks, true},
    {"still-reachable", "Still reachable", true, read_reachable_bytes, true},
    {"still-reachable-blocks", ITS_BLOCKS, false, read_reachable_blocks, true},
};

const struct quantity *quantity_find(const char *name, size_t length)
{
    for (size_t i = 0; i < QUANTITY_COUNT; i++) {
        if (strlen(quantities[i].name) == length && memcmp(quantities[i].name, name, length) == 0)
            return &quantities[i];
    }
    return NULL;
}
