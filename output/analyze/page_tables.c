/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_tables.h"

#include <stdlib.h>

#include "output/analyze/history.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/page_histograms.h"
#include "output/analyze/rows.h"

/* ---- Texts ---- */

bool page_texts_init(struct page_texts *texts)
{
    *texts = (struct page_texts){.count = 1};
    return replay_grow(&texts->list, &texts->capacity, 0, sizeof *texts->list);
}

void page_texts_deinit(struct page_texts *texts)
{
    key_ids_deinit(&texts->ids);
    free(texts->list);
}

uint32_t page_texts_add(struct page_texts *texts, const char *text)
{
    if (!text || !*text)
        return 0;
    uint32_t next = (uint32_t)texts->count + 1;
    uint32_t id = key_ids_add(&texts->ids, &text, sizeof text, next);
    if (id && id != next)
        return id - 1;
    if (!id || !replay_grow(&texts->list, &texts->capacity, next - 1, sizeof *texts->list)) {
        texts->failed = true;
        return 0;
    }
    texts->list[next - 1] = text;
    texts->count++;
    return next - 1;
}

/* ---- Tables ---- */

void page_put_column(struct page_writer *writer, const char *key, size_t count,
                     uint64_t (*get)(const struct page_writer *writer, const void *data,
                                     size_t index),
                     const void *data)
{
    for (size_t i = 0; i < count; i++)
        writer->column[i] = get(writer, data, i);
    cbor_out_column(writer->cbor, key, writer->column, count);
}

static void begin(struct page_writer *writer, const char *key, size_t columns)
{
    cbor_out_text(writer->cbor, key);
    cbor_out_map(writer->cbor, columns);
}

/* A member of element index of an array, told by its type and name. */
#define MEMBER(name, of, value)                                                                    \
    static uint64_t name(const struct page_writer *writer, const void *data, size_t index)         \
    {                                                                                              \
        (void)writer;                                                                              \
        const struct of *at = (const struct of *)data + index;                                     \
        return value;                                                                              \
    }

/* page_texts_add() changes the texts, which is no part of what is written. */
#define TEXT(text) page_texts_add((struct page_texts *)&writer->texts, text)

MEMBER(line_function, page_line, TEXT(at->function))
MEMBER(line_module, page_line, TEXT(at->module))
MEMBER(line_file, page_line, TEXT(at->file))
MEMBER(line_number, page_line, at->line)

void page_put_lines(struct page_writer *writer)
{
    const struct page_line *lines = page_nodes_lines(writer->nodes);
    size_t count = page_nodes_line_count(writer->nodes);
    begin(writer, "lines", 4);
    page_put_column(writer, "function", count, line_function, lines);
    page_put_column(writer, "module", count, line_module, lines);
    page_put_column(writer, "file", count, line_file, lines);
    page_put_column(writer, "line", count, line_number, lines);
}

static uint64_t node_up(const struct page_writer *writer, const void *data, size_t index)
{
    (void)data;
    return index - page_nodes_get(writer->nodes, (uint32_t)index).parent;
}

static uint64_t node_line(const struct page_writer *writer, const void *data, size_t index)
{
    (void)data;
    return page_nodes_get(writer->nodes, (uint32_t)index).line;
}

void page_put_nodes(struct page_writer *writer)
{
    size_t count = page_nodes_count(writer->nodes);
    begin(writer, "nodes", 2);
    page_put_column(writer, "up", count, node_up, NULL);
    page_put_column(writer, "line", count, node_line, NULL);
}

MEMBER(process_name, catalog_process, TEXT(at->executable))
MEMBER(process_pid, catalog_process, (uint64_t)at->pid)
MEMBER(process_parent, catalog_process, at->parent)

/* Ids begin at 1, places at 0. */
void page_put_processes(struct page_writer *writer)
{
    const struct catalog *catalog = &writer->report->replay->catalog;
    size_t count = catalog->process_count - 1;
    begin(writer, "processes", 3);
    page_put_column(writer, "name", count, process_name, catalog->processes + 1);
    page_put_column(writer, "pid", count, process_pid, catalog->processes + 1);
    page_put_column(writer, "parent", count, process_parent, catalog->processes + 1);
}

