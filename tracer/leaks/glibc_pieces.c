/* SPDX-License-Identifier: MIT */
/* A main arena whose memory is in pieces, for brk(2) failed or is not to be used: mmapped ones, and
 * perhaps a first one from brk. */
#include <string.h>

#include "tracer/leaks/glibc_internal.h"

#define WORD sizeof(uint64_t)

/* ---- mp_ ---- */

/*
 * struct malloc_par (malloc/malloc.c), from its statistics on:
 *
 *     int n_mmaps, n_mmaps_max, max_n_mmaps, no_dyn_threshold; [4 bytes, since 2.35]
 *     size_t mmapped_mem, max_mmapped_mem; [size_t max_total_mem, up to 2.25]
 *     char *sbrk_base;
 */
struct counts {
    uint32_t maps, most_maps, maps_were, fixed;
    uint64_t bytes, most_bytes;
};

/* mp_ and main_arena are in the same section. */
#define NEAR (UINT64_C(256) << 10)

/* Since 2.43 the bytes are off by a few for each mapping that was resized. */
static bool counts_fit(const struct counts *counts)
{
    return counts->maps <= counts->maps_were && counts->maps_were <= counts->most_maps &&
           counts->most_maps <= INT32_MAX && counts->fixed <= 1 &&
           counts->bytes % GLIBC_ALIGNMENT == 0 && counts->bytes <= counts->most_bytes &&
           counts->bytes / GLIBC_PAGE >= counts->maps / 2;
}

/* Whether the statistics are before words[0], sbrk_base. */
static bool read_counts(const uint64_t *words, struct counts *counts)
{
    for (unsigned total = 0; total < 2; total++) {
        for (unsigned padding = 0; padding < 2; padding++) {
            const uint64_t *sizes = words - 2 - total;
            memcpy(counts, (const char *)sizes - 4 * padding - 16, 16);
            counts->bytes = sizes[0];
            counts->most_bytes = sizes[1];
            if (counts_fit(counts))
                return true;
        }
    }
    return false;
}

static void find_in(const struct glibc_process *process, const struct glibc_arena *arena,
                    uint64_t first, const struct area *data, struct glibc_parameters *parameters)
{
    uint64_t words[4096];
    uint64_t at = (data->start + WORD - 1) & ~(uint64_t)(WORD - 1);
    while (at < data->end) {
        size_t size = data->end - at < sizeof words ? data->end - at : sizeof words;
        size_t count = process->memory.read(at, words, size, process->memory.data) / WORD;
        for (size_t i = 6; i < count; i++) {
            struct counts counts;
            uint64_t base = words[i];
            bool expected = base == first;
            if (!base || base > arena->top || (parameters->found && !expected) ||
                !areas_find(process->mappings, base) || areas_find(process->data, base) ||
                !read_counts(&words[i], &counts))
                continue;
            /* The number of mappings that are allowed is seldom changed from 65536. */
            if (!expected && counts.most_maps != 65536)
                continue;
            *parameters = (struct glibc_parameters){
                .found = true, .first = base, .mapped_count = counts.maps};
            if (expected)
                return;
        }
        if (count < sizeof words / WORD)
            return;
        at += (count - 6) * WORD;
    }
}

void glibc_find_parameters(const struct glibc_process *process, const struct glibc_arena *arena,
                           uint64_t first, struct glibc_parameters *parameters)
{
    *parameters = (struct glibc_parameters){0};
    for (size_t i = 0; i < process->data->count; i++) {
        struct area data = process->data->list[i];
        if (data.end + NEAR < arena->state || data.start > arena->state + NEAR)
            continue;
        if (data.start + NEAR < arena->state)
            data.start = arena->state - NEAR;
        if (data.end > arena->state + NEAR)
            data.end = arena->state + NEAR;
        find_in(process, arena, first, &data, parameters);
        if (parameters->found && parameters->first == first)
            return;
    }
}

