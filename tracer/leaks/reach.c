/* SPDX-License-Identifier: MIT */
/*
 * Each block is looked through as soon as its own state is final, and so only once:
 *
 * 1. From the roots along pointers to beginnings: what is met is reachable. What pointers into the
 *    middle lead to meanwhile is noted as possibly lost; a pointer to its beginning may yet come.
 * 2. From those that stayed possibly lost along all pointers: so is what is met.
 * 3. The rest is lost. A walk over all of it finds those that no other one points to: definitely
 *    lost. From these along all pointers: what is met is indirectly lost. What points to no other
 *    one need not be read again.
 * 4. What is left hangs on cycles, of which some may lead to others. Each block that is not led to
 *    yet, by address, is a leader of what it leads to. If one leads to what an earlier one led to,
 *    it may lead to that, too, though never the other way round: then all are gone through a second
 *    time from the last leader to the first, and those that are led to now are none. So each cycle
 *    that no other block leads to has one definitely lost block, its first by address. (memcheck
 *    heeds such a pointer only where it is to the earlier leader itself.)
 *
 * Each walk is breadth-first, so that chains are the shortest, and goes through a generation in the
 * order of addresses, so that memory is read in large pieces.
 *
 * A word is that of the innermost block that it lies in, else that of the root; one in a stack or
 * in TLS is the root's in any case. A pointer leads to the innermost block, which is also a pointer
 * into the middle of those around it as long as it comes from a root or from a block that is not
 * lost: a pool's chunk is no leak while blocks in it are in use. What a block leads to is told by
 * its own words, not by those of blocks within: these are lost if nothing points to them.
 */
#include "tracer/leaks/reach.h"

#include <stdlib.h>
#include <string.h>

#include "tracer/leaks/block_index.h"
#include "tracer/leaks/large_array.h"
#include "tracer/leaks/reach_heuristics.h"
#include "tracer/leaks/reach_scan.h"

#define CANDIDATES 256
#define GUESSES 1024
#define SETTLED_MAX 8
#define WORD sizeof(uint64_t)

/* What is known of a block so far: a byte of these. */
enum {
    STATE = 7, /* mask of enum state */
    WAITING = 8,
    HEAD_KNOWN = 16,
    HEAD_SHIFT = 5,        /* bits of enum reach_head */
    LEADS_ON = HEAD_KNOWN, /* of a lost block, whose head is of no interest: to another one */
};

enum state {
    UNKNOWN,
    REACHABLE,
    POSSIBLE,
    POINTED_TO, /* lost, and another lost one points to it */
    INDIRECT,
    DEFINITE,
    LEADER, /* of a cycle, perhaps */
    LED,    /* by one of those before the present one */
};

enum walk {
    WALK_BEGINNINGS,
    WALK_ALL,
    WALK_COUNT, /* follows nothing */
    WALK_LOST,
    WALK_CYCLES,
};

/* A word that may be a pointer, and where it was. */
struct candidate {
    uint64_t value, holder;
    uint32_t owner;
    uint32_t target; /* of those below only */
};

struct search {
    const struct reach_input *input;
    struct reach_verdict *verdicts;
    struct block_index index;
    struct reach_scan *scan;
    struct reach_heuristics heuristics;
    enum walk walk;
    bool from_root;  /* owners are roots, not blocks */
    uint32_t leader; /* the present one */
    bool crossed;    /* one has led to what an earlier one leads to */
    size_t recent;   /* for block_index_bucket() */
    uint8_t *known;  /* for each block */
    /* Blocks to be looked through, each of them once in all walks: head to tail are waiting. */
    uint32_t *queue;
    size_t head, tail;
    struct candidate candidates[CANDIDATES];
    size_t candidate_count;
    struct candidate guesses[GUESSES]; /* pointers into the middle that heuristics may accept */
    size_t guess_count;
};

static enum state state_of(const struct search *search, uint32_t block)
{
    return search->known[block] & STATE;
}

static void set_state(struct search *search, uint32_t block, enum state state)
{
    search->known[block] = (uint8_t)((search->known[block] & ~STATE) | state);
}

