/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_records.h"

#include <stdlib.h>

int leak_record_compare(const struct leak_record *a, const struct leak_record *b)
{
    if (a->reach != b->reach)
        return a->reach > b->reach ? -1 : 1;
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    if (a->found != b->found)
        return a->found ? -1 : 1;
    return (a->process > b->process) - (a->process < b->process);
}

static int by_place(const void *one, const void *other)
{
    return leak_record_compare(one, other);
}

static int by_weight(const void *one, const void *other)
{
    const struct leak_record *a = one;
    const struct leak_record *b = other;
    if (a->reach != b->reach)
        return a->reach > b->reach ? -1 : 1;
    if (leak_record_bytes(a) != leak_record_bytes(b))
        return leak_record_bytes(a) < leak_record_bytes(b) ? 1 : -1;
    if (a->direct.blocks != b->direct.blocks)
        return a->direct.blocks < b->direct.blocks ? 1 : -1;
    return by_place(one, other);
}

static void add(struct leak_amount *to, const struct leak_amount *amount)
{
    to->bytes += amount->bytes;
    to->blocks += amount->blocks;
}

struct collecting {
    const struct leak_records_query *query;
    uint32_t process;
    struct leak_records *records;
};

static struct leak_record *new_record(struct collecting *collecting, enum log_reach reach,
                                      uint32_t stack, bool found)
{
    struct leak_record *record = &collecting->records->list[collecting->records->count++];
    *record = (struct leak_record){
        .reach = reach,
        .stack = collecting->query->same[stack],
        .process = collecting->query->by_process ? collecting->process : 0,
        .found = found,
    };
    return record;
}

static void add_sum(struct collecting *collecting, const struct leak_sum *sum)
{
    unsigned kinds = collecting->query->kinds;
    const unsigned definite = 1U << LOG_DEFINITELY_LOST;
    if (sum->suppressed)
        return;
    if (kinds & 1U << sum->reach && collecting->query->wanted[sum->stack])
        new_record(collecting, sum->reach, sum->stack, sum->found)->direct = sum->amount;
    if (sum->has_owner && kinds & definite && collecting->query->wanted[sum->owner_stack])
        new_record(collecting, LOG_DEFINITELY_LOST, sum->owner_stack, sum->owner_found)->indirect =
            sum->amount;
}

static void merge(struct leak_records *records)
{
    size_t merged = 0;
    qsort(records->list, records->count, sizeof *records->list, by_place);
    for (size_t i = 0; i < records->count; i++) {
        struct leak_record *last = &records->list[merged];
        if (merged && by_place(last - 1, &records->list[i]) == 0) {
            add(&last[-1].direct, &records->list[i].direct);
            add(&last[-1].indirect, &records->list[i].indirect);
        } else {
            records->list[merged++] = records->list[i];
        }
    }
    records->count = merged;
}

static void drop_small(const struct options *options, struct leak_records *records)
{
    size_t kept = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct leak_record *record = &records->list[i];
        if (record->direct.blocks + record->indirect.blocks >= options->min_count &&
            leak_record_bytes(record) >= options->threshold_bytes)
            records->list[kept++] = *record;
    }
    records->count = kept;
}

struct error *leak_records_collect(const struct report *report,
                                   const struct leak_records_query *query,
                                   struct leak_records *records)
{
    const struct leak_checks *checks = &report->replay->leaks;
    size_t first = query->check ? query->check : 1;
    size_t end = query->check ? first + 1 : checks->count;
    size_t most = 1;
    for (size_t i = first; i < end; i++)
        most += query->check || checks->list[i].shown ? checks->list[i].sum_count * 2 : 0;
    *records = (struct leak_records){.list = malloc(most * sizeof *records->list)};
    if (!records->list)
        return error_no_memory();
    struct collecting collecting = {.query = query, .records = records};
    for (size_t i = first; i < end; i++) {
        const struct leak_check *check = &checks->list[i];
        collecting.process = check->process;
        for (size_t j = 0; j < check->sum_count && (query->check || check->shown); j++)
            add_sum(&collecting, &check->sums[j]);
    }
    merge(records);
    drop_small(report->options, records);
    qsort(records->list, records->count, sizeof *records->list, by_weight);
    return NULL;
}

void leak_records_deinit(struct leak_records *records)
{
    free(records->list);
    *records = (struct leak_records){0};
}
