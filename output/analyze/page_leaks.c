/* SPDX-License-Identifier: MIT */
#include "output/analyze/page_leaks.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/json_leaks.h"
#include "output/analyze/json_summary.h"
#include "output/analyze/leak_path_text.h"
#include "output/analyze/same_stacks.h"

/* So many records have a path: those that are seen first. */
#define MOST_PATHS 2000

static char *path_text(const struct leak_path_texts *texts, size_t record)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    leak_path_texts_print(texts, record, stream);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static struct error *collect_paths(const struct report *report,
                                   const struct leak_records_query *query, struct page_leaks *leaks)
{
    struct leak_path_texts *texts = NULL;
    size_t count = leaks->records.count < MOST_PATHS ? leaks->records.count : MOST_PATHS;
    leaks->paths = calloc(leaks->records.count + 1, sizeof *leaks->paths);
    if (!leaks->paths)
        return error_no_memory();
    struct error *error = leak_path_texts_create(report, query, &leaks->records, count, &texts);
    for (size_t i = 0; !error && i < count; i++) {
        leaks->paths[i] = path_text(texts, i);
        if (!leaks->paths[i])
            error = error_no_memory();
    }
    if (texts)
        leak_path_texts_destroy(texts);
    return error;
}

struct error *page_leaks_collect(const struct report *report, struct page_leaks *leaks)
{
    const struct replay *replay = report->replay;
    *leaks = (struct page_leaks){0};
    if (replay->leaks.count < 2)
        return NULL;
    uint32_t *same = same_stacks(&replay->catalog, SAME_BY_LINES);
    bool *wanted = filter_stacks(report->options, &replay->catalog);
    struct error *error = same && wanted ? NULL : error_no_memory();
    const struct leak_records_query query = {
        .kinds = LEAK_ALL_KINDS, .same = same, .wanted = wanted};
    if (!error)
        error = leak_records_collect(report, &query, &leaks->records);
    if (!error)
        error = collect_paths(report, &query, leaks);
    free(same);
    free(wanted);
    if (error)
        page_leaks_deinit(leaks);
    return error;
}

void page_leaks_deinit(struct page_leaks *leaks)
{
    for (size_t i = 0; leaks->paths && i < leaks->records.count; i++)
        free(leaks->paths[i]);
    free(leaks->paths);
    leak_records_deinit(&leaks->records);
    *leaks = (struct page_leaks){0};
}

void page_put_checks(struct page_writer *writer, struct error **error)
{
    const struct leak_checks *checks = &writer->report->replay->leaks;
    size_t count = checks->count ? checks->count - 1 : 0;
    cbor_out_text(writer->cbor, "checks");
    cbor_out_array(writer->cbor, count);
    for (uint32_t i = 1; i <= count; i++) {
        struct json_build check = json_leaks_check(writer->report, i);
        if (check.failed && !*error)
            *error = error_no_memory();
        cbor_out_json(writer->cbor, check.json);
        json_decref(check.json);
    }
}

/* ---- Records ---- */

/* In a log without leak checks: what was not freed. */
#define NOT_FREED LOG_REACH_KINDS

struct leak_line {
    uint64_t kind, node, site, found, bytes, blocks, indirect_bytes, indirect_blocks;
};

static void collect_checked(const struct page_leaks *leaks, const uint32_t *nodes,
                            const uint32_t *sites, struct leak_line *lines)
{
    for (size_t i = 0; i < leaks->records.count; i++) {
        const struct leak_record *record = &leaks->records.list[i];
        lines[i] = (struct leak_line){
            .kind = record->reach,
            .node = nodes[record->stack],
            .site = sites[record->stack],
            .found = record->found,
            .bytes = record->direct.bytes,
            .blocks = record->direct.blocks,
            .indirect_bytes = record->indirect.bytes,
            .indirect_blocks = record->indirect.blocks,
        };
    }
}

static int by_node(const void *one, const void *other)
{
    const struct leak_line *a = one;
    const struct leak_line *b = other;
    return (a->node > b->node) - (a->node < b->node);
}

/* From the rows, whatever their threads; the number of lines. */
static size_t collect_not_freed(const struct page_rows *rows, struct leak_line *lines)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct page_row *row = &rows->rows[i];
        if (row->sums.leaked)
            lines[count++] = (struct leak_line){.kind = NOT_FREED,
                                                .node = row->node,
                                                .site = row->site,
                                                .bytes = row->sums.leaked_bytes,
                                                .blocks = row->sums.leaked};
    }
    qsort(lines, count, sizeof *lines, by_node);
    size_t merged = 0;
    for (size_t i = 0; i < count; i++) {
        if (merged && lines[merged - 1].node == lines[i].node) {
            lines[merged - 1].bytes += lines[i].bytes;
            lines[merged - 1].blocks += lines[i].blocks;
        } else {
            lines[merged++] = lines[i];
        }
    }
    return merged;
}

