/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/glibc_chunks.h"

#define FENCE 16U

/* So many chunks in a row are no accident. */
#define CHAIN 8

/* A chunk whose use the next one tells. */
struct pending {
    uint64_t chunk, size; /* 0: none */
    bool visited;         /* it is one that was given to the program, if it is in use */
};

static bool flags_fit(const struct glibc_walk *walk, uint64_t head)
{
    return !(head & GLIBC_MAPPED) && !(walk->main && head & GLIBC_OTHER_ARENA);
}

/* Two heads that are no chunks; the second may be zero. */
static bool is_fence(const struct glibc_walk *walk, uint64_t head, uint64_t *end)
{
    uint64_t pair[2];
    uint64_t size = head & ~GLIBC_FLAGS;
    if (size == 0 && head == GLIBC_PREVIOUS_IN_USE && !walk->main) {
        *end = walk->at + FENCE;
        return true;
    }
    *end = walk->at + 2 * FENCE;
    return size == FENCE && *end <= walk->limit &&
           glibc_read_pair(walk->reader, walk->at + FENCE, pair) &&
           (pair[1] & ~(uint64_t)FENCE) == GLIBC_PREVIOUS_IN_USE;
}

static bool end_pending(const struct glibc_walk *walk, const struct pending *pending, bool in_use)
{
    return !pending->size || !in_use || !pending->visited || !walk->visit ||
           walk->visit(pending->chunk, pending->size, walk->data);
}

static enum glibc_end step(struct glibc_walk *walk, struct pending *pending, bool *ended)
{
    uint64_t pair[2];
    uint64_t end;
    *ended = true;
    if (walk->at >= walk->limit || walk->limit - walk->at < FENCE ||
        !glibc_read_pair(walk->reader, walk->at, pair))
        return GLIBC_END_BAD;
    uint64_t head = pair[1];
    uint64_t size = head & ~GLIBC_FLAGS;
    bool before_in_use = head & GLIBC_PREVIOUS_IN_USE;
    if (walk->at == walk->top) {
        /* Never after a free one. Its head may be about to be written. */
        walk->at = walk->limit;
        return end_pending(walk, pending, true) ? GLIBC_END_TOP : GLIBC_END_STOPPED;
    }
    if (!flags_fit(walk, head) || size % GLIBC_ALIGNMENT)
        return GLIBC_END_BAD;
    if (!before_in_use && (pending->size ? pair[0] != pending->size : !walk->anywhere))
        return GLIBC_END_BAD;
    if (size < GLIBC_LEAST_CHUNK) {
        if (!is_fence(walk, head, &end))
            return GLIBC_END_BAD;
        walk->at = end;
        return end_pending(walk, pending, before_in_use) ? GLIBC_END_FENCE : GLIBC_END_STOPPED;
    }
    /* A head follows. */
    if (size > walk->limit - walk->at - FENCE)
        return GLIBC_END_BAD;
    if (!end_pending(walk, pending, before_in_use))
        return GLIBC_END_STOPPED;
    *pending = (struct pending){walk->at, size, walk->main || head & GLIBC_OTHER_ARENA};
    walk->at += size;
    walk->anywhere = false;
    *ended = false;
    return GLIBC_END_STOPPED;
}

enum glibc_end glibc_walk(struct glibc_walk *walk)
{
    struct pending pending = {0};
    for (uint64_t passed = 0; !walk->most || passed < walk->most; passed++) {
        bool ended;
        enum glibc_end end = step(walk, &pending, &ended);
        if (!ended)
            continue;
        /* Something has been written over the next head, or over this one's. */
        if (end == GLIBC_END_BAD && !end_pending(walk, &pending, true))
            end = GLIBC_END_STOPPED;
        return end;
    }
    return GLIBC_END_STOPPED;
}

bool glibc_walk_resume(struct glibc_walk *walk, unsigned *tries)
{
    for (uint64_t at = walk->at; at < walk->limit && *tries; at += GLIBC_ALIGNMENT) {
        uint64_t pair[2];
        if (at != walk->top) {
            if (!glibc_read_pair(walk->reader, at, pair))
                return false;
            uint64_t size = pair[1] & ~GLIBC_FLAGS;
            if (size < GLIBC_LEAST_CHUNK || size % GLIBC_ALIGNMENT || size > walk->limit - at ||
                !flags_fit(walk, pair[1]))
                continue;
        }
        struct glibc_walk probe = *walk;
        probe.at = at;
        probe.anywhere = true;
        probe.most = CHAIN;
        probe.visit = NULL;
        --*tries;
        if (glibc_walk(&probe) != GLIBC_END_BAD) {
            walk->at = at;
            walk->anywhere = true;
            return true;
        }
    }
    return false;
}
