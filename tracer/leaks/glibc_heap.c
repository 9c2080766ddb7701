/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/glibc_heap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracer/leaks/glibc_internal.h"

/* Places at which a walk that went wrong is taken up again, at most, in all of a process's heaps.
 */
#define RESUME_TRIES 1000000U

#define WORD sizeof(uint64_t)
#define BLOCK_OFFSET 16U

void glibc_problem(struct glibc_heaps *heaps, const char *format, ...)
{
    if (*heaps->problem)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heaps->problem, sizeof heaps->problem, format, arguments);
    va_end(arguments);
}

struct visiting {
    struct glibc_kept kept;
    size_t next_kept; /* the first that was not passed */
    bool (*visit)(uint64_t block, uint64_t usable, void *data);
    void *data;
};

static bool visit_chunk(uint64_t chunk, uint64_t size, void *data)
{
    struct visiting *visiting = data;
    const struct glibc_kept *kept = &visiting->kept;
    while (visiting->next_kept < kept->count && kept->chunks[visiting->next_kept] < chunk)
        visiting->next_kept++;
    if (visiting->next_kept < kept->count && kept->chunks[visiting->next_kept] == chunk)
        return true;
    /* The first word of the next chunk is the block's as long as it lives. */
    return visiting->visit(chunk + BLOCK_OFFSET, size - WORD, visiting->data);
}

/* Adds to areas what turns out to be the segment. False when visit has said to stop. */
static bool walk_segment(struct glibc_heaps *heaps, const struct glibc_segment *segment,
                         struct glibc_reader *reader, struct visiting *visiting, unsigned *tries,
                         struct areas *areas)
{
    struct glibc_walk walk = {
        .reader = reader,
        .at = segment->first,
        .limit = segment->end,
        .top = segment->top,
        .main = segment->main,
        .visit = visiting->visit ? visit_chunk : NULL,
        .data = visiting,
    };
    uint64_t start = segment->start;
    for (;;) {
        enum glibc_end end = glibc_walk(&walk);
        if (end == GLIBC_END_STOPPED)
            return false;
        if (end == GLIBC_END_TOP || (end == GLIBC_END_FENCE && !segment->top))
            break;
        uint64_t from = walk.at;
        bool resumed = glibc_walk_resume(&walk, tries);
        if (end == GLIBC_END_BAD || !resumed)
            glibc_problem(heaps,
                          "the heap is corrupt, or was stopped in a change: at 0x%llx there is no "
                          "chunk where one should be",
                          (unsigned long long)from);
        if (!resumed)
            break;
        /* Memory of others in between. */
        if (end == GLIBC_END_FENCE) {
            areas_add(areas, start, from);
            start = walk.at;
        }
    }
    areas_add(areas, start, segment->end);
    return true;
}

static struct error *walk_all(const struct glibc_process *process, struct glibc_heaps *heaps,
                              struct glibc_reader *reader, struct visiting *visiting)
{
    struct error *error = glibc_find_kept(process, heaps, reader, &visiting->kept);
    if (error)
        return error;
    struct areas areas = {0};
    unsigned tries = RESUME_TRIES;
    for (size_t i = 0; i < heaps->segment_count; i++) {
        if (!walk_segment(heaps, &heaps->segments[i], reader, visiting, &tries, &areas)) {
            areas_deinit(&areas);
            return NULL;
        }
    }
    areas_deinit(&heaps->areas);
    heaps->areas = areas;
    if (heaps->arena_count)
        glibc_walk_mapped(process, heaps, reader, &visiting->kept, visiting->visit, visiting->data);
    return heaps->areas.failed || heaps->mapped.failed ? error_no_memory() : NULL;
}

struct error *glibc_heaps_walk(const struct glibc_process *process, struct glibc_heaps *heaps,
                               bool (*visit)(uint64_t block, uint64_t usable, void *data),
                               void *data)
{
    struct visiting visiting = {.visit = visit, .data = data};
    struct glibc_reader *reader = glibc_reader_create(&process->memory);
    if (!reader)
        return error_no_memory();
    struct error *error = walk_all(process, heaps, reader, &visiting);
    free(visiting.kept.chunks);
    glibc_reader_destroy(reader);
    return error;
}
