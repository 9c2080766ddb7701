/* SPDX-License-Identifier: MIT */
#include "output/analyze/heaptrack_events.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/heaptrack_infos.h"
#include "output/analyze/rows.h"
#include "output/analyze/spool.h"

/* heaptrack writes the time so often, in its units. */
#define STAMP_EACH 10

/* What forks and ends of processes change, by trace: bytes that the file does not have yet. */
struct change {
    uint64_t added;   /* copied to children */
    uint64_t dropped; /* ended with their process and not leaked */
    uint64_t left;    /* leaked */
    uint64_t back;    /* leaked bytes that were taken out, to be put back at the end */
    bool listed;
};

struct events {
    struct replay_observer observer; /* the first member: what the replay calls back with */
    struct spool spool;
    struct heaptrack_infos infos;
    uint64_t info_count;
    uint64_t last;       /* number of the allocation that was the last event, 0 if it was none */
    uint64_t temporary;  /* of replay_totals, as of the last event */
    uint64_t stamp;      /* the last time written */
    uint32_t *outside;   /* by stack: the first frame that is not the allocation function itself */
    size_t outside_size; /* room there */
    size_t outside_count;
    struct change *changes; /* by trace */
    size_t change_count;
    uint32_t *changed; /* traces whose changes are to be written */
    size_t changed_count, changed_size;
};

static struct events *events_of(struct replay_observer *observer)
{
    return (struct events *)observer;
}

uint64_t heaptrack_time(const struct replay *replay, uint64_t time)
{
    return replay->tick_ns ? (uint64_t)((unsigned __int128)time * replay->tick_ns / 1000000) : time;
}

/* ---- Lines ---- */

static void put_number(FILE *out, uint64_t number)
{
    char digits[16];
    size_t begin = sizeof digits;
    do {
        digits[--begin] = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number);
    fwrite_unlocked(digits + begin, 1, sizeof digits - begin, out);
}

static void put_line(struct events *events, char mode, uint64_t number)
{
    FILE *out = events->spool.stream;
    putc_unlocked(mode, out);
    putc_unlocked(' ', out);
    put_number(out, number);
    putc_unlocked('\n', out);
}

/* Defines a pair and returns its number. */
static uint64_t define_info(struct events *events, uint64_t size, uint32_t trace)
{
    FILE *out = events->spool.stream;
    fputs_unlocked("a ", out);
    put_number(out, size);
    putc_unlocked(' ', out);
    put_number(out, trace);
    putc_unlocked('\n', out);
    return ++events->info_count;
}

static void put_time(struct events *events, const struct replay *replay, uint64_t time)
{
    uint64_t now = heaptrack_time(replay, time);
    /* Times of several threads may go back a little. */
    if (now < events->stamp || now - events->stamp < STAMP_EACH)
        return;
    events->stamp = now;
    put_line(events, 'c', now);
}

/* ---- Traces ---- */

/* 0 when out of memory. */
static uint32_t trace_of(struct events *events, const struct replay *replay,
                         const struct live_block *block)
{
    const struct catalog *catalog = &replay->catalog;
    uint32_t stack = replay->rows[block->row].stack;
    if (!replay_grow(&events->outside, &events->outside_size, stack, sizeof *events->outside))
        return 0;
    /* A parent has a lower id than its children. */
    for (; events->outside_count <= stack; events->outside_count++) {
        uint32_t id = (uint32_t)events->outside_count;
        const struct catalog_stack *at = &catalog->stacks[id];
        bool inside = catalog->frames[at->frame].flags & LOG_FRAME_ALLOCATOR;
        events->outside[id] = id && inside ? events->outside[at->parent] : id;
    }
    stack = events->outside[stack];
    return stack ? stack + HEAPTRACK_FIRST_ID : HEAPTRACK_NO_STACK;
}

static struct heaptrack_info *info_of(struct events *events, const struct replay *replay,
                                      const struct live_block *block)
{
    uint32_t trace = trace_of(events, replay, block);
    struct heaptrack_info *info =
        trace ? heaptrack_infos_find(&events->infos, block->size, trace) : NULL;
    if (info && !info->number)
        info->number = define_info(events, info->size, trace);
    return info;
}

/* ---- Forks and ends of processes ---- */

/* The changes of a block's trace, which are to be written; NULL when out of memory. */
static struct change *change_of(struct events *events, const struct replay *replay,
                                const struct live_block *block)
{
    uint32_t trace = trace_of(events, replay, block);
    if (!trace ||
        !replay_grow(&events->changes, &events->change_count, trace, sizeof *events->changes) ||
        !replay_grow(&events->changed, &events->changed_size, events->changed_count,
                     sizeof *events->changed))
        return NULL;
    struct change *change = &events->changes[trace];
    if (!change->listed)
        events->changed[events->changed_count++] = trace;
    change->listed = true;
    return change;
}

