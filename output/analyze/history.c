/* SPDX-License-Identifier: MIT */
#include "output/analyze/history.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/replay.h"
#include "output/analyze/rows.h"

/* Bins kept before they are made longer; those that somebody has chosen the length of may be many,
 * 9 MiB. */
#define MOST_BINS 2048
#define MOST_CHOSEN_BINS (1 << 17)

/* Points kept before bins are made longer, 32 MiB. With fewer than LEAST_BINS bins they may be
 * more, for a bin has at most one for each row. */
#define MOST_POINTS ((size_t)1 << 20)
#define LEAST_BINS 128

/* A row within the current bin. */
struct history_row {
    bool touched;
    uint32_t last_point;   /* where its last point is; another row's may have taken its place */
    uint64_t count, bytes; /* its sums as the bin began */
};

struct history *history_create(const struct history_options *options)
{
    struct history *history = calloc(1, sizeof *history);
    if (!history)
        return NULL;
    history->options = *options;
    history->most_bins = options->unit ? MOST_CHOSEN_BINS : MOST_BINS;
    history->most_points = MOST_POINTS;
    if (!options->unit)
        history->options.unit = 1;
    return history;
}

void history_destroy(struct history *history)
{
    if (!history)
        return;
    free(history->bins);
    free(history->points);
    free(history->rows);
    free(history->touched);
    free(history);
}

static uint32_t limit32(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* Makes an array of *capacity elements hold one more than count. */
static bool reserve(void *array, size_t *capacity, size_t count, size_t size)
{
    void **elements = array;
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*elements, wanted * size);
    if (!grown)
        return false;
    *elements = grown;
    *capacity = wanted;
    return true;
}

static struct history_bin *current(struct history *history)
{
    return &history->bins[history->bin_count - 1];
}

static bool add_bin(struct history *history)
{
    if (!reserve(&history->bins, &history->bin_capacity, history->bin_count, sizeof *history->bins))
        return false;
    struct history_bin bin = {.point = history->point_count};
    if (history->bin_count) {
        bin.live_bytes = current(history)->live_bytes;
        bin.live = current(history)->live;
        bin.live_slack = current(history)->live_slack;
        bin.peak_bytes = bin.live_bytes;
    }
    history->bins[history->bin_count++] = bin;
    return true;
}

void history_merge(struct history_bin *to, const struct history_bin *from)
{
    to->live_bytes = from->live_bytes;
    to->live = from->live;
    to->live_slack = from->live_slack;
    if (from->peak_bytes > to->peak_bytes)
        to->peak_bytes = from->peak_bytes;
    to->allocated += from->allocated;
    to->allocated_bytes += from->allocated_bytes;
    to->freed += from->freed;
    to->freed_bytes += from->freed_bytes;
}

static void merge_point(struct history_point *to, const struct history_point *from)
{
    to->allocated = limit32((uint64_t)to->allocated + from->allocated);
    to->allocated_bytes += from->allocated_bytes;
    to->live_bytes = from->live_bytes;
    to->live = from->live;
}

/* Puts a row's point behind those of its bin, which begin at first and end at *end, or into the one
 * that it has there. */
static void put_point(struct history *history, size_t first, size_t *end,
                      const struct history_point *point)
{
    uint32_t *last = &history->rows[point->row].last_point;
    if (*last >= first && *last < *end && history->points[*last].row == point->row) {
        merge_point(&history->points[*last], point);
    } else {
        *last = (uint32_t)*end;
        history->points[(*end)++] = *point;
    }
}

/* Writes the points of the bin that ends. */
static bool close_bin(struct history *history, const struct replay *replay)
{
    for (size_t i = 0; i < history->touched_count; i++) {
        uint32_t id = history->touched[i];
        struct history_row *row = &history->rows[id];
        const struct replay_sums *sums = &replay->rows[id].sums;
        row->touched = false;
        const struct history_point point = {
            .row = id,
            .allocated = limit32(sums->count - row->count),
            .allocated_bytes = sums->bytes - row->bytes,
            .live_bytes = sums->live_bytes,
            .live = limit32(sums->live),
        };
        if (!reserve(&history->points, &history->point_capacity, history->point_count + 1,
                     sizeof *history->points))
            return false;
        put_point(history, current(history)->point, &history->point_count, &point);
    }
    history->touched_count = 0;
    struct history_bin *bin = current(history);
    bin->live_bytes = replay->totals.live_bytes;
    bin->live = replay->totals.live;
    bin->live_slack = replay->totals.live_slack;
    return true;
}

