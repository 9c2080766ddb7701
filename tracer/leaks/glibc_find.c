/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tracer/leaks/glibc_internal.h"

/*
 * struct malloc_state (malloc/malloc.c), 64 bit, in words from where the bins begin, for all but
 * what comes first is the same in all versions:
 *
 *     -2      top chunk
 *     -1      last remainder
 *     0       bins: 127 pairs of links; the unsorted one is the first
 *     254     map of bins, 2 words
 *     256     next arena; the last one's is the main one again
 *     257     next free arena
 *     258     number of threads (since 2.23)
 *     then    memory from the system, and the most that was
 *
 * Before the top chunk are ten fastbins up to 2.42, then a flag since 2.26, and
 * in the first word the lock and the arena's flags.
 */
#define BIN_WORDS 254
#define NEXT 256
#define AFTER_NEXT_FREE 258
#define STATE_WORDS 261

#define BINS_MOST 14 /* words before the bins */
static const unsigned words_before_bins[] = {BINS_MOST, 13, 3};

#define NONCONTIGUOUS 2U
#define FLAGS_MAX 15U

/* Of a heap that is an arena's (malloc/arena.c, heap_info): the arena, the heap before, its size;
 * all in all 4 words, 6 since 2.35. With huge pages of 2 MiB or 1 GiB (the tunable
 * glibc.malloc.hugetlb) a heap is at most four of those. */
#define HEAP_INFO_WORDS 4
#define HEAP_INFO_WORDS_MAX 6
static const uint64_t heap_sizes[] = {UINT64_C(64) << 20, UINT64_C(8) << 20, UINT64_C(4) << 30};

#define ARENAS_MAX 65536
#define SEGMENTS_MAX 1048576
#define ADDRESS_END (UINT64_C(1) << 56)
#define WORD sizeof(uint64_t)

struct state {
    uint64_t words[BINS_MOST + STATE_WORDS];
    unsigned before; /* words before the bins */
    uint64_t address;
};

static uint64_t after_bins(const struct state *state, size_t word)
{
    return state->words[state->before + word];
}

/* ---- Telling an arena ---- */

static bool is_chunk_address(uint64_t address)
{
    return address && address % GLIBC_ALIGNMENT == 0 && address < ADDRESS_END;
}

static bool bins_fit(const struct state *state)
{
    uint64_t bins = state->address + state->before * WORD;
    for (size_t i = 0; i < BIN_WORDS; i += 2) {
        uint64_t itself = bins + (i - 2) * WORD;
        uint64_t forward = after_bins(state, i);
        uint64_t back = after_bins(state, i + 1);
        if (forward == itself && back == itself)
            continue;
        if (!is_chunk_address(forward) || !is_chunk_address(back))
            return false;
    }
    return true;
}

static bool take_state(const uint64_t *words, uint64_t address, unsigned before,
                       struct state *state)
{
    uint32_t lock = (uint32_t)words[0];
    uint32_t flags = (uint32_t)(words[0] >> 32);
    uint64_t top = words[before - 2];
    if (lock > 2 || flags > FLAGS_MAX ||
        (!is_chunk_address(top) && top != address + (before - 2) * WORD))
        return false;
    state->address = address;
    state->before = before;
    memcpy(state->words, words, (before + STATE_WORDS) * WORD);
    return bins_fit(state);
}

static bool read_state(const struct glibc_process *process, uint64_t address, unsigned before,
                       struct state *state)
{
    uint64_t words[BINS_MOST + STATE_WORDS];
    size_t size = (before + STATE_WORDS) * WORD;
    return address % WORD == 0 &&
           process->memory.read(address, words, size, process->memory.data) == size &&
           take_state(words, address, before, state);
}

/* The heap that an arena of a thread begins with, or 0. */
static uint64_t heap_of(const struct glibc_process *process, uint64_t state)
{
    uint64_t heap = state & ~(GLIBC_PAGE - 1);
    uint64_t arena;
    return (state - heap == HEAP_INFO_WORDS * WORD || state - heap == HEAP_INFO_WORDS_MAX * WORD) &&
                   process->memory.read(heap, &arena, WORD, process->memory.data) == WORD &&
                   arena == state
               ? heap
               : 0;
}

