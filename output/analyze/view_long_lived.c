/* SPDX-License-Identifier: MIT */
#include "output/analyze/format.h"
#include "output/analyze/site_table.h"
#include "output/analyze/views.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static uint64_t held(const struct site *site)
{
    return site->sums.leaked_held;
}

static uint64_t alive_blocks(const struct site *site)
{
    return site->sums.leaked;
}

static uint64_t freed_blocks(const struct site *site)
{
    const struct replay_sums *sums = &site->sums;
    return sums->count > sums->kept ? sums->count - sums->kept : 0;
}

static const char *oldest(const struct report *report, const struct site *site, uint64_t total,
                          char *out, size_t size)
{
    (void)total;
    return format_time(report->replay, site->sums.leaked_oldest, out, size);
}

static const char *mean_age(const struct report *report, const struct site *site, uint64_t total,
                            char *out, size_t size)
{
    (void)total;
    uint64_t count = site->sums.leaked;
    return format_time(report->replay, count ? site->sums.leaked_age / count : 0, out, size);
}

/* What a block lives for that is freed: one that is far older has been forgotten. */
static const char *mean_life(const struct report *report, const struct site *site, uint64_t total,
                             char *out, size_t size)
{
    (void)total;
    const struct replay_sums *sums = &site->sums;
    uint64_t count = freed_blocks(site);
    if (!count) {
        snprintf(out, size, "-");
        return out;
    }
    return format_time(report->replay, (sums->lifetime - sums->kept_lifetime) / count, out, size);
}

static uint64_t weigh_held(const struct replay_sums *sums)
{
    return sums->leaked_held;
}

static uint64_t oldest_of_all(const struct replay *replay)
{
    uint64_t most = 0;
    for (size_t i = 1; i < replay->row_count; i++) {
        if (most < replay->rows[i].sums.leaked_oldest)
            most = replay->rows[i].sums.leaked_oldest;
    }
    return most;
}

static uint64_t held_by_all(const struct replay *replay)
{
    struct replay_sums sums = {0};
    for (size_t i = 1; i < replay->row_count; i++)
        replay_add_sums(&sums, &replay->rows[i].sums);
    return sums.leaked_held;
}

struct error *view_long_lived(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = held},
        {.title = "not freed", .unit = SITE_BYTES, .value = site_leaked_bytes},
        {.title = "blocks", .unit = SITE_COUNT, .value = alive_blocks},
        {.title = "oldest", .unit = SITE_TEXT, .text = oldest, .width = 10},
        {.title = "mean age", .unit = SITE_TEXT, .text = mean_age, .width = 10},
        {.title = "freed", .unit = SITE_COUNT, .value = freed_blocks},
        {.title = "mean life", .unit = SITE_TEXT, .text = mean_life, .width = 10},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], blocks[32], time[48];
    fprintf(out, "Long-lived: %s in %s blocks not freed",
            format_bytes_both(totals->leaked_bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(totals->leaked, blocks, sizeof blocks));
    if (totals->leaked)
        fprintf(out, ", the oldest of them %s old",
                format_time(report->replay, oldest_of_all(report->replay), time, sizeof time));
    fputc('\n', out);
    struct sites sites;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (error)
        return error;
    fputc('\n', out);
    site_table_print(report, out, &sites,
                     &(struct site_table){.columns = columns,
                                          .column_count = COUNT_OF(columns),
                                          .total = held_by_all(report->replay),
                                          .weigh = weigh_held,
                                          .lacks = "blocks that were not freed"});
    sites_deinit(&sites);
    return NULL;
}
