/* SPDX-License-Identifier: MIT */
#include "output/analyze/format.h"
#include "output/analyze/site_table.h"
#include "output/analyze/views.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* The sites under the options' grouping and filter, in a table of the view's. */
static struct error *print_sites(const struct report *report, FILE *out,
                                 const struct site_table *table)
{
    struct sites sites;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (error)
        return error;
    fputc('\n', out);
    site_table_print(report, out, &sites, table);
    sites_deinit(&sites);
    return NULL;
}

/* ---- peak ---- */

static uint64_t peak_blocks(const struct site *site)
{
    return site->sums.peak;
}

struct error *view_peak(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = site_peak_bytes},
        {.title = "at peak", .unit = SITE_BYTES, .value = site_peak_bytes},
        {.title = "blocks", .unit = SITE_COUNT, .value = peak_blocks},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], blocks[32], time[48];
    fprintf(out, "Peak: %s in %s blocks, at %s\n",
            format_bytes_both(totals->peak_bytes, report->options->verbose, bytes, sizeof bytes),
            format_number(totals->peak_blocks, blocks, sizeof blocks),
            format_time(report->replay, totals->peak_time, time, sizeof time));
    return print_sites(report, out,
                       &(struct site_table){.columns = columns,
                                            .column_count = COUNT_OF(columns),
                                            .total = totals->peak_bytes,
                                            .weigh = sites_metric_weight(METRIC_PEAK),
                                            .lacks = "blocks at the peak"});
}

/* ---- temporary ---- */

static uint64_t temporary_bytes(const struct site *site)
{
    return site->sums.temporary_bytes;
}

static const char *temporary_part(const struct report *report, const struct site *site,
                                  uint64_t total, char *out, size_t size)
{
    (void)report;
    (void)total;
    return format_share(site->sums.temporary, site->sums.count, out, size);
}

struct error *view_temporary(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = site_temporary},
        {.title = "temporary", .unit = SITE_COUNT, .value = site_temporary},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
        {.title = "of them", .unit = SITE_TEXT, .text = temporary_part, .width = 7},
        {.title = "bytes", .unit = SITE_BYTES, .value = temporary_bytes},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char count[32], share[16], bytes[64];
    fprintf(out, "Temporary: %s allocations (%s, %s) freed before the next one of their thread\n",
            format_number(totals->temporary, count, sizeof count),
            format_share(totals->temporary, totals->allocations, share, sizeof share),
            format_bytes(totals->temporary_bytes, report->options->verbose, bytes, sizeof bytes));
    return print_sites(report, out,
                       &(struct site_table){.columns = columns,
                                            .column_count = COUNT_OF(columns),
                                            .total = totals->temporary,
                                            .weigh = sites_metric_weight(METRIC_TEMPORARY),
                                            .lacks = "temporary allocations"});
}

/* ---- growth ---- */

static uint64_t copied(const struct site *site)
{
    return site->sums.copied;
}

static uint64_t moved(const struct site *site)
{
    return site->sums.moved;
}

static uint64_t reallocations(const struct site *site)
{
    return site->sums.reallocations;
}

static uint64_t chains(const struct site *site)
{
    return site->sums.chains;
}

static const char *longest(const struct report *report, const struct site *site, uint64_t total,
                           char *out, size_t size)
{
    (void)total;
    const struct replay_sums *sums = &site->sums;
    char count[32], first[48], last[48];
    if (!sums->chain_length)
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%s: %s to %s", format_number(sums->chain_length, count, sizeof count),
                 format_bytes(sums->chain_first, report->options->verbose, first, sizeof first),
                 format_bytes(sums->chain_last, report->options->verbose, last, sizeof last));
    return out;
}

/* Resizing in place costs a little as well: it decides among those that copy nothing. */
static uint64_t weigh_growth(const struct replay_sums *sums)
{
    return sums->copied + sums->reallocations;
}

