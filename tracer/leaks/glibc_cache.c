/* SPDX-License-Identifier: MIT */
/*
 * Free chunks that look as if they were in use: in fastbins, and in the threads' caches, which are
 * chunks themselves (malloc/malloc.c, tcache_perthread_struct):
 *
 *     | counts of all lists, of 1 byte or 2 | first blocks of all lists |
 *
 * Since 2.42 a count is of the blocks that there is room for. Lists are of equal sizes, 32 bytes
 * and 16 more in each further one, but for the last twelve since 2.42. Since 2.32 a link is
 * disguised: as its exclusive or with its own address without the lower 12 bits (PROTECT_PTR).
 */
#include <stdlib.h>
#include <string.h>

#include "tracer/leaks/glibc_internal.h"

#define WORD sizeof(uint64_t)
#define BLOCK_OFFSET UINT64_C(16) /* of a chunk's block */

#define SMALL_LISTS 64U
#define LISTS_MAX 76U

static const struct cache_layout {
    unsigned lists, count_bytes;
    bool room; /* counts tell the room that is left */
} layouts[] = {
    {SMALL_LISTS, 1, false}, /* 2.26 to 2.29 */
    {SMALL_LISTS, 2, false}, /* to 2.41 */
    {LISTS_MAX, 2, true},
};

/* Lists that are followed at a time. */
#define PACK 1024

struct list;

struct gathering {
    const struct glibc_process *process;
    struct glibc_heaps *heaps;
    struct glibc_reader *reader;
    struct glibc_kept *kept;
    size_t kept_before; /* lists are followed: caches themselves */
    struct list *lists;
    size_t list_count, list_capacity;
    bool disguised; /* links are */
    size_t broken;  /* lists */
    bool failed;    /* out of memory */
};

static void keep(struct gathering *gathering, uint64_t chunk)
{
    struct glibc_kept *kept = gathering->kept;
    if (kept->count == kept->capacity) {
        size_t capacity = kept->capacity ? kept->capacity * 2 : 256;
        uint64_t *chunks = realloc(kept->chunks, capacity * sizeof *chunks);
        if (!chunks) {
            gathering->failed = true;
            return;
        }
        kept->chunks = chunks;
        kept->capacity = capacity;
    }
    kept->chunks[kept->count++] = chunk;
}

/* A list of free chunks. Links lead to blocks, offset is 16, or to chunks, offset is 0. */
struct list {
    uint64_t first;
    unsigned offset;
    uint64_t least, largest; /* sizes of chunks */
    uint64_t most;           /* chunks */
};

/* A list that is followed. */
struct course {
    const struct list *list;
    uint64_t link;
    /* A chunk passed earlier, for the case that the list goes in circles. */
    uint64_t landmark, until_next, passed;
};

static void add_list(struct gathering *gathering, const struct list *list)
{
    if (!list->first)
        return;
    if (gathering->list_count == gathering->list_capacity) {
        size_t capacity = gathering->list_capacity ? gathering->list_capacity * 2 : 256;
        struct list *lists = realloc(gathering->lists, capacity * sizeof *lists);
        if (!lists) {
            gathering->failed = true;
            return;
        }
        gathering->lists = lists;
        gathering->list_capacity = capacity;
    }
    gathering->lists[gathering->list_count++] = *list;
}

enum step { STEP_ON, STEP_END, STEP_BROKEN };

/* pair is the chunk's head and the word behind it, the next link. */
static enum step take_step(struct gathering *gathering, struct course *course,
                           const uint64_t pair[2])
{
    const struct list *list = course->list;
    uint64_t chunk = course->link - list->offset;
    uint64_t size = pair[0] & ~GLIBC_FLAGS;
    if (course->passed == list->most || chunk == course->landmark || size < list->least ||
        size > list->largest || chunk % GLIBC_ALIGNMENT ||
        !areas_find(gathering->process->mappings, chunk) || gathering->failed)
        return STEP_BROKEN;
    if (course->passed++ == course->until_next) {
        course->landmark = chunk;
        course->until_next *= 2;
    }
    keep(gathering, chunk);
    course->link = pair[1];
    if (gathering->disguised)
        course->link ^= (chunk + BLOCK_OFFSET) >> 12;
    return course->link ? STEP_ON : STEP_END;
}

