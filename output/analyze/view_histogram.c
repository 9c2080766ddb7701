/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "output/analyze/format.h"
#include "output/analyze/sites.h"
#include "output/analyze/views.h"

#define BAR_WIDTH 20

/* A bucket of the sites that pass the filters, and the one of them with the most blocks in it. */
struct bar {
    struct bucket sum;
    uint64_t most;
    const struct site *site; /* NULL: none */
};

struct histogram {
    const struct buckets *buckets;
    unsigned count;    /* of buckets */
    unsigned scale;    /* of them, those that follow each other: empty ones between are shown */
    const char *title; /* of the whole */
    const char *unit;
    void (*label)(const struct report *report, unsigned bucket, char *out, size_t size);
};

static void add_site(const struct histogram *histogram, const struct sites *sites,
                     const struct site *site, struct bar *bars)
{
    uint64_t counts[BUCKETS_MOST] = {0};
    for (uint32_t row = site->first_row; row; row = sites->next_row[row]) {
        if (row >= histogram->buckets->row_count)
            continue;
        const struct bucket_row *in_row = &histogram->buckets->rows[row];
        for (uint32_t i = 0; i < in_row->count; i++) {
            const struct bucket_entry *entry = &in_row->entries[i];
            bars[entry->bucket].sum.count += entry->sum.count;
            bars[entry->bucket].sum.bytes += entry->sum.bytes;
            counts[entry->bucket] += entry->sum.count;
        }
    }
    for (unsigned i = 0; i < histogram->count; i++) {
        if (counts[i] > bars[i].most) {
            bars[i].most = counts[i];
            bars[i].site = site;
        }
    }
}

static void print_bar(const struct report *report, FILE *out, const struct bar *bar, uint64_t total,
                      uint64_t highest)
{
    char count[32], share[16], bytes[64];
    int length = highest ? (int)((double)bar->sum.count * BAR_WIDTH / (double)highest + 0.5) : 0;
    fprintf(out, "%12s %7s %*s", format_number(bar->sum.count, count, sizeof count),
            format_share(bar->sum.count, total, share, sizeof share),
            report->options->verbose ? 20 : 11,
            format_bytes(bar->sum.bytes, report->options->verbose, bytes, sizeof bytes));
    if (bar->site) {
        fputc(' ', out);
        for (int i = 0; i < BAR_WIDTH; i++)
            fputc(i < length || !i ? '#' : ' ', out);
        fprintf(out, " %6s ", format_share(bar->most, bar->sum.count, share, sizeof share));
        format_site(out, report->replay, bar->site, report->options->verbose > 1);
    }
    fputc('\n', out);
}

static void print_bars(const struct report *report, FILE *out, const struct histogram *histogram,
                       const struct bar *bars)
{
    uint64_t total = 0;
    uint64_t highest = 0;
    unsigned first = histogram->count;
    unsigned last = 0;
    char number[32];
    for (unsigned i = 0; i < histogram->count; i++) {
        uint64_t count = bars[i].sum.count;
        total += count;
        highest = count > highest ? count : highest;
        first = count && i < first ? i : first;
        last = count && i < histogram->scale ? i : last;
    }
    fprintf(out, "%s of %s blocks\n", histogram->title,
            format_number(total, number, sizeof number));
    if (!total)
        return;
    fprintf(out, "\n%20s %12s %7s %*s %-*s  most of them from\n", histogram->unit, "blocks",
            "share", report->options->verbose ? 20 : 11, "bytes", BAR_WIDTH, "");
    for (unsigned i = first; i < histogram->count; i++) {
        char label[64];
        if (i > last && !bars[i].sum.count)
            continue;
        histogram->label(report, i, label, sizeof label);
        fprintf(out, "%20s ", label);
        print_bar(report, out, &bars[i], total, highest);
    }
}

static struct error *print_histogram(const struct report *report, FILE *out,
                                     const struct histogram *histogram)
{
    struct bar bars[BUCKETS_MOST] = {{{0, 0}, 0, NULL}};
    struct sites sites;
    struct error *error = sites_collect(report->replay, report->options, &sites);
    if (error)
        return error;
    /* Of equally many the first by name is named. */
    sites_sort(&sites, report->options, sites_metric_weight(METRIC_ALLOCATIONS));
    for (size_t i = 0; i < sites.count; i++)
        add_site(histogram, &sites, &sites.sites[i], bars);
    print_bars(report, out, histogram, bars);
    sites_deinit(&sites);
    return NULL;
}

static void label_size(const struct report *report, unsigned bucket, char *out, size_t size)
{
    static const char units[] = "KMGTPE";
    (void)report;
    uint64_t end = buckets_size_end(bucket);
    if (bucket == 0) {
        snprintf(out, size, "0");
    } else if (end < 1024) {
        uint64_t first = bucket == 1 ? 1 : buckets_size_end(bucket - 1) + 1;
        snprintf(out, size, "%" PRIu64 " to %" PRIu64, first, end);
    } else {
        unsigned unit = 0;
        for (end /= 1024; end >= 1024; end /= 1024)
            unit++;
        snprintf(out, size, "up to %" PRIu64 " %ciB", end, units[unit]);
    }
}

struct error *view_sizes(const struct report *report, FILE *out)
{
    return print_histogram(report, out,
                           &(struct histogram){.buckets = &report->replay->sizes,
                                               .count = BUCKETS_SIZES,
                                               .scale = BUCKETS_SIZES,
                                               .title = "Sizes",
                                               .unit = "bytes asked for",
                                               .label = label_size});
}

/* "under 10 us", from the bucket's end in microseconds, or "under 10 events". */
static void label_lifetime(const struct report *report, unsigned bucket, char *out, size_t size)
{
    static const char *const times[] = {"under 1 us",  "under 10 us",  "under 100 us", "under 1 ms",
                                        "under 10 ms", "under 100 ms", "under 1 s",    "under 10 s",
                                        "under 100 s", "under 1000 s"};
    if (bucket == BUCKETS_NOT_FREED) {
        snprintf(out, size, "not freed");
    } else if (bucket == BUCKETS_NOT_FREED - 1) {
        snprintf(out, size, report->header->tick_ns ? "1000 s or more" : "10^9 or more");
    } else if (report->header->tick_ns) {
        snprintf(out, size, "%s", times[bucket]);
    } else {
        snprintf(out, size, "under %" PRIu64, buckets_lifetime_end(bucket));
    }
}

struct error *view_lifetimes(const struct report *report, FILE *out)
{
    return print_histogram(
        report, out,
        &(struct histogram){.buckets = &report->replay->lifetimes,
                            .count = BUCKETS_LIFETIMES,
                            .scale = BUCKETS_NOT_FREED,
                            .title = "Lifetimes",
                            .unit = report->header->tick_ns ? "alive for" : "alive for (events)",
                            .label = label_lifetime});
}
