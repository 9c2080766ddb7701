/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_samples.h"

#include <stdlib.h>

/* The block that stands for a record's. */
struct sample {
    uint32_t check; /* 0: there is none */
    uint32_t block; /* place in the check's */
};

struct leak_samples {
    const struct leak_checks *checks;
    const struct leak_records_query *query;
    const struct leak_records *records;
    size_t count;
    uint32_t first, end;                 /* the checks that are looked at */
    struct sample *samples;              /* by record */
    struct leak_way **ways;              /* by check from the first one, if it has samples */
    const struct leak_record **by_place; /* for bsearch(3) */
};

static int by_place(const void *one, const void *other)
{
    return leak_record_compare(*(const struct leak_record *const *)one,
                               *(const struct leak_record *const *)other);
}

/* The record among the first ones that a block is counted in, or NULL. */
static const struct leak_record *record_of(const struct leak_samples *self,
                                           const struct leak_check *check,
                                           const struct leak_block *block)
{
    const struct leak_record like = {
        .reach = block->reach,
        .stack = self->query->same[block->stack],
        .process = self->query->by_process ? check->process : 0,
        .found = block->found,
    };
    const struct leak_record *key = &like;
    const struct leak_record **found =
        bsearch(&key, self->by_place, self->count, sizeof *self->by_place, by_place);
    return found ? *found : NULL;
}

/* Of each record the largest block is shown, and the first one of these. */
static void choose_samples(struct leak_samples *self)
{
    const struct leak_checks *checks = self->checks;
    for (uint32_t i = self->first; i < self->end; i++) {
        const struct leak_check *check = &checks->list[i];
        size_t count = check->shown && check->paths ? check->paths->blocks.count : 0;
        for (uint32_t j = 0; j < count; j++) {
            const struct leak_block *list = check->paths->blocks.list;
            const struct leak_record *record = NULL;
            if (list[j].reach != LOG_DEFINITELY_LOST)
                record = record_of(self, check, &list[j]);
            if (!record)
                continue;
            struct sample *sample = &self->samples[record - self->records->list];
            if (!sample->check ||
                checks->list[sample->check].paths->blocks.list[sample->block].size < list[j].size)
                *sample = (struct sample){.check = i, .block = j};
        }
    }
}

static struct error *find_ways(struct leak_samples *self)
{
    const struct leak_checks *checks = self->checks;
    for (size_t i = 0; i < self->count; i++) {
        uint32_t id = self->samples[i].check;
        struct leak_way **ways = &self->ways[id ? id - self->first : 0];
        if (!id || *ways)
            continue;
        *ways = leak_ways_find(&checks->list[id].paths->blocks);
        if (!*ways)
            return error_no_memory();
    }
    return NULL;
}

struct error *leak_samples_create(const struct report *report,
                                  const struct leak_records_query *query,
                                  const struct leak_records *records, size_t count,
                                  struct leak_samples **result)
{
    const struct leak_checks *checks = &report->replay->leaks;
    struct leak_samples *self = calloc(1, sizeof *self);
    if (!self)
        return error_no_memory();
    uint32_t first = query->check ? query->check : 1;
    uint32_t end = query->check ? query->check + 1 : (uint32_t)checks->count;
    *self = (struct leak_samples){
        .checks = checks,
        .query = query,
        .records = records,
        .count = count,
        .first = first,
        .end = end,
        .samples = calloc(count + 1, sizeof *self->samples),
        .by_place = malloc((count + 1) * sizeof *self->by_place),
        .ways = calloc((size_t)end + 2 - first, sizeof *self->ways),
    };
    struct error *error = error_no_memory();
    if (self->samples && self->by_place && self->ways) {
        for (size_t i = 0; i < count; i++)
            self->by_place[i] = &records->list[i];
        qsort(self->by_place, count, sizeof *self->by_place, by_place);
        choose_samples(self);
        error_free(error);
        error = find_ways(self);
    }
    if (error)
        leak_samples_destroy(self);
    else
        *result = self;
    return error;
}

void leak_samples_destroy(struct leak_samples *self)
{
    if (!self)
        return;
    for (uint32_t i = self->first; self->ways && i < self->end; i++)
        free(self->ways[i - self->first]);
    free(self->ways);
    free(self->samples);
    free(self->by_place);
    free(self);
}

bool leak_samples_get(const struct leak_samples *self, size_t record, struct leak_sample *result)
{
    const struct sample *sample = &self->samples[record];
    if (!sample->check)
        return false;
    const struct leak_paths *paths = self->checks->list[sample->check].paths;
    const struct leak_way *ways = self->ways[sample->check - self->first];
    *result = (struct leak_sample){
        .blocks = &paths->blocks,
        .path = leak_path_to(paths, ways, sample->block),
        .middle = ways[sample->block].middle,
    };
    return result->path.count && (result->path.root || result->path.count > 1);
}