static void push(struct search *search, uint32_t block)
{
    search->known[block] |= WAITING;
    search->queue[search->tail++] = block;
}

static void note(struct search *search, uint32_t block, const struct candidate *from,
                 enum state state)
{
    set_state(search, block, state);
    search->verdicts[block] = (struct reach_verdict){
        .from_root = search->from_root,
        .root = search->from_root ? from->owner : 0,
        .holder = from->holder,
    };
    if (search->from_root && from->owner >= search->input->range_count) /* a register */
        search->verdicts[block].holder = search->input->blocks[block].address;
}

/* ---- Pointers ---- */

/* A pointer into a block is one into the middle of those around it. When one of them is known
 * already, so are those around that. */
static void note_around(struct search *search, uint32_t block, const struct candidate *from)
{
    if (!search->index.parents)
        return;
    for (uint32_t outer = search->index.parents[block];
         outer != BLOCK_NONE && state_of(search, outer) == UNKNOWN;
         outer = search->index.parents[outer]) {
        note(search, outer, from, POSSIBLE);
        if (search->walk == WALK_ALL)
            push(search, outer);
    }
}

static void reach_block(struct search *search, uint32_t block, const struct candidate *from)
{
    note(search, block, from, REACHABLE);
    push(search, block);
    note_around(search, block, from);
}

static void guess_all(struct search *search);

static void follow_beginning(struct search *search, uint32_t block, const struct candidate *from)
{
    if (from->value == search->input->blocks[block].address) {
        reach_block(search, block, from);
        return;
    }
    if (state_of(search, block) == UNKNOWN) {
        note(search, block, from, POSSIBLE);
        note_around(search, block, from);
    }
    if (!search->input->heuristics)
        return;
    uint8_t known = search->known[block];
    if (known & HEAD_KNOWN && reach_guess(&search->input->blocks[block], known >> HEAD_SHIFT,
                                          from->value) == REACH_GUESS_NO)
        return;
    search->guesses[search->guess_count] = *from;
    search->guesses[search->guess_count++].target = block;
    if (search->guess_count == GUESSES)
        guess_all(search);
}

/* Blocks in these states stay as they are, whatever leads to them. */
static const uint8_t settled[] = {
    [WALK_BEGINNINGS] = 1U << REACHABLE,
    [WALK_ALL] = (uint8_t) ~(1U << UNKNOWN),
    [WALK_COUNT] = 1U << REACHABLE | 1U << POSSIBLE,
    [WALK_LOST] = (uint8_t) ~(1U << POINTED_TO | 1U << LEADER),
    [WALK_CYCLES] = (uint8_t) ~(1U << POINTED_TO | 1U << LEADER | 1U << LED),
};

static bool is_settled(const struct search *search, uint32_t block)
{
    return settled[search->walk] >> state_of(search, block) & 1;
}

static void follow(struct search *search, uint32_t block, const struct candidate *from)
{
    enum state state = state_of(search, block);
    if (is_settled(search, block))
        return;
    switch (search->walk) {
    case WALK_BEGINNINGS:
        follow_beginning(search, block, from);
        break;
    case WALK_ALL:
        note(search, block, from, POSSIBLE);
        push(search, block);
        note_around(search, block, from);
        break;
    case WALK_COUNT:
        set_state(search, block, POINTED_TO);
        search->known[from->owner] |= LEADS_ON;
        break;
    case WALK_LOST:
        note(search, block, from, INDIRECT);
        push(search, block);
        break;
    case WALK_CYCLES:
        search->crossed = search->crossed || (state != POINTED_TO && block != search->leader);
        if (state != POINTED_TO)
            break;
        note(search, block, from, INDIRECT);
        push(search, block);
        break;
    }
}

/* Whether no block that a pointer into this bucket can lead to changes its state any more: mostly
 * there are two of them, whose states lie close to each other, as blocks do not. */
static bool is_bucket_settled(const struct search *search, const uint32_t *bucket)
{
    uint32_t first = bucket[0] ? bucket[0] - 1 : 0;
    if (search->index.parents || bucket[1] - first > SETTLED_MAX)
        return false;
    for (uint32_t block = first; block < bucket[1]; block++) {
        if (!is_settled(search, block))
            return false;
    }
    return true;
}