struct error *view_growth(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = copied},
        {.title = "copied", .unit = SITE_BYTES, .value = copied},
        {.title = "reallocs", .unit = SITE_COUNT, .value = reallocations},
        {.title = "moved", .unit = SITE_COUNT, .value = moved},
        {.title = "buffers", .unit = SITE_COUNT, .value = chains},
        {.title = "longest growth", .unit = SITE_TEXT, .text = longest, .width = 34},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char count[32], moves[32], bytes[64], buffers[32];
    fprintf(out, "Growth: %s reallocations of %s buffers; %s moved their block and copied %s\n",
            format_number(totals->reallocations, count, sizeof count),
            format_number(totals->chains, buffers, sizeof buffers),
            format_number(totals->moved, moves, sizeof moves),
            format_bytes(totals->copied, report->options->verbose, bytes, sizeof bytes));
    return print_sites(report, out,
                       &(struct site_table){.columns = columns,
                                            .column_count = COUNT_OF(columns),
                                            .total = totals->copied,
                                            .weigh = weigh_growth,
                                            .lacks = "reallocations"});
}

/* ---- slack ---- */

static uint64_t slack(const struct site *site)
{
    return site->sums.slack;
}

static uint64_t peak_slack(const struct site *site)
{
    return site->sums.peak_slack;
}

static uint64_t weigh_slack(const struct replay_sums *sums)
{
    return sums->slack;
}

static const char *slack_part(const struct report *report, const struct site *site, uint64_t total,
                              char *out, size_t size)
{
    (void)report;
    (void)total;
    return format_share(site->sums.slack, site->sums.bytes, out, size);
}

static const char *slack_mean(const struct report *report, const struct site *site, uint64_t total,
                              char *out, size_t size)
{
    (void)report;
    (void)total;
    uint64_t count = site->sums.slack_count;
    snprintf(out, size, "%.1f", count ? (double)site->sums.slack / (double)count : 0.0);
    return out;
}

struct error *view_slack(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = slack},
        {.title = "slack", .unit = SITE_BYTES, .value = slack},
        {.title = "at peak", .unit = SITE_BYTES, .value = peak_slack},
        {.title = "a block", .unit = SITE_TEXT, .text = slack_mean, .width = 9},
        {.title = "of asked", .unit = SITE_TEXT, .text = slack_part, .width = 8},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
    };
    const struct replay_totals *totals = &report->replay->totals;
    char bytes[64], share[16], known[16], peak[64];
    if (!totals->slack_count) {
        fputs("Slack: the log tells no usable sizes (the allocator does not tell them)\n", out);
        return NULL;
    }
    bool exact = report->options->verbose;
    fprintf(out,
            "Slack: %s set aside beyond what was asked for (%s of it), %s at the peak; known of %s "
            "of the allocations\n",
            format_bytes(totals->slack, exact, bytes, sizeof bytes),
            format_share(totals->slack, totals->bytes, share, sizeof share),
            format_bytes(totals->peak_slack, exact, peak, sizeof peak),
            format_share(totals->slack_count, totals->allocations, known, sizeof known));
    return print_sites(report, out,
                       &(struct site_table){.columns = columns,
                                            .column_count = COUNT_OF(columns),
                                            .total = totals->slack,
                                            .weigh = weigh_slack,
                                            .lacks = "slack"});
}

/* ---- failed ---- */

static uint64_t failed(const struct site *site)
{
    return site->sums.failed;
}

static uint64_t failed_bytes(const struct site *site)
{
    return site->sums.failed_bytes;
}

static uint64_t weigh_failed(const struct replay_sums *sums)
{
    return sums->failed;
}

struct error *view_failed(const struct report *report, FILE *out)
{
    static const struct site_column columns[] = {
        {.title = "share", .unit = SITE_SHARE, .value = failed},
        {.title = "failed", .unit = SITE_COUNT, .value = failed},
        {.title = "asked for", .unit = SITE_BYTES, .value = failed_bytes},
        {.title = "allocations", .unit = SITE_COUNT, .value = site_count},
    };
    uint64_t total = report->replay->totals.failed;
    char count[32];
    fprintf(out, "Failed: %s calls returned a null pointer\n",
            format_number(total, count, sizeof count));
    if (!total)
        return NULL;
    return print_sites(report, out,
                       &(struct site_table){.columns = columns,
                                            .column_count = COUNT_OF(columns),
                                            .total = total,
                                            .weigh = weigh_failed,
                                            .lacks = "failed calls"});
}
