/* SPDX-License-Identifier: MIT */
#include "glibc_world.h"

#include <stdlib.h>
#include <string.h>

#define WORD 8U
#define BIN_WORDS 254U
#define NEXT_WORD 256U
#define IN_USE 1U
#define MAPPED 2U
#define OTHER_ARENA 4U

/* ---- Memory ---- */

static struct world_region *region_of(struct world *world, uint64_t address)
{
    for (size_t i = 0; i < WORLD_REGIONS; i++) {
        struct world_region *region = &world->regions[i];
        if (address - region->start < region->size)
            return region;
    }
    return NULL;
}

static size_t read_world(uint64_t address, void *out, size_t size, void *data)
{
    struct world *world = data;
    const struct world_region *region = region_of(world, address);
    if (!region)
        return 0;
    size_t room = region->start + region->size - address;
    size = size < room ? size : room;
    memcpy(out, region->bytes + (address - region->start), size);
    world->reads += size;
    return size;
}

static void read_pairs(const uint64_t *addresses, size_t count, uint64_t (*pairs)[2], void *data)
{
    for (size_t i = 0; i < count; i++) {
        if (read_world(addresses[i], pairs[i], sizeof pairs[i], data) != sizeof pairs[i])
            pairs[i][0] = pairs[i][1] = 0;
    }
}

uint64_t *world_word(struct world *world, uint64_t address)
{
    struct world_region *region = region_of(world, address);
    return (uint64_t *)(region->bytes + (address - region->start));
}

static void put(struct world *world, uint64_t address, uint64_t value)
{
    *world_word(world, address) = value;
}

static void add_region(struct world *world, size_t index, uint64_t start, size_t size)
{
    world->regions[index] =
        (struct world_region){.start = start, .size = size, .bytes = calloc(1, size)};
    areas_add(&world->mappings, start, start + size);
}

/* ---- Chunks ---- */

enum kind { USED, FREE, FAST, CACHED, CACHE };

struct made {
    enum kind kind;
    unsigned size;
};

#define FAST_SIZE 0x40U
#define CACHED_SIZE 0x60U

static const struct made made[] = {
    {USED, 0x20},          {FREE, 0x500},         {USED, 0x30},      {FAST, FAST_SIZE},
    {CACHED, CACHED_SIZE}, {USED, 0x12340},       {FAST, FAST_SIZE}, {USED, 0x20},
    {FREE, 0x20},          {USED, 0x40},          {CACHE, 0},        {CACHED, CACHED_SIZE},
    {USED, 0x60},          {CACHED, CACHED_SIZE},
};

struct arena {
    struct world *world;
    uint64_t state, at, end;
    uint64_t flags; /* of heads of chunks in use */
    uint64_t first_fast, first_cached, cache;
    unsigned cached;
};

static void take_used(struct world *world, uint64_t block, uint64_t usable)
{
    struct world_blocks *used = &world->used;
    used->address[used->count] = block;
    used->usable[used->count++] = usable;
}

static uint64_t disguise(const struct world *world, uint64_t place, uint64_t link)
{
    return world->version->disguised ? link ^ place >> 12 : link;
}

static unsigned cache_size(const struct glibc_version *version)
{
    unsigned bytes = version->lists * (version->count_bytes + WORD);
    return bytes ? (bytes + WORD + 15) & ~15U : 0x20;
}

static void add_chunks(struct arena *arena)
{
    struct world *world = arena->world;
    uint64_t before_free = 0; /* size */
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        enum kind kind = made[i].kind;
        uint64_t size = kind == CACHE ? cache_size(world->version) : made[i].size;
        uint64_t chunk = arena->at;
        uint64_t place = chunk + 2 * WORD;
        put(world, chunk, before_free);
        put(world, chunk + WORD,
            size | (before_free ? 0 : IN_USE) | (kind == FREE ? 0 : arena->flags));
        before_free = kind == FREE ? size : 0;
        /* Without caches there are only used ones in their places. */
        if (!world->version->lists && (kind == CACHED || kind == CACHE))
            kind = USED;
        if (kind == USED)
            take_used(world, place, size - WORD);
        if (kind == FAST && world->version->before_bins == 3)
            take_used(world, place, size - WORD);
        else if (kind == FAST) {
            put(world, place, disguise(world, place, arena->first_fast));
            arena->first_fast = chunk;
        }
        if (kind == CACHED) {
            put(world, place, disguise(world, place, arena->first_cached));
            arena->first_cached = place;
            arena->cached++;
        }
        if (kind == CACHE)
            arena->cache = place;
        arena->at += size;
    }
    put(world, arena->at + WORD, (arena->end - arena->at) | IN_USE);
}

static void fill_cache(const struct arena *arena)
{
    struct world *world = arena->world;
    const struct glibc_version *version = world->version;
    if (!version->lists)
        return;
    uint8_t *counts = (uint8_t *)world_word(world, arena->cache);
    unsigned list = (CACHED_SIZE - 0x20) / 16;
    for (unsigned i = 0; i < version->lists; i++) {
        uint16_t count = i == list ? (uint16_t)arena->cached : 0;
        if (version->room)
            count = (uint16_t)(7 - count);
        memcpy(counts + i * version->count_bytes, &count, version->count_bytes);
    }
    put(world, arena->cache + version->lists * version->count_bytes + list * WORD,
        arena->first_cached);
}