static bool add_arena(struct glibc_heaps *heaps, const struct state *state, bool main)
{
    if (!(heaps->arena_count & (heaps->arena_count - 1))) {
        size_t capacity = heaps->arena_count ? heaps->arena_count * 2 : 1;
        struct glibc_arena *arenas = realloc(heaps->arenas, capacity * sizeof *arenas);
        if (!arenas)
            return false;
        heaps->arenas = arenas;
    }
    uint64_t threads = after_bins(state, AFTER_NEXT_FREE);
    /* Memory comes in pages, and there are not that many threads. */
    bool counts_threads = state->before != 13 || threads < GLIBC_PAGE;
    struct glibc_arena *arena = &heaps->arenas[heaps->arena_count++];
    *arena = (struct glibc_arena){
        .state = state->address,
        .state_end = state->address +
                     (state->before + AFTER_NEXT_FREE + (counts_threads ? 1 : 0) + 2) * WORD,
        .main = main,
        .contiguous = !((state->words[0] >> 32) & NONCONTIGUOUS),
        .top = state->words[state->before - 2],
        .system_mem = after_bins(state, AFTER_NEXT_FREE + (counts_threads ? 1 : 0)),
    };
    /* Nothing has been allocated from it: its top is the unsorted bin. */
    if (arena->top == state->address + (state->before - 2) * WORD)
        arena->top = 0;
    if (state->before > GLIBC_FASTBINS)
        memcpy(arena->fastbins, &state->words[state->before - 2 - GLIBC_FASTBINS],
               sizeof arena->fastbins);
    return true;
}

/* Follows the ring of arenas from what may be the main one. */
static struct error *try_main(const struct glibc_process *process, struct glibc_heaps *heaps,
                              struct state *state, bool *is_main)
{
    uint64_t main = state->address;
    unsigned before = state->before;
    size_t count = heaps->arena_count;
    *is_main = false;
    for (size_t i = 0; i < ARENAS_MAX; i++) {
        if (!add_arena(heaps, state, i == 0))
            return error_no_memory();
        uint64_t next = after_bins(state, NEXT);
        if (next == main) {
            *is_main = true;
            return NULL;
        }
        if (!heap_of(process, next) || !read_state(process, next, before, state))
            break;
    }
    heaps->arena_count = count;
    return NULL;
}

/* Where an arena can begin and end that has a bin at some address, in words from there. */
#define ARENA_BELOW (BIN_WORDS + BINS_MOST)
#define ARENA_ABOVE STATE_WORDS

struct surroundings {
    uint64_t start;
    size_t count;
    uint64_t words[ARENA_BELOW + ARENA_ABOVE];
};

static void read_surroundings(const struct glibc_process *process, uint64_t address,
                              struct surroundings *around)
{
    const struct area *mapping = areas_find(process->mappings, address);
    uint64_t below = ARENA_BELOW * WORD;
    if (mapping && address - mapping->start < below)
        below = address - mapping->start;
    around->start = address > below ? address - below : 0;
    around->count = process->memory.read(around->start, around->words, below + ARENA_ABOVE * WORD,
                                         process->memory.data) /
                    WORD;
}

static bool state_around(const struct surroundings *around, uint64_t address, unsigned before,
                         struct state *state)
{
    uint64_t offset = (address - around->start) / WORD;
    return address >= around->start && offset + before + STATE_WORDS <= around->count &&
           take_state(&around->words[offset], address, before, state);
}

/* A bin that points to itself is at address: one of which arena? Puts in *end where that ends.
 * A list's empty head looks the same, of which tcmalloc has hundreds: what is around is read at
 * once. */
static struct error *try_bin(const struct glibc_process *process, struct glibc_heaps *heaps,
                             uint64_t address, uint64_t *end)
{
    struct state state;
    struct surroundings around;
    read_surroundings(process, address, &around);
    for (size_t i = 0; i < BIN_WORDS; i += 2) {
        for (size_t k = 0; k < sizeof words_before_bins / sizeof *words_before_bins; k++) {
            unsigned before = words_before_bins[k];
            uint64_t distance = (i + before) * WORD;
            bool is_main = false;
            size_t count = heaps->arena_count;
            if (distance > address || !state_around(&around, address - distance, before, &state))
                continue;
            struct error *error = try_main(process, heaps, &state, &is_main);
            if (error)
                return error;
            if (!is_main)
                continue;
            const struct glibc_arena *arena = &heaps->arenas[count];
            areas_add(&heaps->states, arena->state, arena->state_end);
            *end = arena->state_end;
            return NULL;
        }
    }
    return NULL;
}

#define SCANNED 8192

struct scan {
    const struct glibc_process *process;
    struct glibc_heaps *heaps;
    struct error *error;
};

