/* SPDX-License-Identifier: MIT */
#include "output/analyze/rows.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"

struct row_index {
    struct {
        uint32_t stack, group;
    } key;
    uint32_t row;
    UT_hash_handle hh;
};

bool replay_grow(void *array, size_t *count, size_t index, size_t size)
{
    void **elements = array;
    if (index < *count)
        return true;
    size_t wanted = (index + 1) * 2;
    char *grown = realloc(*elements, wanted * size);
    if (!grown)
        return false;
    memset(grown + *count * size, 0, (wanted - *count) * size);
    *elements = grown;
    *count = wanted;
    return true;
}

static uint32_t new_row(struct replay *replay, uint32_t stack, uint32_t group)
{
    size_t id = replay->row_count;
    if (id > UINT32_MAX)
        return 0;
    if ((id & (id - 1)) == 0) {
        struct replay_row *rows = realloc(replay->rows, id * 2 * sizeof *rows);
        if (!rows)
            return 0;
        replay->rows = rows;
    }
    struct replay_row *row = &replay->rows[id];
    *row = (struct replay_row){.stack = stack, .epoch = replay->epoch};
    if (replay->options.split == REPLAY_BY_THREAD) {
        row->thread = group;
        row->process = replay->catalog.threads[group].process;
    } else {
        row->process = group;
    }
    replay->row_count++;
    return (uint32_t)id;
}

static uint32_t group_of(const struct replay *replay, const struct replay_row *row)
{
    return replay->options.split == REPLAY_BY_THREAD ? row->thread : row->process;
}

uint32_t rows_group(const struct replay *replay, uint32_t thread)
{
    switch (replay->options.split) {
    case REPLAY_BY_THREAD:
        return thread;
    case REPLAY_BY_PROCESS:
        return replay->catalog.threads[thread].process;
    default:
        return 0;
    }
}

static uint32_t row_in_index(struct replay *replay, uint32_t stack, uint32_t group)
{
    struct row_index wanted = {.key = {.stack = stack, .group = group}};
    struct row_index *index;
    HASH_FIND(hh, replay->row_index, &wanted.key, sizeof wanted.key, index);
    if (index)
        return index->row;
    index = malloc(sizeof *index);
    if (!index)
        return 0;
    *index = wanted;
    HASH_ADD(hh, replay->row_index, key, sizeof index->key, index);
    if (!index->hh.tbl) {
        free(index);
        return 0;
    }
    index->row = new_row(replay, stack, group);
    return index->row;
}

uint32_t rows_find(struct replay *replay, uint32_t stack, uint32_t group)
{
    if (!replay_grow(&replay->row_of_stack, &replay->row_of_stack_count, stack, sizeof(uint32_t)))
        return 0;
    uint32_t *last = &replay->row_of_stack[stack];
    if (*last && group_of(replay, &replay->rows[*last]) == group)
        return *last;
    *last = replay->options.split == REPLAY_BY_STACK ? new_row(replay, stack, group)
                                                     : row_in_index(replay, stack, group);
    return *last;
}

uint32_t rows_find_found(struct replay *replay, uint32_t process)
{
    bool is_split = replay->options.split != REPLAY_BY_STACK;
    uint32_t group = is_split ? process : 0;
    if (!replay_grow(&replay->found_rows, &replay->found_row_count, group, sizeof(uint32_t)))
        return 0;
    uint32_t *row = &replay->found_rows[group];
    if (!*row) {
        *row = new_row(replay, 0, 0);
        replay->rows[*row].process = group;
    }
    return *row;
}

struct replay_sums *rows_touch(struct replay *replay, uint32_t row_id)
{
    struct replay_row *row = &replay->rows[row_id];
    if (row->epoch != replay->epoch) {
        row->sums.peak = row->sums.live;
        row->sums.peak_bytes = row->sums.live_bytes;
        row->sums.peak_slack = row->sums.live_slack;
        row->epoch = replay->epoch;
    }
    return &row->sums;
}

static uint64_t slack_of(const struct live_block *block)
{
    return block->slack == LIVE_SLACK_UNKNOWN ? 0 : block->slack;
}

void rows_add_live(struct replay *replay, const struct live_block *block)
{
    struct replay_totals *totals = &replay->totals;
    struct replay_sums *sums = rows_touch(replay, block->row);
    sums->live++;
    sums->live_bytes += block->size;
    sums->live_slack += slack_of(block);
    if (sums->live_bytes > sums->most_bytes) {
        sums->most_bytes = sums->live_bytes;
        sums->most = sums->live;
    }
    totals->live++;
    totals->live_bytes += block->size;
    totals->live_slack += slack_of(block);
}

void rows_note_peak(struct replay *replay, uint64_t time)
{
    struct replay_totals *totals = &replay->totals;
    if (totals->live_bytes > totals->peak_bytes) {
        totals->peak_bytes = totals->live_bytes;
        totals->peak_blocks = totals->live;
        totals->peak_slack = totals->live_slack;
        totals->peak_time = time;
        replay->epoch++;
    }
}

void rows_remove_live(struct replay *replay, const struct live_block *block)
{
    struct replay_sums *sums = rows_touch(replay, block->row);
    sums->live--;
    sums->live_bytes -= block->size;
    sums->live_slack -= slack_of(block);
    replay->totals.live--;
    replay->totals.live_bytes -= block->size;
    replay->totals.live_slack -= slack_of(block);
}

void rows_deinit(struct replay *replay)
{
    struct row_index *index;
    while ((index = replay->row_index)) {
        HASH_DEL(replay->row_index, index);
        free(index);
    }
    free(replay->row_of_stack);
    free(replay->found_rows);
    free(replay->rows);
}
