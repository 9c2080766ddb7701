/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output/analyze/format.h"
#include "output/analyze/site_table.h"
#include "output/analyze/views.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static uint64_t foreign_of(const struct site *site)
{
    return site->sums.foreign;
}

static const char *lifetime_of(const struct report *report, const struct site *site, uint64_t total,
                               char *out, size_t size)
{
    (void)total;
    uint64_t count = site->sums.count;
    return format_time(report->replay, count ? site->sums.lifetime / count : 0, out, size);
}

static uint64_t weigh_foreign(const struct replay_sums *sums)
{
    return sums->foreign;
}

struct error *view_threads(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = site_bytes},
        {.title = "allocated", .unit = SITE_BYTES, .value = site_bytes},
        {.title = "at peak", .unit = SITE_BYTES, .value = site_peak_bytes},
        {.title = "not freed", .unit = SITE_BYTES, .value = site_leaked_bytes},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
        {.title = "temporary", .unit = SITE_COUNT, .value = site_temporary},
        {.title = "others freed", .unit = SITE_COUNT, .value = foreign_of},
        {.title = "mean life", .unit = SITE_TEXT, .text = lifetime_of, .width = 12},
    };
    struct options options = *report->options;
    struct report by_thread = *report;
    struct sites sites;
    options.group = GROUP_THREAD;
    by_thread.options = &options;
    struct error *error = sites_collect(report->replay, &options, &sites);
    if (error)
        return error;
    fprintf(out, "Threads that allocated: %zu\n\n",
            sites.count > report->replay->found_threads
                ? sites.count - report->replay->found_threads
                : 0);
    enum metric metric = sites_metric(&options);
    site_table_print(&by_thread, out, &sites,
                     &(struct site_table){.columns = columns,
                                          .column_count = COUNT_OF(columns),
                                          .total = report->replay->totals.bytes,
                                          .weigh = sites_metric_weight(metric),
                                          .zeros = true,
                                          .lacks = "allocations"});
    sites_deinit(&sites);
    return NULL;
}

static struct error *print_pairs(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    size_t count;
    struct thread_pair *pairs = thread_pairs_list(&replay->foreign, &count);
    if (!pairs)
        return error_no_memory();
    fprintf(out, "\n%12s %*s  allocated by -> freed by\n", "blocks",
            report->options->verbose ? 20 : 11, "bytes");
    for (size_t i = 0; i < count && i < report->options->limit; i++) {
        char number[32], bytes[64];
        fprintf(out, "%12s %*s  ", format_number(pairs[i].count, number, sizeof number),
                report->options->verbose ? 20 : 11,
                format_bytes(pairs[i].bytes, report->options->verbose, bytes, sizeof bytes));
        format_thread(out, &replay->catalog, pairs[i].from);
        fputs(" -> ", out);
        format_thread(out, &replay->catalog, pairs[i].to);
        fputc('\n', out);
    }
    if (count > report->options->limit)
        fprintf(out, "%zu more; --limit=0 shows all\n", count - report->options->limit);
    free(pairs);
    return NULL;
}

static const char *foreign_part(const struct report *report, const struct site *site,
                                uint64_t total, char *out, size_t size)
{
    (void)report;
    (void)total;
    return format_share(site->sums.foreign, site->sums.count, out, size);
}

struct error *view_cross_thread(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = foreign_of},
        {.title = "others freed", .unit = SITE_COUNT, .value = foreign_of},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
        {.title = "of them", .unit = SITE_TEXT, .text = foreign_part, .width = 7},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char count[32], share[16];
    fprintf(out, "Cross-thread: %s blocks (%s) ended in another thread than they began in\n",
            format_number(totals->foreign, count, sizeof count),
            format_share(totals->foreign, totals->allocations, share, sizeof share));
    if (!totals->foreign)
        return NULL;
    struct sites sites;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (error)
        return error;
    fputc('\n', out);
    site_table_print(report, out, &sites,
                     &(struct site_table){.columns = columns,
                                          .column_count = COUNT_OF(columns),
                                          .total = totals->foreign,
                                          .weigh = weigh_foreign,
                                          .lacks = "blocks that another thread freed"});
    sites_deinit(&sites);
    return print_pairs(report, out);
}