/* Each two bins, all closed, become one; a row's points in both become one. */
static void halve(struct history *history)
{
    size_t used = 0;
    size_t point = 0;
    for (size_t i = 0; i < history->bin_count; i++) {
        size_t end = i + 1 < history->bin_count ? history->bins[i + 1].point : history->point_count;
        size_t begin = history->bins[i].point;
        if (i % 2 == 0) {
            history->bins[used] = history->bins[i];
            history->bins[used++].point = point;
        } else {
            history_merge(&history->bins[used - 1], &history->bins[i]);
        }
        size_t first = history->bins[used - 1].point;
        for (size_t p = begin; p < end; p++) {
            const struct history_point from = history->points[p];
            put_point(history, first, &point, &from);
        }
    }
    history->bin_count = used;
    history->point_count = point;
    history->shift++;
}

static bool is_full(const struct history *history, uint64_t bin)
{
    return bin >= history->most_bins ||
           (history->point_count > history->most_points && history->bin_count > LEAST_BINS);
}

static uint64_t bin_of(const struct history *history, uint64_t time)
{
    uint64_t start = history->options.start;
    return time > start ? (time - start) / history->options.unit >> history->shift : 0;
}

/* The first tick of a bin, or the highest there is. */
static uint64_t first_tick(const struct history *history, uint64_t bin)
{
    unsigned __int128 tick = (unsigned __int128)bin * history->options.unit;
    tick = (tick << history->shift) + history->options.start;
    return tick < UINT64_MAX ? (uint64_t)tick : UINT64_MAX;
}

bool history_extend(struct history *history, const struct replay *replay, uint64_t time)
{
    if (!history->options.starts) {
        history->options.starts = true;
        history->options.start = time;
    }
    if (!history->bin_count && !add_bin(history))
        return false;
    if (bin_of(history, time) >= history->bin_count && !close_bin(history, replay))
        return false;
    while (is_full(history, bin_of(history, time)))
        halve(history);
    /* Bins may have become so long that the last one is the event's; it is open again then. */
    while (history->bin_count <= bin_of(history, time)) {
        if (!add_bin(history))
            return false;
    }
    history->open_till = first_tick(history, history->bin_count);
    return true;
}

bool history_touch(struct history *history, const struct replay *replay, uint32_t id)
{
    if (!history->options.rows)
        return true;
    if (!replay_grow(&history->rows, &history->row_count, id, sizeof *history->rows))
        return false;
    struct history_row *row = &history->rows[id];
    if (row->touched)
        return true;
    if (!reserve(&history->touched, &history->touched_capacity, history->touched_count,
                 sizeof *history->touched))
        return false;
    history->touched[history->touched_count++] = id;
    row->touched = true;
    row->count = replay->rows[id].sums.count;
    row->bytes = replay->rows[id].sums.bytes;
    return true;
}

void history_note_allocated(struct history *history, const struct live_block *block,
                            uint64_t live_bytes)
{
    struct history_bin *bin = current(history);
    if (!block->inherited) {
        bin->allocated++;
        bin->allocated_bytes += block->size;
    }
    if (live_bytes > bin->peak_bytes)
        bin->peak_bytes = live_bytes;
}

void history_note_freed(struct history *history, uint64_t size)
{
    current(history)->freed++;
    current(history)->freed_bytes += size;
}

bool history_finish(struct history *history, const struct replay *replay)
{
    if (history->settled || !history->bin_count)
        return true;
    history->settled = true;
    return close_bin(history, replay);
}

size_t history_bin(const struct history *history, uint64_t time)
{
    return bin_of(history, time);
}

uint64_t history_time(const struct history *history, size_t index)
{
    uint64_t time = first_tick(history, index);
    uint64_t start = history->options.start;
    uint64_t end = history->last < UINT64_MAX ? history->last + 1 : UINT64_MAX;
    if (index >= history->bin_count && time > end)
        time = end > start ? end : start;
    return history->options.events ? time - 1 : time;
}

const struct history_point *history_points(const struct history *history, size_t index,
                                           size_t *count)
{
    size_t first = history->bins[index].point;
    size_t end =
        index + 1 < history->bin_count ? history->bins[index + 1].point : history->point_count;
    *count = end - first;
    return history->points + first;
}