static struct error *scan_data(const struct glibc_process *process, struct glibc_heaps *heaps,
                               uint64_t start, uint64_t end)
{
    uint64_t words[SCANNED + 1];
    uint64_t at = (start + WORD - 1) & ~(uint64_t)(WORD - 1);
    while (at < end && end - at >= 2 * WORD) {
        /* The last word is read again as the next piece's first. */
        size_t size = end - at < sizeof words ? end - at : sizeof words;
        size_t count = process->memory.read(at, words, size, process->memory.data) / WORD;
        if (count < 2)
            return NULL;
        uint64_t skip = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            uint64_t address = at + i * WORD;
            if (words[i] != address - 2 * WORD || words[i + 1] != words[i] || address < skip)
                continue;
            struct error *error = try_bin(process, heaps, address, &skip);
            if (error)
                return error;
        }
        at += (count - 1) * WORD;
        if (skip > at)
            at = skip;
    }
    return NULL;
}

static void scan_run(uint64_t start, uint64_t end, void *data)
{
    struct scan *scan = data;
    if (!scan->error)
        scan->error = scan_data(scan->process, scan->heaps, start, end);
}

static struct error *scan_modules(const struct glibc_process *process, struct glibc_heaps *heaps)
{
    struct scan scan = {.process = process, .heaps = heaps};
    for (size_t i = 0; i < process->data->count; i++) {
        const struct area *data = &process->data->list[i];
        if (process->touched)
            process->touched(data->start, data->end, scan_run, &scan, process->touched_data);
        else
            scan_run(data->start, data->end, &scan);
    }
    return scan.error;
}

/* ---- The arenas' memory ---- */

struct error *glibc_add_segment(struct glibc_heaps *heaps, const struct glibc_segment *segment)
{
    if (!(heaps->segment_count & (heaps->segment_count - 1))) {
        size_t capacity = heaps->segment_count ? heaps->segment_count * 2 : 1;
        struct glibc_segment *segments = realloc(heaps->segments, capacity * sizeof *segments);
        if (!segments)
            return error_no_memory();
        heaps->segments = segments;
    }
    heaps->segments[heaps->segment_count++] = *segment;
    areas_add(&heaps->areas, segment->start, segment->end);
    return NULL;
}

bool glibc_is_mapped(const struct glibc_process *process, uint64_t start, uint64_t end)
{
    const struct area *mapping = areas_find(process->mappings, start);
    return mapping && end >= start && end <= mapping->end;
}

struct touched {
    const struct glibc_process *process;
    void (*visit)(uint64_t start, uint64_t end, void *data);
    void *data;
};

static void visit_touched(uint64_t start, uint64_t end, void *data)
{
    const struct touched *touched = data;
    const struct glibc_process *process = touched->process;
    if (process->touched)
        process->touched(start, end, touched->visit, touched->data, process->touched_data);
    else
        touched->visit(start, end, touched->data);
}

void glibc_touched(const struct glibc_process *process, uint64_t start, uint64_t end,
                   void (*visit)(uint64_t start, uint64_t end, void *data), void *data)
{
    struct touched touched = {.process = process, .visit = visit, .data = data};
    areas_gaps(process->data, start, end, visit_touched, &touched);
}

/* Where the top chunk ends, or 0 if its head says nonsense: a thread may be about to write it. */
static uint64_t top_end(const struct glibc_process *process, uint64_t top)
{
    uint64_t pair[2];
    if (process->memory.read(top, pair, sizeof pair, process->memory.data) != sizeof pair)
        return 0;
    uint64_t size = pair[1] & ~GLIBC_FLAGS;
    return size >= GLIBC_ALIGNMENT && size % GLIBC_ALIGNMENT == 0 &&
                   (top + size) % GLIBC_PAGE == 0 && glibc_is_mapped(process, top, top + size)
               ? top + size
               : 0;
}

static bool read_heap(const struct glibc_process *process, const struct glibc_arena *arena,
                      uint64_t heap, uint64_t info[HEAP_INFO_WORDS])
{
    const size_t size = HEAP_INFO_WORDS * WORD;
    return process->memory.read(heap, info, size, process->memory.data) == size &&
           info[0] == arena->state && info[2] % GLIBC_PAGE == 0 && info[2] >= GLIBC_PAGE &&
           glibc_is_mapped(process, heap, heap + info[2]);
}