/* In steps for all of them, so that the processor fetches memory for many at a time. */
static void follow_all(struct search *search)
{
    struct candidate *candidates = search->candidates;
    const uint32_t *buckets[CANDIDATES];
    size_t kept = 0;
    for (size_t i = 0; i < search->candidate_count; i++) {
        buckets[i] = block_index_bucket(&search->index, candidates[i].value, &search->recent);
        __builtin_prefetch(buckets[i]);
    }
    for (size_t i = 0; i < search->candidate_count; i++)
        __builtin_prefetch(&search->known[*buckets[i]]);
    for (size_t i = 0; i < search->candidate_count; i++) {
        if (is_bucket_settled(search, buckets[i]))
            continue;
        __builtin_prefetch(&search->input->blocks[*buckets[i]]);
        buckets[kept] = buckets[i];
        candidates[kept++] = candidates[i];
    }
    for (size_t i = 0; i < kept; i++) {
        uint32_t block = block_index_in_bucket(&search->index, buckets[i], candidates[i].value);
        if (block != BLOCK_NONE && (search->from_root || block != candidates[i].owner))
            follow(search, block, &candidates[i]);
    }
    search->candidate_count = 0;
}

static void take_word(struct search *search, uint32_t owner, uint64_t holder, uint64_t value)
{
    if (value - search->index.low > search->index.span)
        return;
    search->candidates[search->candidate_count++] =
        (struct candidate){.value = value, .holder = holder, .owner = owner};
    if (search->candidate_count == CANDIDATES)
        follow_all(search);
}

static void take_words(uint32_t owner, uint64_t address, const uint64_t *words, size_t count,
                       void *data)
{
    for (size_t i = 0; i < count; i++)
        take_word(data, owner, address + i * WORD, words[i]);
}

/* ---- Heuristics ---- */

static int compare_guesses(const void *left, const void *right)
{
    const struct candidate *one = left, *other = right;
    if (one->value != other->value)
        return one->value < other->value ? -1 : 1;
    return (one->holder > other->holder) - (one->holder < other->holder);
}

/* Reads the beginnings of those blocks whose are not known. */
static void read_heads(struct search *search)
{
    struct reach_piece pieces[GUESSES];
    uint32_t blocks[GUESSES];
    uint64_t words[GUESSES * REACH_HEAD_WORDS];
    size_t count = 0;
    for (size_t i = 0; i < search->guess_count; i++) {
        uint32_t block = search->guesses[i].target;
        const struct live_block *at = &search->input->blocks[block];
        if (search->known[block] & HEAD_KNOWN)
            continue;
        search->known[block] |= HEAD_KNOWN;
        /* No pointer into the middle of a shorter one counts. */
        if (at->size <= WORD || at->address % WORD)
            continue;
        blocks[count] = block;
        pieces[count++] =
            (struct reach_piece){.address = at->address, .size = REACH_HEAD_WORDS * WORD};
    }
    if (count)
        search->input->read(pieces, count, words, search->input->data);
    for (size_t i = 0; i < count; i++) {
        unsigned head = reach_head(&search->heuristics, &search->input->blocks[blocks[i]],
                                   &words[i * REACH_HEAD_WORDS]);
        search->known[blocks[i]] |= (uint8_t)(head << HEAD_SHIFT);
    }
}

static void guess_all(struct search *search)
{
    struct candidate *guesses = search->guesses;
    struct reach_piece pieces[GUESSES];
    uint64_t words[GUESSES];
    size_t count = 0, kept = 0;
    qsort(guesses, search->guess_count, sizeof *guesses, compare_guesses);
    read_heads(search);
    for (size_t i = 0; i < search->guess_count; i++) {
        uint32_t block = guesses[i].target;
        if (state_of(search, block) == REACHABLE)
            continue;
        enum reach_guess guess = reach_guess(&search->input->blocks[block],
                                             search->known[block] >> HEAD_SHIFT, guesses[i].value);
        if (guess == REACH_GUESS_YES)
            reach_block(search, block, &guesses[i]);
        if (guess != REACH_GUESS_TABLE || (kept && guesses[kept - 1].value == guesses[i].value))
            continue;
        guesses[kept++] = guesses[i];
        pieces[count++] = (struct reach_piece){.address = guesses[i].value, .size = WORD};
    }
    if (count)
        search->input->read(pieces, count, words, search->input->data);
    for (size_t i = 0; i < kept; i++) {
        if (state_of(search, guesses[i].target) != REACHABLE &&
            reach_is_table(&search->heuristics, words[i]))
            reach_block(search, guesses[i].target, &guesses[i]);
    }
    search->guess_count = 0;
}