static uint64_t line_number(const struct page_writer *writer, const void *data, size_t index)
{
    (void)writer;
    /* data is the first line's member. */
    return *(const uint64_t *)((const char *)data + index * sizeof(struct leak_line));
}

static void put_lines(struct page_writer *writer, const struct leak_line *lines, size_t count)
{
    page_put_column(writer, "kind", count, line_number, &lines->kind);
    page_put_column(writer, "node", count, line_number, &lines->node);
    page_put_column(writer, "site", count, line_number, &lines->site);
    page_put_column(writer, "found", count, line_number, &lines->found);
    page_put_column(writer, "bytes", count, line_number, &lines->bytes);
    page_put_column(writer, "blocks", count, line_number, &lines->blocks);
    page_put_column(writer, "indirect_bytes", count, line_number, &lines->indirect_bytes);
    page_put_column(writer, "indirect_blocks", count, line_number, &lines->indirect_blocks);
}

/* A list of lines, without the first one, which is the same for all. */
static void put_path(struct cbor_out *cbor, char *text)
{
    size_t lines = 0;
    for (const char *at = text; at && *at; at++)
        lines += *at == '\n';
    cbor_out_array(cbor, lines ? lines - 1 : 0);
    for (size_t i = 0; i < lines; i++) {
        char *line = strsep(&text, "\n");
        if (i)
            cbor_out_text(cbor, line + strspn(line, " "));
    }
}

void page_put_leaks(struct page_writer *writer, const struct page_leaks *leaks,
                    const uint32_t *nodes, const uint32_t *sites)
{
    bool checked = writer->report->replay->leaks.count > 1;
    size_t count = checked ? leaks->records.count : writer->rows.row_count;
    struct leak_line *lines = calloc(count + 1, sizeof *lines);
    uint64_t *column = calloc(count + 1, sizeof *column);
    uint64_t *usual = writer->column;
    if (!lines || !column) {
        writer->texts.failed = true;
        count = 0;
    } else if (checked) {
        collect_checked(leaks, nodes, sites, lines);
    } else {
        count = collect_not_freed(&writer->rows, lines);
    }
    cbor_out_text(writer->cbor, "leaks");
    cbor_out_map(writer->cbor, 9);
    writer->column = column;
    put_lines(writer, lines, count);
    writer->column = usual;
    cbor_out_text(writer->cbor, "path");
    cbor_out_array(writer->cbor, count);
    for (size_t i = 0; i < count; i++)
        put_path(writer->cbor, checked ? leaks->paths[i] : NULL);
    free(lines);
    free(column);
}

/* ---- Baseline ---- */

struct comparison_column {
    const struct json_field *field;
    bool before;
};

static uint64_t comparison_number(const struct page_writer *writer, const void *data, size_t index)
{
    const struct comparison_column *column = data;
    const struct comparison_stack *stack = &writer->report->comparison->stacks[index];
    return json_field_get(column->field, column->before ? &stack->before : &stack->now);
}

static uint64_t number_at(const struct page_writer *writer, const void *data, size_t index)
{
    (void)writer;
    return ((const uint32_t *)data)[index];
}

static void put_comparison_rows(struct page_writer *writer, const uint32_t *nodes,
                                const uint32_t *sites)
{
    size_t count = writer->report->comparison->count;
    size_t fields = 0;
    while (json_sum_fields[fields].name)
        fields++;
    cbor_out_text(writer->cbor, "rows");
    cbor_out_map(writer->cbor, 2 + 2 * fields);
    page_put_column(writer, "node", count, number_at, nodes);
    page_put_column(writer, "site", count, number_at, sites);
    for (size_t i = 0; i < 2 * fields; i++) {
        char key[64];
        const struct comparison_column column = {&json_sum_fields[i / 2], i % 2 == 0};
        snprintf(key, sizeof key, "%s%s", column.before ? "before_" : "now_", column.field->name);
        page_put_column(writer, key, count, comparison_number, &column);
    }
}

void page_put_comparison(struct page_writer *writer, const uint32_t *nodes, const uint32_t *sites)
{
    const struct comparison *comparison = writer->report->comparison;
    cbor_out_text(writer->cbor, "comparison");
    cbor_out_map(writer->cbor, 3);
    cbor_out_text(writer->cbor, "name");
    cbor_out_text(writer->cbor, comparison->name);
    cbor_out_text(writer->cbor, "summary");
    struct json_build summary = json_summary_totals(&comparison->before.replay);
    writer->texts.failed = writer->texts.failed || summary.failed;
    cbor_out_json(writer->cbor, summary.json);
    json_decref(summary.json);
    put_comparison_rows(writer, nodes, sites);
}
