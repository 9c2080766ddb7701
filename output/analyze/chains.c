/* SPDX-License-Identifier: MIT */
#include "output/analyze/chains.h"

#include <stdlib.h>

void chains_deinit(struct chains *chains)
{
    free(chains->chains);
    *chains = (struct chains){0};
}

uint32_t chains_begin(struct chains *chains, uint64_t first_size)
{
    uint32_t id = chains->first_free;
    if (id) {
        chains->first_free = chains->chains[id].next_free;
    } else {
        size_t wanted = chains->count ? chains->count : 1;
        if (wanted >= chains->capacity) {
            size_t capacity = chains->capacity ? chains->capacity * 2 : 64;
            struct chain *grown =
                capacity <= UINT32_MAX ? realloc(chains->chains, capacity * sizeof *grown) : NULL;
            if (!grown)
                return 0;
            chains->chains = grown;
            chains->capacity = capacity;
        }
        id = (uint32_t)wanted;
        chains->count = wanted + 1;
    }
    chains->chains[id] = (struct chain){.first_size = first_size};
    return id;
}

struct chain *chains_at(struct chains *chains, uint32_t id)
{
    return &chains->chains[id];
}

void chains_end(struct chains *chains, uint32_t id)
{
    chains->chains[id].next_free = chains->first_free;
    chains->first_free = id;
}