/* ---- Pieces ---- */

struct pieces {
    const struct glibc_process *process;
    struct glibc_heaps *heaps;
    const struct glibc_arena *arena;
    struct glibc_reader *reader;
    uint64_t top_end;
    uint64_t missing; /* bytes of the arena that were not found yet */
    const struct area *mapping;
    struct error *error;
};

/* Adds the piece that begins at start, if there is one. */
static struct error *try_piece(struct pieces *pieces, uint64_t start, uint64_t limit, uint64_t *end)
{
    uint64_t first = (start + GLIBC_ALIGNMENT - 1) & ~(uint64_t)(GLIBC_ALIGNMENT - 1);
    struct glibc_walk walk = {
        .reader = pieces->reader,
        .at = first,
        .limit = limit,
        .top = pieces->arena->top,
        .main = true,
    };
    enum glibc_end how = glibc_walk(&walk);
    *end = how == GLIBC_END_TOP ? pieces->top_end : walk.at;
    if ((how != GLIBC_END_TOP && how != GLIBC_END_FENCE) || *end % GLIBC_PAGE || *end <= start ||
        *end - start > pieces->missing) {
        *end = start;
        return NULL;
    }
    pieces->missing -= *end - start;
    return glibc_add_segment(pieces->heaps, &(struct glibc_segment){
                                                .start = start,
                                                .end = *end,
                                                .first = first,
                                                .top = how == GLIBC_END_TOP ? walk.top : 0,
                                                .main = true,
                                            });
}

/* Such a piece begins with a page, and in mappings that became one it may be any. */
static void search_run(uint64_t start, uint64_t end, void *data)
{
    struct pieces *pieces = data;
    uint64_t at = (start + GLIBC_PAGE - 1) & ~(GLIBC_PAGE - 1);
    while (at < end && pieces->missing && !pieces->error) {
        const struct area *known = areas_find(&pieces->heaps->areas, at);
        struct glibc_mapped mapped;
        uint64_t next = at;
        if (known) {
            at = known->end;
            continue;
        }
        pieces->error = try_piece(pieces, at, pieces->mapping->end, &next);
        if (next == at && glibc_mapped_at(pieces->reader, at, pieces->mapping->end, &mapped))
            next = mapped.end;
        at = next == at ? at + GLIBC_PAGE : next;
    }
}

static struct error *search_mapping(struct pieces *pieces, const struct area *mapping)
{
    pieces->mapping = mapping;
    glibc_touched(pieces->process, mapping->start, mapping->end, search_run, pieces);
    return pieces->error;
}

static struct error *search_all(struct pieces *pieces, uint64_t first)
{
    const struct areas *mappings = pieces->process->mappings;
    const struct area *with_top = areas_find(mappings, pieces->arena->top);
    struct error *error = NULL;
    const struct area *with_first = areas_find(mappings, first);
    uint64_t end;
    if (with_first)
        error = try_piece(pieces, first, with_first->end, &end);
    if (!error && with_top)
        error = search_mapping(pieces, with_top);
    for (size_t i = 0; i < mappings->count && !error && pieces->missing; i++)
        error = search_mapping(pieces, &mappings->list[i]);
    return error;
}

struct error *glibc_add_pieces(const struct glibc_process *process, struct glibc_heaps *heaps,
                               const struct glibc_arena *arena, uint64_t first, uint64_t top_end)
{
    struct pieces pieces = {
        .process = process,
        .heaps = heaps,
        .arena = arena,
        .reader = glibc_reader_create(&process->memory),
        .top_end = top_end,
        .missing = arena->system_mem,
    };
    if (!pieces.reader)
        return error_no_memory();
    struct error *error = search_all(&pieces, first);
    if (!error && pieces.missing)
        glibc_problem(heaps, "%llu bytes of the main arena were not found",
                      (unsigned long long)pieces.missing);
    glibc_reader_destroy(pieces.reader);
    return error;
}