/* A chunk of each list at a time: reads of single words are slow. */
struct pack {
    struct course courses[PACK];
    uint64_t addresses[PACK];
    uint64_t pairs[PACK][2];
    size_t count;
};

static void step_pack(struct gathering *gathering, struct pack *pack)
{
    const struct glibc_memory *memory = &gathering->process->memory;
    for (size_t i = 0; i < pack->count; i++)
        pack->addresses[i] = pack->courses[i].link - pack->courses[i].list->offset + WORD;
    memory->read_pairs(pack->addresses, pack->count, pack->pairs, memory->data);
    size_t going = 0;
    for (size_t i = 0; i < pack->count; i++) {
        enum step step = take_step(gathering, &pack->courses[i], pack->pairs[i]);
        if (step == STEP_ON)
            pack->courses[going++] = pack->courses[i];
        else if (step == STEP_BROKEN)
            gathering->broken++;
    }
    pack->count = going;
}

static void keep_lists(struct gathering *gathering, struct pack *pack, bool disguised)
{
    size_t next = 0;
    gathering->disguised = disguised;
    gathering->broken = 0;
    gathering->kept->count = gathering->kept_before;
    pack->count = 0;
    while (next < gathering->list_count || pack->count) {
        while (next < gathering->list_count && pack->count < PACK) {
            const struct list *list = &gathering->lists[next++];
            pack->courses[pack->count++] =
                (struct course){.list = list, .link = list->first, .until_next = 1};
        }
        step_pack(gathering, pack);
    }
}

/* In whichever way fewer of them are broken. */
static struct error *keep_all(struct gathering *gathering)
{
    struct pack *pack = malloc(sizeof *pack);
    if (!pack)
        return error_no_memory();
    gathering->kept_before = gathering->kept->count;
    keep_lists(gathering, pack, true);
    if (gathering->broken) {
        size_t broken = gathering->broken;
        keep_lists(gathering, pack, false);
        if (gathering->broken > broken)
            keep_lists(gathering, pack, true);
    }
    free(pack);
    if (gathering->broken)
        glibc_problem(gathering->heaps, "%zu of %zu lists of free chunks are broken",
                      gathering->broken, gathering->list_count);
    return NULL;
}

static void keep_fastbins(struct gathering *gathering, const struct glibc_arena *arena)
{
    for (unsigned i = 0; i < GLIBC_FASTBINS; i++) {
        uint64_t size = GLIBC_LEAST_CHUNK + i * GLIBC_ALIGNMENT;
        add_list(gathering, &(struct list){arena->fastbins[i], 0, size, size, UINT64_MAX});
    }
}

/* ---- Threads' caches ---- */

struct cache {
    const struct cache_layout *layout;
    uint16_t counts[LISTS_MAX];
    uint64_t first[LISTS_MAX];
};

static size_t cache_bytes(const struct cache_layout *layout)
{
    return layout->lists * (layout->count_bytes + WORD);
}

static bool read_cache(struct gathering *gathering, uint64_t block, struct cache *cache)
{
    uint8_t bytes[LISTS_MAX * (2 + WORD)];
    const struct cache_layout *layout = cache->layout;
    size_t size = cache_bytes(layout);
    const struct glibc_memory *memory = &gathering->process->memory;
    if (memory->read(block, bytes, size, memory->data) != size)
        return false;
    for (unsigned i = 0; i < layout->lists; i++) {
        cache->counts[i] = bytes[i];
        if (layout->count_bytes == 2)
            memcpy(&cache->counts[i], bytes + i * sizeof(uint16_t), sizeof(uint16_t));
        memcpy(&cache->first[i], bytes + layout->lists * layout->count_bytes + i * WORD, WORD);
    }
    return true;
}

/* What each list may have at most, of which the counts tell the rest. */
static unsigned room(const struct cache *cache)
{
    unsigned most = 0;
    for (unsigned i = 0; cache->layout->room && i < cache->layout->lists; i++)
        most = cache->counts[i] > most ? cache->counts[i] : most;
    return most;
}

/* Counts and lists fit together; a thread may be just changing one of them. */
static bool cache_fits(const struct gathering *gathering, const struct cache *cache)
{
    unsigned odd = 0;
    unsigned most = room(cache);
    for (unsigned i = 0; i < cache->layout->lists; i++) {
        uint64_t first = cache->first[i];
        bool empty = cache->layout->room ? cache->counts[i] == most : cache->counts[i] == 0;
        if (first % GLIBC_ALIGNMENT || (first && !areas_find(gathering->process->mappings, first)))
            return false;
        odd += empty != !first;
    }
    return odd <= 1;
}