static int by_number(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* Frees bytes, or the opposite of them if they are negative, modulo 2^64. */
static void put_bytes(struct events *events, uint64_t bytes, uint32_t trace)
{
    if (bytes)
        put_line(events, '-', define_info(events, bytes, trace));
}

/* Before the next event, or after the last one, with which what has leaked may stay. */
static void put_changes(struct events *events, bool last)
{
    if (!events->changed_count)
        return;
    /* Blocks came in no order. */
    qsort(events->changed, events->changed_count, sizeof *events->changed, by_number);
    for (size_t i = 0; i < events->changed_count; i++) {
        uint32_t trace = events->changed[i];
        struct change *change = &events->changes[trace];
        uint64_t left = last ? 0 : change->left;
        put_bytes(events, change->dropped + left - change->added, trace);
        *change = (struct change){.back = change->back + left};
    }
    events->changed_count = 0;
    events->last = 0;
}

static void put_back(struct events *events)
{
    for (size_t i = 0; i < events->change_count; i++)
        put_bytes(events, -events->changes[i].back, (uint32_t)i);
}

/* ---- What the replay tells ---- */

static struct error *begin_block(struct replay_observer *observer, const struct replay *replay,
                                 const struct live_block *block, uint64_t time)
{
    struct events *events = events_of(observer);
    if (block->inherited) {
        struct change *change = change_of(events, replay, block);
        if (!change)
            return error_no_memory();
        change->added += block->size;
        return NULL;
    }
    put_changes(events, false);
    put_time(events, replay, time);
    const struct heaptrack_info *info = info_of(events, replay, block);
    if (!info)
        return error_no_memory();
    put_line(events, '+', info->number);
    events->last = info->number;
    return spool_check(&events->spool);
}

/* A block ends with its process. */
static struct error *drop_block(struct events *events, const struct replay *replay,
                                const struct live_block *block, enum replay_end how)
{
    struct change *change = change_of(events, replay, block);
    if (!change)
        return error_no_memory();
    if (how == REPLAY_LEFT && !block->inherited)
        change->left += block->size;
    else
        change->dropped += block->size;
    return NULL;
}

static struct error *put_free(struct events *events, const struct replay *replay,
                              const struct live_block *block, bool temporary)
{
    struct heaptrack_info *info = info_of(events, replay, block);
    if (!info)
        return error_no_memory();
    bool looks_temporary = info->number == events->last;
    if (looks_temporary && !temporary && !info->twin)
        info->twin = define_info(events, info->size, info->trace);
    put_line(events, '-', looks_temporary && !temporary ? info->twin : info->number);
    if (temporary && !looks_temporary)
        put_line(events, '-', HEAPTRACK_TEMPORARY_INFO);
    events->last = 0;
    return spool_check(&events->spool);
}

static struct error *end_block(struct replay_observer *observer, const struct replay *replay,
                               const struct live_block *block, uint64_t time, enum replay_end how)
{
    struct events *events = events_of(observer);
    /* The replay counts a temporary allocation right before it tells of its end. */
    bool temporary = replay->totals.temporary != events->temporary;
    events->temporary = replay->totals.temporary;
    if (how == REPLAY_LEFT || how == REPLAY_EXECED)
        return drop_block(events, replay, block, how);
    put_changes(events, false);
    put_time(events, replay, time);
    return put_free(events, replay, block, temporary);
}

static void destroy(struct replay_observer *observer)
{
    struct events *events = events_of(observer);
    spool_close(&events->spool);
    heaptrack_infos_deinit(&events->infos);
    free(events->outside);
    free(events->changes);
    free(events->changed);
    free(events);
}

struct error *heaptrack_events_observe(struct replay_observer **observer)
{
    struct events *events = calloc(1, sizeof *events);
    if (!events)
        return error_no_memory();
    events->observer = (struct replay_observer){
        .begin = begin_block,
        .end = end_block,
        .destroy = destroy,
    };
    struct error *error = spool_open(&events->spool);
    if (error)
        destroy(&events->observer);
    else
        *observer = &events->observer;
    return error;
}

struct error *heaptrack_events_write(struct replay_observer *observer, const struct replay *replay,
                                     FILE *out)
{
    struct events *events = events_of(observer);
    put_changes(events, true);
    put_back(events);
    uint64_t end = heaptrack_time(replay, replay->totals.last_time);
    put_line(events, 'c', end > events->stamp ? end : events->stamp);
    return spool_copy(&events->spool, out);
}
