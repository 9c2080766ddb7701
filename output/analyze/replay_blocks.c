/* SPDX-License-Identifier: MIT */
/* What the begin and the end of a block add to the sums. */
#include "output/analyze/history.h"
#include "output/analyze/replay_parts.h"
#include "output/analyze/rows.h"

static bool needs(const struct replay *replay, enum replay_need need)
{
    return replay->options.needs & need;
}

static struct error *observe_begin(struct replay *replay, const struct live_block *block,
                                   uint64_t time)
{
    struct error *error = NULL;
    for (struct replay_observer *at = replay->options.observers; at && !error; at = at->next)
        error = at->begin(at, replay, block, time);
    return error;
}

struct error *replay_begin_block(struct replay *replay, const struct live_block *block,
                                 uint64_t time)
{
    struct replay_totals *totals = &replay->totals;
    if (replay->history && !history_touch(replay->history, replay, block->row))
        return error_no_memory();
    if (!block->inherited) {
        struct replay_sums *sums = &replay->rows[block->row].sums;
        bool known = block->slack != LIVE_SLACK_UNKNOWN;
        uint64_t slack = known ? block->slack : 0;
        sums->count++;
        sums->bytes += block->size;
        sums->slack += slack;
        sums->slack_count += known;
        totals->allocations++;
        totals->bytes += block->size;
        totals->slack += slack;
        totals->slack_count += known;
        if (!buckets_add(&replay->sizes, needs(replay, REPLAY_NEEDS_BUCKETS), block->row,
                         buckets_of_size(block->size), block->size))
            return error_no_memory();
    }
    rows_add_live(replay, block);
    if (replay->history)
        history_note_allocated(replay->history, block, totals->live_bytes);
    return observe_begin(replay, block, time);
}

struct error *replay_continue_chain(struct replay *replay, const struct live_block *old,
                                    struct live_block *block)
{
    struct replay_totals *totals = &replay->totals;
    struct replay_sums *sums = &replay->rows[block->row].sums;
    uint64_t kept = old->size < block->size ? old->size : block->size;
    uint64_t copied = old->address != block->address ? kept : 0;
    sums->reallocations++;
    totals->reallocations++;
    if (old->address != block->address) {
        sums->moved++;
        sums->copied += copied;
        totals->moved++;
        totals->copied += copied;
    }
    block->chain = old->chain ? old->chain : chains_begin(&replay->chains, old->size);
    if (!block->chain)
        return error_no_memory();
    struct chain *chain = chains_at(&replay->chains, block->chain);
    chain->length += chain->length < UINT32_MAX;
    chain->copied += copied;
    return NULL;
}

void replay_end_chain(struct replay *replay, const struct live_block *block)
{
    if (!block->chain)
        return;
    const struct chain *chain = chains_at(&replay->chains, block->chain);
    struct replay_sums *sums = &replay->rows[block->row].sums;
    sums->chains++;
    replay->totals.chains++;
    if (chain->length > sums->chain_length) {
        sums->chain_length = chain->length;
        sums->chain_first = chain->first_size;
        sums->chain_last = block->size;
    }
    chains_end(&replay->chains, block->chain);
}

/* In microseconds or, without times, events. */
static uint64_t lifetime_units(const struct replay *replay, uint64_t length)
{
    if (!replay->tick_ns)
        return length;
    unsigned __int128 microseconds = (unsigned __int128)length * replay->tick_ns / 1000;
    return microseconds > UINT64_MAX ? UINT64_MAX : (uint64_t)microseconds;
}

static uint64_t add_up_to_most(uint64_t one, unsigned __int128 other)
{
    unsigned __int128 sum = one + other;
    return sum > UINT64_MAX ? UINT64_MAX : (uint64_t)sum;
}