static void keep_cache(struct gathering *gathering, uint64_t block, const struct cache *cache)
{
    keep(gathering, block - BLOCK_OFFSET);
    for (unsigned i = 0; i < cache->layout->lists; i++) {
        uint64_t size = GLIBC_LEAST_CHUNK + i * GLIBC_ALIGNMENT;
        struct list list = {cache->first[i], BLOCK_OFFSET, size, size, UINT16_MAX + 1U};
        if (i >= SMALL_LISTS) {
            list.least = GLIBC_LEAST_CHUNK + SMALL_LISTS * GLIBC_ALIGNMENT;
            list.largest = UINT64_MAX;
        }
        add_list(gathering, &list);
    }
}

/* Whether a chunk with that head may be a cache; one with a mapping of its own tells no more than
 * that. */
static bool head_fits(const struct cache_layout *layout, uint64_t head)
{
    uint64_t size = head & ~GLIBC_FLAGS;
    uint64_t least =
        (cache_bytes(layout) + WORD + GLIBC_ALIGNMENT - 1) & ~(uint64_t)(GLIBC_ALIGNMENT - 1);
    if (head & GLIBC_MAPPED)
        return size >= least && size <= GLIBC_PAGE;
    /* It may be a bit larger than what is needed: 2.43 asks for more, and what would be left of a
     * free chunk may be too small to be one. */
    return size >= least && size <= least + 2 * GLIBC_ALIGNMENT;
}

/* A word of a thread's variables may be the pointer to its cache. */
static void try_cache(struct gathering *gathering, uint64_t block)
{
    uint64_t head;
    if (block < GLIBC_PAGE || block % GLIBC_ALIGNMENT ||
        !areas_find(gathering->process->mappings, block) ||
        !glibc_peek(gathering->reader, block - WORD, &head))
        return;
    bool own_mapping = head & GLIBC_MAPPED;
    if (own_mapping ? block % GLIBC_PAGE != BLOCK_OFFSET
                    : !areas_find(&gathering->heaps->areas, block))
        return;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct cache cache = {.layout = &layouts[i]};
        if (head_fits(&layouts[i], head) && read_cache(gathering, block, &cache) &&
            cache_fits(gathering, &cache)) {
            keep_cache(gathering, block, &cache);
            return;
        }
    }
}

static void keep_caches(struct gathering *gathering, const struct area *variables)
{
    for (uint64_t at = variables->start & ~(uint64_t)(WORD - 1);
         at < variables->end && variables->end - at >= WORD; at += WORD) {
        uint64_t word;
        if (glibc_peek(gathering->reader, at, &word))
            try_cache(gathering, word);
        else
            at |= GLIBC_PAGE - WORD;
    }
}

/* ---- The set ---- */

static int compare(const void *one, const void *other)
{
    uint64_t left, right;
    memcpy(&left, one, sizeof left);
    memcpy(&right, other, sizeof right);
    return (left > right) - (left < right);
}

struct error *glibc_find_kept(const struct glibc_process *process, struct glibc_heaps *heaps,
                              struct glibc_reader *reader, struct glibc_kept *kept)
{
    struct gathering gathering = {
        .process = process, .heaps = heaps, .reader = reader, .kept = kept};
    for (size_t i = 0; i < heaps->arena_count; i++)
        keep_fastbins(&gathering, &heaps->arenas[i]);
    for (size_t i = 0; process->variables && i < process->variables->count; i++)
        keep_caches(&gathering, &process->variables->list[i]);
    struct error *error = gathering.failed ? error_no_memory() : keep_all(&gathering);
    free(gathering.lists);
    if (error || gathering.failed)
        return error ? error : error_no_memory();
    if (kept->count)
        qsort(kept->chunks, kept->count, sizeof *kept->chunks, compare);
    return NULL;
}

bool glibc_is_kept(const struct glibc_kept *kept, uint64_t chunk)
{
    size_t low = 0, high = kept->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kept->chunks[middle] < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low < kept->count && kept->chunks[low] == chunk;
}