static uint64_t state_bytes(const struct glibc_version *version)
{
    return (version->before_bins + BIN_WORDS + 2 + 2 + (version->counts_threads ? 1 : 0) + 2) *
           WORD;
}

static void fill_state(const struct arena *arena, bool main, uint64_t next, uint64_t system)
{
    struct world *world = arena->world;
    const struct glibc_version *version = world->version;
    uint64_t bins = arena->state + version->before_bins * WORD;
    put(world, arena->state, main ? 0 : UINT64_C(2) << 32);
    for (unsigned i = 0; i < BIN_WORDS; i++)
        put(world, bins + i * WORD, bins + (i & ~1U) * WORD - 2 * WORD);
    put(world, bins - 2 * WORD, arena->at);
    if (version->before_bins > 10)
        put(world, bins - (12 - (FAST_SIZE / 16 - 2)) * WORD, arena->first_fast);
    put(world, bins + NEXT_WORD * WORD, next);
    uint64_t after = bins + (NEXT_WORD + 2) * WORD;
    if (version->counts_threads) {
        put(world, after, 1);
        after += WORD;
    }
    put(world, after, system);
    put(world, after + WORD, system);
}

/* ---- The process ---- */

#define BRK_BYTES 0x40000U
#define HEAP_BYTES 0x30000U
#define SBRK_OFFSET 0x1230U /* what others took before */

static void make_mapped(struct world *world)
{
    unsigned tail = world->version->mapped_tail;
    uint64_t usable = 0x3000 - 16 - tail / 2;
    put(world, WORLD_MAPPED + WORD, (0x3000 - tail) | MAPPED);
    take_used(world, WORLD_MAPPED + 16, usable);
    /* The next is aligned to 256 bytes. The old head is still there. */
    uint64_t base = WORLD_MAPPED + 0x3000;
    put(world, base + WORD, (0x2000 - tail) | MAPPED);
    put(world, base + 0xf0, 0xf0);
    put(world, base + 0xf0 + WORD, (0x2000 - 0xf0 - tail) | MAPPED);
    take_used(world, base + 0x100, 0x2000 - 0x100 - tail / 2);
}

/* struct malloc_par from its counts on: the number of mappings, its limit, ... sbrk_base. */
static void make_parameters(struct world *world, uint64_t sbrk_base)
{
    uint64_t at = WORLD_DATA + 0x800;
    put(world, at, UINT64_C(65536) << 32 | 2);
    put(world, at + 8, 2);
    put(world, at + 16, 0x5000);
    put(world, at + 24, 0x5000);
    put(world, at + 32, sbrk_base);
}

void world_init(struct world *world, const struct glibc_version *version)
{
    *world = (struct world){.version = version};
    add_region(world, 0, WORLD_DATA, 0x4000);
    add_region(world, 1, WORLD_BRK, 2 * 0x1000 + BRK_BYTES);
    add_region(world, 2, WORLD_HEAP, HEAP_BYTES);
    add_region(world, 3, WORLD_MAPPED, 0x8000);
    add_region(world, 4, WORLD_TLS, 0x1000);
    areas_add(&world->data, WORLD_DATA, WORLD_DATA + 0x4000);
    areas_add(&world->variables, WORLD_TLS, WORLD_TLS + 0x200);
    world->main_arena = WORLD_DATA + 0x1b80;
    world->thread_arena = WORLD_HEAP + version->heap_info;

    struct arena main = {.world = world,
                         .state = world->main_arena,
                         .at = WORLD_BRK + SBRK_OFFSET,
                         .end = WORLD_BRK + 2 * 0x1000 + BRK_BYTES};
    uint64_t sbrk_base = main.at;
    add_chunks(&main);
    fill_cache(&main);
    fill_state(&main, true, world->thread_arena, main.end - sbrk_base);

    struct arena other = {.world = world,
                          .state = world->thread_arena,
                          .at = (world->thread_arena + state_bytes(version) + 15) & ~UINT64_C(15),
                          .end = WORLD_HEAP + HEAP_BYTES,
                          .flags = OTHER_ARENA};
    put(world, WORLD_HEAP, other.state);
    put(world, WORLD_HEAP + 16, HEAP_BYTES);
    put(world, WORLD_HEAP + 24, HEAP_BYTES);
    add_chunks(&other);
    fill_cache(&other);
    fill_state(&other, false, world->main_arena, HEAP_BYTES);

    put(world, WORLD_TLS + 0x40, main.cache);
    put(world, WORLD_TLS + 0x140, other.cache);
    make_mapped(world);
    make_parameters(world, sbrk_base);
    world->process = (struct glibc_process){
        .memory = {.read = read_world, .read_pairs = read_pairs, .data = world},
        .data = &world->data,
        .mappings = &world->mappings,
        .variables = &world->variables,
    };
}

void world_deinit(struct world *world)
{
    for (size_t i = 0; i < WORLD_REGIONS; i++)
        free(world->regions[i].bytes);
    areas_deinit(&world->data);
    areas_deinit(&world->mappings);
    areas_deinit(&world->variables);
}
