/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_data.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/buckets.h"
#include "output/analyze/format.h"
#include "output/analyze/history.h"
#include "output/analyze/json_summary.h"
#include "output/analyze/page_leaks.h"
#include "output/analyze/page_tables.h"

#define VERSION 1
#define MEMBERS 23 /* without a comparison */

/* By stack of a catalog, or by place in a comparison. */
struct places {
    uint32_t *nodes, *sites;
};

struct data {
    struct page_writer writer;
    struct page_leaks leaks;
    struct places now, before; /* of the baseline's catalog */
    struct places compared;    /* by place in the comparison */
};

static struct error *add_catalog(struct page_writer *writer, const struct catalog *catalog,
                                 struct places *places)
{
    struct internal_site *sites = internal_sites(catalog, writer->report->options);
    places->nodes = page_nodes_add(writer->nodes, catalog);
    places->sites = sites ? page_nodes_sites(writer->nodes, catalog, sites) : NULL;
    free(sites);
    return places->nodes && places->sites ? NULL : error_no_memory();
}

static void free_places(struct places *places)
{
    free(places->nodes);
    free(places->sites);
}

static struct error *add_comparison(struct data *data)
{
    const struct comparison *comparison = data->writer.report->comparison;
    struct error *error =
        add_catalog(&data->writer, &comparison->before.replay.catalog, &data->before);
    data->compared.nodes = calloc(comparison->count + 1, sizeof *data->compared.nodes);
    data->compared.sites = calloc(comparison->count + 1, sizeof *data->compared.sites);
    if (!error && (!data->compared.nodes || !data->compared.sites))
        error = error_no_memory();
    for (size_t i = 0; !error && i < comparison->count; i++) {
        const struct comparison_stack *stack = &comparison->stacks[i];
        const struct places *from = stack->gone ? &data->before : &data->now;
        data->compared.nodes[i] = from->nodes[stack->stack];
        data->compared.sites[i] = from->sites[stack->stack];
    }
    return error;
}

static size_t larger(size_t one, size_t other)
{
    return one > other ? one : other;
}

/* Room for a column of the largest table. */
static struct error *make_columns(struct data *data)
{
    struct page_writer *writer = &data->writer;
    const struct replay *replay = writer->report->replay;
    size_t most = larger(page_nodes_count(writer->nodes), page_nodes_line_count(writer->nodes));
    most = larger(most, larger(writer->rows.row_count, writer->rows.point_count));
    most = larger(most, larger(replay->history->bin_count, BUCKETS_MOST));
    most = larger(most, larger(replay->catalog.thread_count, replay->catalog.process_count));
    if (writer->report->comparison)
        most = larger(most, writer->report->comparison->count);
    writer->column = calloc(most + 1, sizeof *writer->column);
    writer->doubles = calloc(most + 1, sizeof *writer->doubles);
    return writer->column && writer->doubles ? NULL : error_no_memory();
}

static struct error *collect(struct data *data)
{
    struct page_writer *writer = &data->writer;
    const struct report *report = writer->report;
    writer->nodes = page_nodes_create();
    if (!page_texts_init(&writer->texts) || !writer->nodes)
        return error_no_memory();
    struct error *error = add_catalog(writer, &report->replay->catalog, &data->now);
    if (!error && report->comparison)
        error = add_comparison(data);
    if (!error)
        error = page_rows_collect(report, data->now.nodes, data->now.sites, &writer->rows);
    if (!error)
        error = page_leaks_collect(report, &data->leaks);
    return error ? error : make_columns(data);
}

static void put_text(struct page_writer *writer, const char *key, const char *text)
{
    cbor_out_text(writer->cbor, key);
    cbor_out_text(writer->cbor, text);
}

static void put_bool(struct page_writer *writer, const char *key, bool value)
{
    cbor_out_text(writer->cbor, key);
    cbor_out_bool(writer->cbor, value);
}

static void put_texts(struct page_writer *writer, const char *key, const char *const *texts,
                      size_t count)
{
    cbor_out_text(writer->cbor, key);
    cbor_out_array(writer->cbor, count);
    for (size_t i = 0; i < count; i++)
        cbor_out_text(writer->cbor, texts[i]);
}

static struct error *put_head(struct page_writer *writer)
{
    const struct report *report = writer->report;
    const struct catalog *catalog = &report->replay->catalog;
    char *program = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&program, &size);
    if (!stream)
        return error_no_memory();
    format_program(stream, report->header, catalog);
    struct json_build summary = json_summary(report);
    if (fclose(stream) != 0 || summary.failed) {
        free(program);
        json_decref(summary.json);
        return error_no_memory();
    }
    cbor_out_text(writer->cbor, "version");
    cbor_out_number(writer->cbor, VERSION);
    put_text(writer, "tool", "allocptrace-analyze " ALLOCPTRACE_VERSION);
    put_text(writer, "program", program);
    put_texts(writer, "logs", (const char *const *)report->options->logs,
              report->options->log_count);
    put_bool(writer, "truncated", report->truncated);
    put_bool(writer, "attached", report->header->attached);
    put_bool(writer, "times", report->replay->tick_ns != 0);
    cbor_out_text(writer->cbor, "summary");
    cbor_out_json(writer->cbor, summary.json);
    put_texts(writer, "notes", catalog->notes, catalog->note_count);
    json_decref(summary.json);
    free(program);
    return NULL;
}

/* The texts are known when all else has been written. */
static struct error *put_all(struct data *data)
{
    struct page_writer *writer = &data->writer;
    bool compares = writer->report->comparison != NULL;
    cbor_out_map(writer->cbor, compares ? MEMBERS + 1 : MEMBERS);
    struct error *error = put_head(writer);
    if (error)
        return error;
    page_put_checks(writer, &error);
    page_put_lines(writer);
    page_put_nodes(writer);
    page_put_processes(writer);
    page_put_threads(writer);
    page_put_rows(writer);
    page_put_bins(writer);
    page_put_points(writer);
    page_put_histograms(writer);
    page_put_leaks(writer, &data->leaks, data->now.nodes, data->now.sites);
    if (compares)
        page_put_comparison(writer, data->compared.nodes, data->compared.sites);
    put_texts(writer, "texts", writer->texts.list, writer->texts.count);
    if (!error && writer->texts.failed)
        error = error_no_memory();
    return error;
}

struct error *page_data_write(const struct report *report, FILE *out)
{
    struct data data = {.writer = {.report = report}};
    struct page_writer *writer = &data.writer;
    struct error *error = collect(&data);
    if (!error)
        error = cbor_out_create(out, &writer->cbor);
    if (!error)
        error = put_all(&data);
    cbor_out_destroy(writer->cbor);
    page_leaks_deinit(&data.leaks);
    page_rows_deinit(&writer->rows);
    page_texts_deinit(&writer->texts);
    page_nodes_destroy(writer->nodes);
    free_places(&data.now);
    free_places(&data.before);
    free_places(&data.compared);
    free(writer->column);
    free(writer->doubles);
    return error;
}