static void finish_words(struct search *search)
{
    reach_scan_flush(search->scan);
    follow_all(search);
    guess_all(search);
}

/* ---- Walks ---- */

static int compare_numbers(const void *left, const void *right)
{
    uint32_t one = *(const uint32_t *)left, other = *(const uint32_t *)right;
    return (one > other) - (one < other);
}

/* Puts those that wait, which are a generation, into the order of addresses. */
static void sort_generation(struct search *search)
{
    size_t count = search->tail - search->head;
    uint32_t *queue = &search->queue[search->head];
    if (count <= search->index.count / 16) {
        qsort(queue, count, sizeof *queue, compare_numbers);
        for (size_t i = 0; i < count; i++)
            search->known[queue[i]] &= (uint8_t)~WAITING;
        return;
    }
    for (size_t i = 0, found = 0; found < count; i++) {
        if (!(search->known[i] & WAITING))
            continue;
        search->known[i] &= (uint8_t)~WAITING;
        queue[found++] = (uint32_t)i;
    }
}

static void scan_block(struct search *search, uint32_t block)
{
    uint32_t rest = BLOCK_FIRST_PART;
    uint64_t start, end;
    while (block_index_part(&search->index, block, &rest, &start, &end))
        reach_scan_add(search->scan, start, end, block);
}

static void walk(struct search *search, enum walk how)
{
    search->walk = how;
    search->from_root = false;
    while (search->head < search->tail) {
        sort_generation(search);
        size_t end = search->tail;
        for (; search->head < end; search->head++) {
            uint32_t block = search->queue[search->head];
            if (how < WALK_LOST || search->known[block] & LEADS_ON)
                scan_block(search, block);
        }
        finish_words(search);
    }
}

/* ---- Roots ---- */

static void scan_range(struct search *search, uint32_t root)
{
    const struct reach_range *range = &search->input->ranges[root];
    if (range->kind == LOG_ROOT_STACK || range->kind == LOG_ROOT_TLS) {
        reach_scan_add(search->scan, range->start, range->end, root);
        return;
    }
    uint64_t at = range->start, start, end;
    while (block_index_gap(&search->index, at, range->end, &start, &end)) {
        reach_scan_add(search->scan, start, end, root);
        at = end;
    }
}

static void walk_roots(struct search *search, struct reach_result *result)
{
    const struct reach_input *input = search->input;
    uint64_t unreadable;
    search->walk = WALK_BEGINNINGS;
    search->from_root = true;
    for (size_t i = 0; i < input->range_count; i++)
        scan_range(search, (uint32_t)i);
    finish_words(search);
    for (size_t i = 0; i < input->register_count; i++)
        take_word(search, (uint32_t)(input->range_count + i), 0, input->registers[i].value);
    finish_words(search);
    reach_scan_count(search->scan, &result->root_bytes, &unreadable);
    result->unreadable_bytes += unreadable;
}

/* ---- Lost blocks ---- */

static void lead(struct search *search, uint32_t block, enum state state)
{
    set_state(search, block, state);
    search->verdicts[block] =
        (struct reach_verdict){.holder = search->input->blocks[block].address};
    push(search, block);
}

/* Those that are in no cycle, nor led to by one only. */
static void walk_chains(struct search *search)
{
    uint32_t count = (uint32_t)search->index.count;
    for (uint32_t i = 0; i < count; i++) {
        if (state_of(search, i) == UNKNOWN)
            lead(search, i, DEFINITE);
    }
    walk(search, WALK_LOST);
}

