/* SPDX-License-Identifier: MIT */
#include "output/analyze/block_spool.h"

#include <stdio.h>
#include <stdlib.h>

#include "output/analyze/spool.h"

struct block_spool {
    struct replay_observer observer; /* the first member */
    struct spool spool;
};

static struct error *on_begin(struct replay_observer *observer, const struct replay *replay,
                              const struct live_block *block, uint64_t time)
{
    (void)observer;
    (void)replay;
    (void)block;
    (void)time;
    return NULL; /* all is known at the end, which each block has */
}

static struct error *on_end(struct replay_observer *observer, const struct replay *replay,
                            const struct live_block *block, uint64_t time, enum replay_end how)
{
    const struct block_spool *spool = (const struct block_spool *)observer;
    const struct spooled_block spooled = {
        .address = block->address,
        .size = block->size,
        .allocated_at = block->birth,
        .ended_at = time,
        .stack = replay->rows[block->row].stack,
        .thread = block->thread,
        .slack = block->slack,
        .how = how,
    };
    if (block->inherited)
        return NULL;
    fwrite(&spooled, sizeof spooled, 1, spool->spool.stream);
    return spool_check(&spool->spool);
}

static void destroy(struct replay_observer *observer)
{
    struct block_spool *spool = (struct block_spool *)observer;
    spool_close(&spool->spool);
    free(spool);
}

struct error *block_spool_create(struct replay_observer **observer)
{
    struct block_spool *spool = calloc(1, sizeof *spool);
    if (!spool)
        return error_no_memory();
    spool->observer =
        (struct replay_observer){.begin = on_begin, .end = on_end, .destroy = destroy};
    struct error *error = spool_open(&spool->spool);
    if (error)
        free(spool);
    else
        *observer = &spool->observer;
    return error;
}

struct error *block_spool_rewind(struct replay_observer *observer)
{
    const struct block_spool *spool = (const struct block_spool *)observer;
    return spool_rewind(&spool->spool);
}

bool block_spool_next(struct replay_observer *observer, struct spooled_block *block,
                      struct error **error)
{
    const struct block_spool *spool = (const struct block_spool *)observer;
    if (fread(block, sizeof *block, 1, spool->spool.stream) == 1)
        return true;
    *error = spool_check(&spool->spool);
    return false;
}

const char *block_spool_end_name(uint32_t how)
{
    static const char *const names[] = {
        [REPLAY_FREED] = "freed", [REPLAY_RESIZED] = "resized", [REPLAY_MISSED] = "missed",
        [REPLAY_LEFT] = "left",   [REPLAY_EXECED] = "exec",
    };
    return names[how];
}