void replay_note_age(const struct replay *replay, struct replay_sums *sums,
                     const struct live_block *block, uint64_t time)
{
    uint64_t age = time > block->birth ? time - block->birth : 0;
    unsigned __int128 held = (unsigned __int128)block->size * lifetime_units(replay, age);
    sums->leaked_age += age;
    if (sums->leaked_oldest < age)
        sums->leaked_oldest = age;
    sums->leaked_held = add_up_to_most(sums->leaked_held, held);
}

unsigned replay_lifetime_bucket(const struct replay *replay, const struct live_block *block,
                                uint64_t time, enum replay_end how)
{
    uint64_t length = time > block->birth ? time - block->birth : 0;
    bool ended = how != REPLAY_LEFT && how != REPLAY_EXECED;
    return ended ? buckets_of_lifetime(lifetime_units(replay, length)) : BUCKETS_NOT_FREED;
}

static bool note_lifetime(struct replay *replay, const struct live_block *block, uint64_t time,
                          enum replay_end how)
{
    uint64_t length = time > block->birth ? time - block->birth : 0;
    bool ended = how != REPLAY_LEFT && how != REPLAY_EXECED;
    struct replay_sums *sums = &replay->rows[block->row].sums;
    sums->lifetime += length;
    if (!ended) {
        sums->kept++;
        sums->kept_lifetime += length;
    }
    return buckets_add(&replay->lifetimes, needs(replay, REPLAY_NEEDS_BUCKETS), block->row,
                       replay_lifetime_bucket(replay, block, time, how), block->size);
}

struct error *replay_end_block(struct replay *replay, const struct live_block *block, uint64_t time,
                               enum replay_end how)
{
    if (replay->history) {
        if (!history_touch(replay->history, replay, block->row))
            return error_no_memory();
        if ((how == REPLAY_FREED || how == REPLAY_RESIZED) && !replay_is_found(block))
            history_note_freed(replay->history, block->size);
    }
    rows_remove_live(replay, block);
    if (how != REPLAY_RESIZED)
        replay_end_chain(replay, block);
    if (!block->inherited && !note_lifetime(replay, block, time, how))
        return error_no_memory();
    struct error *error = NULL;
    for (struct replay_observer *at = replay->options.observers; at && !error; at = at->next)
        error = at->end(at, replay, block, time, how);
    return error;
}

void replay_add_sums(struct replay_sums *to, const struct replay_sums *from)
{
    to->count += from->count;
    to->bytes += from->bytes;
    to->reallocations += from->reallocations;
    to->moved += from->moved;
    to->copied += from->copied;
    to->failed += from->failed;
    to->failed_bytes += from->failed_bytes;
    to->temporary += from->temporary;
    to->temporary_bytes += from->temporary_bytes;
    to->foreign += from->foreign;
    to->lifetime += from->lifetime;
    to->slack += from->slack;
    to->slack_count += from->slack_count;
    to->live += from->live;
    to->live_bytes += from->live_bytes;
    to->live_slack += from->live_slack;
    to->most += from->most;
    to->most_bytes += from->most_bytes;
    to->peak += from->peak;
    to->peak_bytes += from->peak_bytes;
    to->peak_slack += from->peak_slack;
    to->leaked += from->leaked;
    to->leaked_bytes += from->leaked_bytes;
    to->leaked_age += from->leaked_age;
    if (to->leaked_oldest < from->leaked_oldest)
        to->leaked_oldest = from->leaked_oldest;
    to->leaked_held = add_up_to_most(to->leaked_held, from->leaked_held);
    to->kept += from->kept;
    to->kept_lifetime += from->kept_lifetime;
    to->chains += from->chains;
    if (from->chain_length > to->chain_length) {
        to->chain_length = from->chain_length;
        to->chain_first = from->chain_first;
        to->chain_last = from->chain_last;
    }
}

double replay_seconds(const struct replay *replay, uint64_t time)
{
    return replay->tick_ns ? (double)time * (double)replay->tick_ns / 1e9 : (double)time;
}