/* From the first to the last; those that lead are LEADER, those that are led to LED. */
static void find_leaders(struct search *search)
{
    uint32_t count = (uint32_t)search->index.count;
    search->crossed = false;
    for (uint32_t i = 0; i < count; i++) {
        if (state_of(search, i) != POINTED_TO)
            continue;
        size_t first = search->tail + 1;
        search->leader = i;
        lead(search, i, LEADER);
        walk(search, WALK_CYCLES);
        for (size_t k = first; k < search->tail; k++)
            set_state(search, search->queue[k], LED);
    }
}

static void drop_leaders(struct search *search, size_t first)
{
    for (size_t i = first; i < search->tail; i++) {
        if (state_of(search, search->queue[i]) == LED)
            set_state(search, search->queue[i], POINTED_TO);
    }
    search->head = search->tail = first;
    for (uint32_t i = (uint32_t)search->index.count; i-- > 0;) {
        if (state_of(search, i) != LEADER)
            continue;
        lead(search, i, DEFINITE);
        walk(search, WALK_LOST);
    }
}

static void walk_lost(struct search *search, struct reach_result *result)
{
    uint32_t count = (uint32_t)search->index.count;
    uint64_t unreadable;
    search->walk = WALK_COUNT;
    search->from_root = false;
    for (uint32_t i = 0; i < count; i++) {
        enum state state = state_of(search, i);
        if (state == UNKNOWN || state == POINTED_TO)
            scan_block(search, i);
    }
    finish_words(search);
    /* Now all blocks have been read once. */
    reach_scan_count(search->scan, &result->heap_bytes, &unreadable);
    result->unreadable_bytes += unreadable;
    walk_chains(search);
    size_t first = search->tail;
    find_leaders(search);
    if (search->crossed)
        drop_leaders(search, first);
}

/* ---- All of it ---- */

static struct error *init(struct search *search, const struct reach_input *input)
{
    search->input = input;
    reach_heuristics_init(&search->heuristics, input);
    size_t room = input->block_count ? input->block_count : 1;
    search->verdicts = large_array_zeroed(room, sizeof *search->verdicts);
    search->known = large_array_zeroed(room + 1, sizeof *search->known);
    search->queue = large_array(room, sizeof *search->queue);
    if (!search->verdicts || !search->known || !search->queue)
        return error_no_memory();
    struct error *error = block_index_init(&search->index, input->blocks, input->block_count);
    if (!error)
        error = reach_scan_create(input, take_words, search, &search->scan);
    return error;
}

static void tell(struct search *search, struct reach_result *result)
{
    static const enum log_reach kinds[] = {
        [REACHABLE] = LOG_REACHABLE,      [POSSIBLE] = LOG_POSSIBLY_LOST,
        [INDIRECT] = LOG_INDIRECTLY_LOST, [DEFINITE] = LOG_DEFINITELY_LOST,
        [LEADER] = LOG_DEFINITELY_LOST,   [LED] = LOG_INDIRECTLY_LOST,
    };
    for (uint32_t i = 0; i < search->index.count; i++)
        search->verdicts[i].reach = kinds[state_of(search, i)];
    result->verdicts = search->verdicts;
    search->verdicts = NULL;
}

static void decide(struct search *search, struct reach_result *result)
{
    uint32_t count = (uint32_t)search->index.count;
    walk_roots(search, result);
    walk(search, WALK_BEGINNINGS);
    for (uint32_t i = 0; i < count; i++) {
        if (state_of(search, i) == POSSIBLE)
            push(search, i);
    }
    walk(search, WALK_ALL);
    walk_lost(search, result);
    tell(search, result);
}

struct error *reach_decide(const struct reach_input *input, struct reach_result *result)
{
    *result = (struct reach_result){0};
    struct search *search = calloc(1, sizeof *search);
    struct error *error = search ? init(search, input) : error_no_memory();
    if (!error && input->block_count)
        decide(search, result);
    if (search) {
        free(search->verdicts);
        free(search->known);
        free(search->queue);
        reach_scan_destroy(search->scan);
        block_index_deinit(&search->index);
        free(search);
    }
    return error;
}

void reach_result_deinit(struct reach_result *result)
{
    free(result->verdicts);
    *result = (struct reach_result){0};
}
