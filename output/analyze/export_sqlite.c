/* SPDX-License-Identifier: MIT */
/* An SQLite database, docs/sqlite-export.md: what was collected as tables, and with sqlite-blocks
 * each block as a row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/block_spool.h"
#include "output/analyze/database.h"
#include "output/analyze/embedded.h"
#include "output/analyze/format.h"
#include "output/analyze/internal_frames.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/report.h"
#include "output/analyze/stack_sums.h"

/* Of the tables, for programs that use them. */
#define SCHEMA_VERSION "1"

static const char create_blocks[] =
    "CREATE TABLE blocks (id INTEGER PRIMARY KEY, stack INTEGER NOT NULL REFERENCES stacks,"
    " thread INTEGER NOT NULL REFERENCES threads, address INTEGER NOT NULL, size INTEGER NOT NULL,"
    " slack INTEGER, allocated_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,"
    " \"end\" TEXT NOT NULL)";

/* ---- Facts ---- */

static void put_fact_text(struct database *database, const char *name, const char *text)
{
    database_put_text(database, name);
    database_put_text(database, text);
    database_put_row(database);
}

static void put_fact(struct database *database, const char *name, uint64_t number)
{
    database_put_text(database, name);
    database_put(database, number);
    database_put_row(database);
}

/* The program's words, between blanks; NULL when out of memory. */
static char *command_of(const struct log_header *header)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < header->command_count; i++) {
        if (i)
            fputc(' ', out);
        format_piece(out, header->command[i].data, header->command[i].size);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static struct error *write_facts(struct database *database, const struct report *report)
{
    const struct log_header *header = report->header;
    char *command = command_of(header);
    if (!command)
        return error_no_memory();
    database_prepare(database, "INSERT INTO facts VALUES (?, ?)");
    put_fact_text(database, "schema", SCHEMA_VERSION);
    put_fact_text(database, "analyzer", "allocptrace-analyze " ALLOCPTRACE_VERSION);
    put_fact_text(database, "command", command);
    put_fact(database, "started_ns", header->started_ns);
    put_fact(database, "tick_ns", header->tick_ns);
    put_fact(database, "attached", header->attached);
    put_fact(database, "truncated", report->truncated);
    free(command);
    return NULL;
}

static void write_totals(struct database *database, const struct report *report)
{
    database_prepare(database, "INSERT INTO totals VALUES (?, ?)");
    for (const struct json_field *field = json_total_fields; field->name; field++)
        put_fact(database, field->name, json_field_get(field, &report->replay->totals));
}

static void write_notes(struct database *database, const struct catalog *catalog)
{
    database_prepare(database, "INSERT INTO notes (text) VALUES (?)");
    for (size_t i = 0; i < catalog->note_count && !database_failed(database); i++) {
        database_put_text(database, catalog->notes[i]);
        database_put_row(database);
    }
}

/* ---- What the log defines ---- */

static void write_processes(struct database *database, const struct catalog *catalog)
{
    database_prepare(database, "INSERT INTO processes VALUES (?, ?, ?, ?, ?)");
    for (uint32_t i = 1; i < catalog->process_count && !database_failed(database); i++) {
        const struct catalog_process *process = &catalog->processes[i];
        database_put(database, i);
        database_put_id(database, process->parent);
        database_put_text(database, catalog_origin_name(process->origin));
        database_put_signed(database, process->pid);
        database_put_text(database, process->executable);
        database_put_row(database);
    }
}

static void write_threads(struct database *database, const struct catalog *catalog)
{
    database_prepare(database, "INSERT INTO threads VALUES (?, ?, ?, ?)");
    for (uint32_t i = 1; i < catalog->thread_count && !database_failed(database); i++) {
        database_put(database, i);
        database_put(database, catalog->threads[i].process);
        database_put_signed(database, catalog->threads[i].tid);
        database_put_text(database, catalog->threads[i].name);
        database_put_row(database);
    }
}

static void write_modules(struct database *database, const struct catalog *catalog)
{
    database_prepare(database, "INSERT INTO modules VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (uint32_t i = 1; i < catalog->module_count && !database_failed(database); i++) {
        const struct catalog_module *module = &catalog->modules[i];
        const uint64_t place[] = {module->start, module->end, module->bias};
        database_put(database, i);
        database_put_text(database, module->path);
        database_put_text(database, module->name);
        database_put_text(database, *module->build_id ? module->build_id : NULL);
        for (size_t j = 0; j < sizeof place / sizeof *place; j++) {
            if (module->mapped)
                database_put_signed(database, (int64_t)place[j]);
            else
                database_put_null(database);
        }
        database_put_row(database);
    }
}

/* Frame 0 stands for the empty stack, so that no join loses it. */
static void write_frames(struct database *database, const struct catalog *catalog)
{
    database_prepare(database, "INSERT INTO frames VALUES (?, ?, ?, ?)");
    for (uint32_t i = 0; i < catalog->frame_count && !database_failed(database); i++) {
        const struct catalog_frame *frame = &catalog->frames[i];
        database_put(database, i);
        database_put_id(database, frame->module);
        database_put_signed(database, (int64_t)frame->address);
        database_put(database, (frame->flags & LOG_FRAME_ALLOCATOR) != 0);
        database_put_row(database);
    }
}

/* "function (file.c:7)", malloc'd; NULL when out of memory. */
static char *line_text(const struct catalog_line *line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    format_line(out, line, false);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static struct error *write_line(struct database *database, uint32_t frame, size_t position,
                                const struct catalog_line *line)
{
    char *text = line_text(line);
    if (!text)
        return error_no_memory();
    database_put(database, frame);
    database_put(database, position);
    database_put_text(database, line->function);
    database_put_text(database, line->file);
    if (line->line)
        database_put(database, line->line);
    else
        database_put_null(database);
    database_put_text(database, text);
    database_put_row(database);
    free(text);
    return NULL;
}

static struct error *write_lines(struct database *database, const struct catalog *catalog)
{
    struct catalog_line none = internal_site_line(catalog, (struct internal_site){0});
    database_prepare(database, "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?)");
    struct error *error = write_line(database, 0, 0, &none);
    for (uint32_t i = 1; i < catalog->frame_count && !database_failed(database); i++) {
        size_t count = catalog_line_count(catalog, i);
        for (size_t j = 0; !error && j < count; j++) {
            struct catalog_line line = catalog_line(catalog, i, j);
            error = write_line(database, i, j, &line);
        }
    }
    return error;
}

static struct error *write_stacks(struct database *database, const struct report *report)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct internal_site *sites = internal_sites(catalog, report->options);
    if (!sites)
        return error_no_memory();
    database_prepare(database, "INSERT INTO stacks VALUES (?, ?, ?, ?, ?)");
    for (uint32_t i = 0; i < catalog->stack_count && !database_failed(database); i++) {
        database_put(database, i);
        database_put_id(database, catalog->stacks[i].parent);
        database_put(database, catalog->stacks[i].frame);
        database_put(database, sites[i].frame);
        database_put(database, sites[i].line);
        database_put_row(database);
    }
    free(sites);
    return NULL;
}

/* ---- Sums and blocks ---- */

/* The table, and the statement that fills it: a column for each of the numbers. */
static void make_sums(struct database *database)
{
    char columns[2048] = "";
    char values[512] = "";
    char sql[4096];
    for (const struct json_field *field = json_sum_fields; field->name; field++) {
        size_t used = strlen(columns);
        snprintf(columns + used, sizeof columns - used, ", %s INTEGER NOT NULL", field->name);
        used = strlen(values);
        snprintf(values + used, sizeof values - used, ", ?");
    }
    snprintf(sql, sizeof sql,
             "CREATE TABLE sums (stack INTEGER NOT NULL REFERENCES stacks,"
             " process INTEGER REFERENCES processes, thread INTEGER REFERENCES threads%s,"
             " PRIMARY KEY (stack, thread, process))",
             columns);
    database_run(database, sql);
    snprintf(sql, sizeof sql, "INSERT INTO sums VALUES (?, ?, ?%s)", values);
    database_prepare(database, sql);
}

static struct error *write_sums(struct database *database, const struct report *report)
{
    const struct stack_sums_query query = {.by = REPLAY_BY_THREAD};
    struct stack_sums sums;
    struct error *error = stack_sums_collect(report, &query, &sums);
    if (error)
        return error;
    stack_sums_limit(&sums, report->options, false);
    make_sums(database);
    for (size_t i = 0; i < sums.count && !database_failed(database); i++) {
        const struct stack_sum *sum = &sums.sums[i];
        database_put(database, sum->stack);
        database_put_id(database, sum->process);
        database_put_id(database, sum->thread);
        for (const struct json_field *field = json_sum_fields; field->name; field++)
            database_put(database, json_field_get(field, &sum->sums));
        database_put_row(database);
    }
    stack_sums_deinit(&sums);
    return NULL;
}

/* Nanoseconds; in a log without times, the number of the event. */
static uint64_t time_of(const struct replay *replay, uint64_t time)
{
    uint64_t ns;
    if (!replay->tick_ns)
        return time;
    return __builtin_mul_overflow(time, replay->tick_ns, &ns) ? INT64_MAX : ns;
}

static struct error *write_blocks(struct database *database, const struct report *report)
{
    const struct replay *replay = report->replay;
    struct spooled_block block;
    struct error *error = block_spool_rewind(report->observer);
    database_run(database, create_blocks);
    database_prepare(database, "INSERT INTO blocks VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)");
    while (!error && !database_failed(database) &&
           block_spool_next(report->observer, &block, &error)) {
        database_put(database, block.stack);
        database_put(database, block.thread);
        database_put_signed(database, (int64_t)block.address);
        database_put(database, block.size);
        if (block.slack == LIVE_SLACK_UNKNOWN)
            database_put_null(database);
        else
            database_put(database, block.slack);
        database_put(database, time_of(replay, block.allocated_at));
        database_put(database, time_of(replay, block.ended_at));
        database_put_text(database, block_spool_end_name(block.how));
        database_put_row(database);
    }
    return error;
}

static struct error *write_tables(struct database *database, const struct report *report)
{
    const struct catalog *catalog = &report->replay->catalog;
    database_run(database, text_sqlite_schema_sql);
    struct error *error = write_facts(database, report);
    if (error)
        return error;
    write_totals(database, report);
    write_notes(database, catalog);
    write_processes(database, catalog);
    write_threads(database, catalog);
    write_modules(database, catalog);
    write_frames(database, catalog);
    error = write_lines(database, catalog);
    if (!error)
        error = write_stacks(database, report);
    if (!error)
        error = write_sums(database, report);
    if (!error && report->observer)
        error = write_blocks(database, report);
    return error;
}

struct error *export_sqlite(const struct report *report, FILE *out)
{
    struct database *database;
    struct error *error = database_create(fileno(out), report->file, &database);
    if (error)
        return error;
    error = write_tables(database, report);
    struct error *failure = database_finish(database);
    if (!error)
        return failure;
    error_free(failure);
    return error;
}