MEMBER(thread_name, catalog_thread, TEXT(at->name))
MEMBER(thread_tid, catalog_thread, (uint64_t)at->tid)
MEMBER(thread_process, catalog_thread, at->process - 1)

void page_put_threads(struct page_writer *writer)
{
    const struct catalog *catalog = &writer->report->replay->catalog;
    size_t count = catalog->thread_count - 1;
    begin(writer, "threads", 3);
    page_put_column(writer, "name", count, thread_name, catalog->threads + 1);
    page_put_column(writer, "tid", count, thread_tid, catalog->threads + 1);
    page_put_column(writer, "process", count, thread_process, catalog->threads + 1);
}

MEMBER(row_node, page_row, at->node)
MEMBER(row_site, page_row, at->site)
MEMBER(row_thread, page_row, at->thread - 1)

static uint64_t row_field(const struct page_writer *writer, const void *data, size_t index)
{
    return json_field_get(data, &writer->rows.rows[index].sums);
}

static void put_row_times(struct page_writer *writer, const char *key, size_t offset)
{
    for (size_t i = 0; i < writer->rows.row_count; i++) {
        const char *sums = (const char *)&writer->rows.rows[i].sums;
        writer->doubles[i] =
            replay_seconds(writer->report->replay, *(const uint64_t *)(sums + offset));
    }
    cbor_out_doubles(writer->cbor, key, writer->doubles, writer->rows.row_count);
}

void page_put_rows(struct page_writer *writer)
{
    const struct page_row *rows = writer->rows.rows;
    size_t count = writer->rows.row_count;
    size_t fields = 0;
    while (json_sum_fields[fields].name)
        fields++;
    begin(writer, "rows", 3 + fields + 3);
    page_put_column(writer, "node", count, row_node, rows);
    page_put_column(writer, "site", count, row_site, rows);
    page_put_column(writer, "thread", count, row_thread, rows);
    for (size_t i = 0; i < fields; i++)
        page_put_column(writer, json_sum_fields[i].name, count, row_field, &json_sum_fields[i]);
    put_row_times(writer, "lifetime", offsetof(struct replay_sums, lifetime));
    put_row_times(writer, "leaked_age", offsetof(struct replay_sums, leaked_age));
    put_row_times(writer, "leaked_oldest", offsetof(struct replay_sums, leaked_oldest));
}

MEMBER(bin_live_bytes, history_bin, at->live_bytes)
MEMBER(bin_live, history_bin, at->live)
MEMBER(bin_peak_bytes, history_bin, at->peak_bytes)
MEMBER(bin_allocated, history_bin, at->allocated)
MEMBER(bin_allocated_bytes, history_bin, at->allocated_bytes)
MEMBER(bin_freed, history_bin, at->freed)
MEMBER(bin_freed_bytes, history_bin, at->freed_bytes)

static uint64_t first_point(const struct page_writer *writer, const void *data, size_t index)
{
    (void)data;
    return writer->rows.first_points[index];
}

void page_put_bins(struct page_writer *writer)
{
    const struct history *history = writer->report->replay->history;
    size_t count = history->bin_count;
    begin(writer, "bins", 9);
    for (size_t i = 0; i <= count; i++)
        writer->doubles[i] =
            count ? replay_seconds(writer->report->replay, history_time(history, i)) : 0;
    cbor_out_doubles(writer->cbor, "time", writer->doubles, count + 1);
    page_put_column(writer, "live_bytes", count, bin_live_bytes, history->bins);
    page_put_column(writer, "live", count, bin_live, history->bins);
    page_put_column(writer, "peak_bytes", count, bin_peak_bytes, history->bins);
    page_put_column(writer, "allocated", count, bin_allocated, history->bins);
    page_put_column(writer, "allocated_bytes", count, bin_allocated_bytes, history->bins);
    page_put_column(writer, "freed", count, bin_freed, history->bins);
    page_put_column(writer, "freed_bytes", count, bin_freed_bytes, history->bins);
    page_put_column(writer, "points", count + 1, first_point, NULL);
}

MEMBER(point_allocated, page_point, at->allocated)
MEMBER(point_allocated_bytes, page_point, at->allocated_bytes)
MEMBER(point_live_bytes, page_point, at->live_bytes)
MEMBER(point_live, page_point, at->live)

