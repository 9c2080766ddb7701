/* SPDX-License-Identifier: MIT */
#include "output/analyze/block_spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct block_spool {
    struct replay_observer observer; /* the first member */
    FILE *file;
};

static struct error *failure(void)
{
    return error_errno(errno, "cannot keep the blocks in a temporary file");
}

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
    return fwrite(&spooled, sizeof spooled, 1, spool->file) == 1 ? NULL : failure();
}

static void destroy(struct replay_observer *observer)
{
    struct block_spool *spool = (struct block_spool *)observer;
    fclose(spool->file);
    free(spool);
}

struct error *block_spool_create(struct replay_observer **observer)
{
    struct block_spool *spool = calloc(1, sizeof *spool);
    if (!spool)
        return error_no_memory();
    spool->observer =
        (struct replay_observer){.begin = on_begin, .end = on_end, .destroy = destroy};
    spool->file = tmpfile();
    if (!spool->file) {
        free(spool);
        return failure();
    }
    *observer = &spool->observer;
    return NULL;
}

struct error *block_spool_rewind(struct replay_observer *observer)
{
    const struct block_spool *spool = (const struct block_spool *)observer;
    /* What is still in the buffer is written first. */
    return fseek(spool->file, 0, SEEK_SET) < 0 ? failure() : NULL;
}

bool block_spool_next(struct replay_observer *observer, struct spooled_block *block,
                      struct error **error)
{
    const struct block_spool *spool = (const struct block_spool *)observer;
    if (fread(block, sizeof *block, 1, spool->file) == 1)
        return true;
    if (ferror(spool->file))
        *error = failure();
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
