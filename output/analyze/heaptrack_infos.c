/* SPDX-License-Identifier: MIT */
#include "output/analyze/heaptrack_infos.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"

#define LEAST_CAPACITY 1024

/* The pair's slot, or the free one where it belongs. */
static struct heaptrack_info *slot_of(const struct heaptrack_infos *infos, uint64_t size,
                                      uint32_t trace)
{
    size_t index = hash_word(hash_word(size) + trace) & (infos->capacity - 1);
    struct heaptrack_info *slot = &infos->slots[index];
    while (slot->trace && (slot->trace != trace || slot->size != size)) {
        index = (index + 1) & (infos->capacity - 1);
        slot = &infos->slots[index];
    }
    return slot;
}

/* Half of the slots stay free. */
static bool make_room(struct heaptrack_infos *infos)
{
    if (infos->count < infos->capacity / 2)
        return true;
    if (infos->count >= HEAPTRACK_MOST_INFOS) {
        memset(infos->slots, 0, infos->capacity * sizeof *infos->slots);
        infos->count = 0;
        return true;
    }
    struct heaptrack_infos grown = {
        .capacity = infos->capacity ? infos->capacity * 2 : LEAST_CAPACITY, .count = infos->count};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < infos->capacity; i++) {
        const struct heaptrack_info *slot = &infos->slots[i];
        if (slot->trace)
            *slot_of(&grown, slot->size, slot->trace) = *slot;
    }
    free(infos->slots);
    *infos = grown;
    return true;
}

struct heaptrack_info *heaptrack_infos_find(struct heaptrack_infos *infos, uint64_t size,
                                            uint32_t trace)
{
    struct heaptrack_info *slot = infos->capacity ? slot_of(infos, size, trace) : NULL;
    if (slot && slot->trace)
        return slot;
    if (!make_room(infos))
        return NULL;
    slot = slot_of(infos, size, trace);
    *slot = (struct heaptrack_info){.size = size, .trace = trace};
    infos->count++;
    return slot;
}

void heaptrack_infos_deinit(struct heaptrack_infos *infos)
{
    free(infos->slots);
    *infos = (struct heaptrack_infos){0};
}