/* From the row of the point before in the same bin, or from 0: small numbers are packed well. */
static void put_steps(struct page_writer *writer)
{
    const struct page_rows *rows = &writer->rows;
    for (size_t bin = 0; bin < rows->bin_count; bin++) {
        uint32_t before = 0;
        for (size_t i = rows->first_points[bin]; i < rows->first_points[bin + 1]; i++) {
            writer->column[i] = rows->points[i].row - before;
            before = rows->points[i].row;
        }
    }
    cbor_out_column(writer->cbor, "step", writer->column, rows->point_count);
}

void page_put_points(struct page_writer *writer)
{
    const struct page_point *points = writer->rows.points;
    size_t count = writer->rows.point_count;
    begin(writer, "points", 5);
    put_steps(writer);
    page_put_column(writer, "allocated", count, point_allocated, points);
    page_put_column(writer, "allocated_bytes", count, point_allocated_bytes, points);
    page_put_column(writer, "live_bytes", count, point_live_bytes, points);
    page_put_column(writer, "live", count, point_live, points);
}

/* ---- Histograms ---- */

MEMBER(bucket_count, bucket, at->count)
MEMBER(bucket_bytes, bucket, at->bytes)

static uint64_t size_end(const struct page_writer *writer, const void *data, size_t index)
{
    (void)writer;
    (void)data;
    return buckets_size_end((unsigned)index);
}

/* In seconds; in a log without times, events. */
static void put_lifetime_ends(struct page_writer *writer)
{
    bool times = writer->report->replay->tick_ns != 0;
    for (unsigned i = 0; i < BUCKETS_LIFETIMES; i++)
        writer->doubles[i] = (double)buckets_lifetime_end(i) * (times ? 1e-6 : 1);
    cbor_out_doubles(writer->cbor, "end", writer->doubles, BUCKETS_LIFETIMES);
}

/* Which bins and buckets have blocks, as four numbers each. */
static uint64_t *list_bins(const struct page_writer *writer, enum page_histogram which,
                           size_t buckets, size_t *count)
{
    const struct history *history = writer->report->replay->history;
    uint64_t *list = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t bin = 0; bin < history->bin_count; bin++) {
        const struct bucket *sums =
            page_histograms_get(writer->report->observer, history, which, bin);
        for (size_t i = 0; i < buckets; i++) {
            if (!sums[i].count)
                continue;
            if (!replay_grow(&list, &capacity, *count * 4 + 3, sizeof *list)) {
                free(list);
                return NULL;
            }
            const uint64_t entry[] = {bin, i, sums[i].count, sums[i].bytes};
            for (size_t k = 0; k < 4; k++)
                list[*count * 4 + k] = entry[k];
            ++*count;
        }
    }
    return list ? list : calloc(1, sizeof *list);
}

static void put_bins(struct page_writer *writer, const char *key, enum page_histogram which,
                     size_t buckets)
{
    static const char *const keys[] = {"bin", "bucket", "count", "bytes"};
    size_t count;
    uint64_t *list = list_bins(writer, which, buckets, &count);
    uint64_t *column = list ? calloc(count + 1, sizeof *column) : NULL;
    if (!column) {
        writer->texts.failed = true;
        count = 0;
    }
    begin(writer, key, 4);
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < count; i++)
            column[i] = list[i * 4 + k];
        cbor_out_column(writer->cbor, keys[k], column, count);
    }
    free(column);
    free(list);
}

void page_put_histograms(struct page_writer *writer)
{
    const struct replay *replay = writer->report->replay;
    begin(writer, "sizes", 3);
    page_put_column(writer, "end", BUCKETS_SIZES, size_end, NULL);
    page_put_column(writer, "count", BUCKETS_SIZES, bucket_count, replay->sizes.all);
    page_put_column(writer, "bytes", BUCKETS_SIZES, bucket_bytes, replay->sizes.all);
    begin(writer, "lifetimes", 3);
    put_lifetime_ends(writer);
    page_put_column(writer, "count", BUCKETS_LIFETIMES, bucket_count, replay->lifetimes.all);
    page_put_column(writer, "bytes", BUCKETS_LIFETIMES, bucket_bytes, replay->lifetimes.all);
    put_bins(writer, "size_bins", PAGE_SIZES, BUCKETS_SIZES);
    put_bins(writer, "lifetime_bins", PAGE_LIFETIMES, BUCKETS_LIFETIMES);
}
