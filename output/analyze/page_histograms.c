/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_histograms.h"

#include <stdlib.h>

#include "output/analyze/history.h"
#include "output/analyze/rows.h"

struct bin {
    struct bucket buckets[PAGE_HISTOGRAMS][BUCKETS_MOST];
};

struct page_histograms {
    struct replay_observer observer; /* the first member */
    struct bin *bins;
    size_t count;
    unsigned shift; /* as the history's was */
};

static const struct bin no_blocks;

static void add(struct bucket *to, const struct bucket *from)
{
    to->count += from->count;
    to->bytes += from->bytes;
}

/* Each two bins become one. */
static void halve(struct page_histograms *self)
{
    for (size_t i = 0; i < self->count; i++) {
        struct bin *to = &self->bins[i / 2];
        if (i % 2 == 0) {
            *to = self->bins[i];
            continue;
        }
        for (size_t which = 0; which < PAGE_HISTOGRAMS; which++) {
            for (size_t k = 0; k < BUCKETS_MOST; k++)
                add(&to->buckets[which][k], &self->bins[i].buckets[which][k]);
        }
    }
    size_t left = (self->count + 1) / 2;
    for (size_t i = left; i < self->count; i++)
        self->bins[i] = no_blocks;
    self->shift++;
}

/* Counts a block in the bin of its birth. */
static bool note(struct page_histograms *self, const struct history *history, uint64_t birth,
                 enum page_histogram which, unsigned bucket, uint64_t size)
{
    while (self->shift < history->shift)
        halve(self);
    size_t bin = history_bin(history, birth);
    if (!replay_grow(&self->bins, &self->count, bin, sizeof *self->bins))
        return false;
    add(&self->bins[bin].buckets[which][bucket], &(struct bucket){.count = 1, .bytes = size});
    return true;
}

static struct error *on_begin(struct replay_observer *observer, const struct replay *replay,
                              const struct live_block *block, uint64_t time)
{
    (void)time;
    struct page_histograms *self = (struct page_histograms *)observer;
    if (block->inherited)
        return NULL;
    bool noted = note(self, replay->history, block->birth, PAGE_SIZES, buckets_of_size(block->size),
                      block->size);
    return noted ? NULL : error_no_memory();
}

static struct error *on_end(struct replay_observer *observer, const struct replay *replay,
                            const struct live_block *block, uint64_t time, enum replay_end how)
{
    struct page_histograms *self = (struct page_histograms *)observer;
    if (block->inherited)
        return NULL;
    bool noted = note(self, replay->history, block->birth, PAGE_LIFETIMES,
                      replay_lifetime_bucket(replay, block, time, how), block->size);
    return noted ? NULL : error_no_memory();
}

static void destroy(struct replay_observer *observer)
{
    struct page_histograms *self = (struct page_histograms *)observer;
    free(self->bins);
    free(self);
}

struct error *page_histograms_observe(struct replay_observer **observer)
{
    struct page_histograms *self = calloc(1, sizeof *self);
    if (!self)
        return error_no_memory();
    self->observer = (struct replay_observer){.begin = on_begin, .end = on_end, .destroy = destroy};
    *observer = &self->observer;
    return NULL;
}

const struct bucket *page_histograms_get(const struct replay_observer *observer,
                                         const struct history *history, enum page_histogram which,
                                         size_t bin)
{
    struct page_histograms *self = (struct page_histograms *)observer;
    while (self->shift < history->shift)
        halve(self);
    const struct bin *found = bin < self->count ? &self->bins[bin] : &no_blocks;
    return found->buckets[which];
}