/* The heap that a thread's arena takes from at present: where its top is. */
static uint64_t current_heap(const struct glibc_process *process, const struct glibc_arena *arena)
{
    uint64_t info[HEAP_INFO_WORDS];
    for (size_t i = 0; i < sizeof heap_sizes / sizeof *heap_sizes; i++) {
        uint64_t heap = arena->top & ~(heap_sizes[i] - 1);
        if (read_heap(process, arena, heap, info) && arena->top - heap < info[2])
            return heap;
    }
    return 0;
}

static struct error *add_thread_arena(const struct glibc_process *process,
                                      struct glibc_heaps *heaps, const struct glibc_arena *arena)
{
    uint64_t first_heap = heap_of(process, arena->state);
    uint64_t header = arena->state - first_heap;
    uint64_t heap = current_heap(process, arena);
    struct error *error = NULL;
    while (heap && !error && heaps->segment_count < SEGMENTS_MAX) {
        uint64_t info[HEAP_INFO_WORDS];
        if (areas_find(&heaps->areas, heap) || !read_heap(process, arena, heap, info))
            break;
        struct glibc_segment segment = {.start = heap, .end = heap + info[2]};
        segment.first = heap == first_heap ? arena->state_end : heap + header;
        segment.first = (segment.first + GLIBC_ALIGNMENT - 1) & ~(uint64_t)(GLIBC_ALIGNMENT - 1);
        if (arena->top >= segment.start && arena->top < segment.end)
            segment.top = arena->top;
        error = glibc_add_segment(heaps, &segment);
        if (heap == first_heap)
            return error;
        heap = info[1];
    }
    if (!error)
        glibc_problem(heaps, "the heaps of an arena do not hang together");
    return error;
}

/* In one piece, with what others took by sbrk(2): it begins where the first memory came from. */
static struct error *add_main_arena(const struct glibc_process *process, struct glibc_heaps *heaps,
                                    const struct glibc_arena *arena)
{
    struct glibc_parameters parameters;
    const struct area *mapping = areas_find(process->mappings, arena->top);
    uint64_t end = top_end(process, arena->top);
    if (!mapping) {
        glibc_problem(heaps, "the main arena's memory is not mapped");
        return NULL;
    }
    if (!end)
        end = mapping->end;
    uint64_t start = end - arena->system_mem;
    glibc_find_parameters(process, arena, start, &parameters);
    if (parameters.found)
        start = parameters.first;
    else
        heaps->mapped_known = false;
    heaps->mapped_count += parameters.mapped_count;
    uint64_t first = (start + GLIBC_ALIGNMENT - 1) & ~(uint64_t)(GLIBC_ALIGNMENT - 1);
    if (!arena->contiguous || start < mapping->start || first > arena->top)
        return glibc_add_pieces(process, heaps, arena, parameters.first, end);
    return glibc_add_segment(
        heaps, &(struct glibc_segment){
                   .start = start, .end = end, .first = first, .top = arena->top, .main = true});
}

static struct error *add_arena_memory(const struct glibc_process *process,
                                      struct glibc_heaps *heaps, const struct glibc_arena *arena)
{
    if (!arena->top)
        return NULL;
    if (!arena->main)
        return add_thread_arena(process, heaps, arena);
    return add_main_arena(process, heaps, arena);
}

static int compare_segments(const void *one, const void *other)
{
    const struct glibc_segment *left = one;
    const struct glibc_segment *right = other;
    return (left->start > right->start) - (left->start < right->start);
}

struct error *glibc_heaps_find(const struct glibc_process *process, struct glibc_heaps *heaps)
{
    *heaps = (struct glibc_heaps){.mapped_known = true};
    struct error *error = scan_modules(process, heaps);
    for (size_t i = 0; i < heaps->arena_count && !error; i++)
        error = add_arena_memory(process, heaps, &heaps->arenas[i]);
    if (!error && (heaps->areas.failed || heaps->states.failed))
        error = error_no_memory();
    if (error) {
        glibc_heaps_deinit(heaps);
        return error;
    }
    if (heaps->segment_count)
        qsort(heaps->segments, heaps->segment_count, sizeof *heaps->segments, compare_segments);
    return NULL;
}

void glibc_heaps_deinit(struct glibc_heaps *heaps)
{
    areas_deinit(&heaps->areas);
    areas_deinit(&heaps->states);
    areas_deinit(&heaps->mapped);
    free(heaps->arenas);
    free(heaps->segments);
    *heaps = (struct glibc_heaps){0};
}
