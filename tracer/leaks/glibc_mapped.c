/* SPDX-License-Identifier: MIT */
/*
 * Blocks with a mapping of their own. The chunk is at the beginning of the mapping, or so far above
 * that its block is aligned; its first word tells how far (the lowest bit: that it is of huge
 * pages). Up to 2.42 the chunk ends with the mapping, then 16 bytes before.
 *
 * Adjacent mappings become one to the kernel, so a mapping may begin with anything. How many such
 * blocks there are is known, and so whether to look further.
 */
#include "tracer/glibc_chunk.h"
#include "tracer/leaks/glibc_internal.h"

#define CHUNK_HEAD 16U

/* Whether these are the first two words of a mapped chunk at address, of a mapping that begins at
 * base; *end is where that ends. */
static bool is_chunk(const uint64_t pair[2], uint64_t address, uint64_t base, uint64_t limit,
                     uint64_t *end)
{
    uint64_t size = pair[1] & ~GLIBC_FLAGS;
    if ((pair[0] & ~UINT64_C(1)) != address - base || (pair[1] & GLIBC_FLAGS) != GLIBC_MAPPED ||
        size < GLIBC_LEAST_CHUNK || size % GLIBC_ALIGNMENT || size > limit - address)
        return false;
    *end = address + size;
    if (*end % GLIBC_PAGE == GLIBC_PAGE - CHUNK_HEAD)
        *end += CHUNK_HEAD;
    return *end % GLIBC_PAGE == 0 && *end <= limit;
}

/* No block is larger, and none is aligned to more. */
#define MOST_BYTES (UINT64_C(1) << 48)
#define CANDIDATES 64

/*
 * memalign(3) takes a larger mapping than it needs, moves the chunk upwards in it and leaves the
 * old head behind, which realloc(3) then does not keep up to date. But the mapping was large enough
 * for the alignment in any case.
 */
static bool find_moved(const struct glibc_memory *memory, uint64_t base, uint64_t old_size,
                       uint64_t limit, struct glibc_mapped *mapped)
{
    uint64_t chunks[CANDIDATES];
    uint64_t pairs[CANDIDATES][2];
    size_t count = 0;
    for (uint64_t alignment = 2 * GLIBC_ALIGNMENT; alignment < old_size && count < CANDIDATES;
         alignment *= 2) {
        /* Up to 2.42 what is left behind was at least a chunk of its own. */
        uint64_t block = (base + CHUNK_HEAD + alignment - 1) & ~(alignment - 1);
        unsigned tries = block - CHUNK_HEAD - base < GLIBC_LEAST_CHUNK ? 2 : 1;
        for (; tries && count < CANDIDATES && block < limit; tries--, block += alignment) {
            if (!count || block - CHUNK_HEAD != chunks[count - 1])
                chunks[count++] = block - CHUNK_HEAD;
        }
    }
    if (count)
        memory->read_pairs(chunks, count, pairs, memory->data);
    for (size_t i = 0; i < count; i++) {
        if (is_chunk(pairs[i], chunks[i], base, limit, &mapped->end)) {
            mapped->block = chunks[i] + CHUNK_HEAD;
            mapped->head = pairs[i][1];
            return true;
        }
    }
    return false;
}

bool glibc_mapped_at(struct glibc_reader *reader, uint64_t base, uint64_t limit,
                     struct glibc_mapped *mapped)
{
    uint64_t pair[2];
    uint64_t old_end;
    if (base >= limit || limit - base < GLIBC_PAGE || !glibc_read_pair(reader, base, pair) ||
        !is_chunk(pair, base, base, base + MOST_BYTES, &old_end))
        return false;
    if (find_moved(reader->memory, base, pair[1] & ~GLIBC_FLAGS, limit, mapped))
        return true;
    *mapped = (struct glibc_mapped){base + CHUNK_HEAD, pair[1], old_end};
    return old_end <= limit;
}

struct search {
    const struct glibc_process *process;
    struct glibc_heaps *heaps;
    struct glibc_reader *reader;
    const struct glibc_kept *kept;
    bool (*visit)(uint64_t block, uint64_t usable, void *data);
    void *data;
    uint32_t missing;
    const struct area *mapping;
    bool stopped;
};

static void take(struct search *search, uint64_t base, const struct glibc_mapped *mapped)
{
    uint64_t usable;
    if (!glibc_chunk_usable(mapped->block, mapped->head, 0, &usable))
        return;
    areas_add(&search->heaps->mapped, base, mapped->end);
    search->missing--;
    if (search->visit && !glibc_is_kept(search->kept, mapped->block - CHUNK_HEAD))
        search->stopped = !search->visit(mapped->block, usable, search->data);
}

/* Where what is known at address ends, or address. */
static uint64_t behind_known(const struct search *search, uint64_t address)
{
    const struct area *known = areas_find(&search->heaps->areas, address);
    if (!known)
        known = areas_find(&search->heaps->mapped, address);
    return known ? known->end : address;
}

/* One after the other, as long as there is one. */
static uint64_t take_row(struct search *search, uint64_t base)
{
    while (base < search->mapping->end && search->missing && !search->stopped) {
        struct glibc_mapped mapped;
        uint64_t behind = behind_known(search, base);
        if (behind == base) {
            if (!glibc_mapped_at(search->reader, base, search->mapping->end, &mapped))
                break;
            take(search, base, &mapped);
            behind = mapped.end;
        }
        base = behind;
    }
    return base;
}

static void search_pages(uint64_t start, uint64_t end, void *data)
{
    struct search *search = data;
    uint64_t at = (start + GLIBC_PAGE - 1) & ~(GLIBC_PAGE - 1);
    while (at < end && search->missing && !search->stopped) {
        uint64_t next = take_row(search, at);
        at = next == at ? at + GLIBC_PAGE : next;
    }
}

bool glibc_walk_mapped(const struct glibc_process *process, struct glibc_heaps *heaps,
                       struct glibc_reader *reader, const struct glibc_kept *kept,
                       bool (*visit)(uint64_t block, uint64_t usable, void *data), void *data)
{
    struct search search = {
        .process = process,
        .heaps = heaps,
        .reader = reader,
        .kept = kept,
        .visit = visit,
        .data = data,
        .missing = heaps->mapped_known ? heaps->mapped_count : UINT32_MAX,
    };
    const struct areas *mappings = process->mappings;
    for (size_t i = 0; i < mappings->count && search.missing && !search.stopped; i++) {
        search.mapping = &mappings->list[i];
        take_row(&search, search.mapping->start);
    }
    if (!heaps->mapped_known)
        return !search.stopped;
    for (size_t i = 0; i < mappings->count && search.missing && !search.stopped; i++) {
        search.mapping = &mappings->list[i];
        glibc_touched(process, search.mapping->start, search.mapping->end, search_pages, &search);
    }
    if (search.missing && !search.stopped)
        glibc_problem(heaps, "%u of %u blocks with mappings of their own were not found",
                      search.missing, heaps->mapped_count);
    return !search.stopped;
}
