/* SPDX-License-Identifier: MIT */
/*
 * What valgrind's DHAT writes and its dh_view.html shows: a "program point" for each stack. The
 * format is described in valgrind's dhat/dh_main.c ("File format"), version 2.
 *
 * The viewer refuses a file with the same stack twice: stacks that look the same are one.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/export_stacks.h"
#include "output/analyze/format.h"
#include "output/analyze/hash.h"
#include "output/analyze/json_text.h"
#include "output/analyze/key_ids.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"
#include "output/analyze/valgrind_line.h"

/* Blocks that live no longer are what the viewer calls short-lived. A stop for the tracer takes
 * tens of microseconds itself. */
#define SHORT_MICROSECONDS 500
#define SHORT_EVENTS 10

/* The first entries of the frame table. */
enum { FRAME_ROOT, FRAME_NO_STACK, FRAME_MORE_CALLERS, FRAMES_FIRST };

static const char *const fixed_frames[FRAMES_FIRST] = {"[root]", "[no stack]", EXPORT_MORE_CALLERS};

struct dhat {
    const struct report *report;
    const struct catalog *catalog;
    struct export_stacks stacks;
    uint32_t *frames;  /* same_frames() */
    uint32_t *entries; /* by frame: where its first line is in the frame table, 0: not there */
    uint32_t *order;   /* the frames that are in the table */
    size_t order_count;
    uint32_t next; /* entry of the table */
};

/* ---- Stacks as the file has them ---- */

/* Where a frame's lines are in the table. */
static uint32_t entry_of(struct dhat *dhat, uint32_t frame)
{
    uint32_t *entry = &dhat->entries[frame];
    if (!*entry) {
        *entry = dhat->next;
        dhat->next += (uint32_t)catalog_line_count(dhat->catalog, frame);
        dhat->order[dhat->order_count++] = frame;
    }
    return *entry;
}

#define MOST_ENTRIES (EXPORT_MOST_DEPTH + 1)

/* The entries of a stack, innermost first; returns their number, at most MOST_ENTRIES. */
static size_t entries_of(struct dhat *dhat, uint32_t stack, uint32_t *entries)
{
    const struct catalog *catalog = dhat->catalog;
    size_t count = 0;
    stack = dhat->stacks.first[stack];
    size_t line = stack ? export_stacks_line(&dhat->stacks, stack) : 0;
    for (; stack && count < MOST_ENTRIES; stack = catalog->stacks[stack].parent, line = 0) {
        uint32_t frame = dhat->frames[catalog->stacks[stack].frame];
        uint32_t first = entry_of(dhat, frame);
        size_t lines = catalog_line_count(catalog, frame);
        for (; line < lines && count < MOST_ENTRIES; line++)
            entries[count++] = first + (uint32_t)line;
    }
    if (count == MOST_ENTRIES)
        entries[count - 1] = FRAME_MORE_CALLERS;
    if (!count)
        entries[count++] = FRAME_NO_STACK;
    return count;
}

/* Stacks that are cut may be the same up to there. */
static bool merge_cut(struct dhat *dhat, uint32_t *same)
{
    const struct replay *replay = dhat->report->replay;
    struct key_id *cuts = NULL;
    bool done = true;
    for (size_t i = 1; done && i < replay->row_count; i++) {
        uint32_t entries[MOST_ENTRIES];
        uint32_t stack = replay->rows[i].stack;
        if (entries_of(dhat, stack, entries) < MOST_ENTRIES)
            continue;
        uint64_t key = hash_bytes(entries, sizeof entries);
        same[stack] = key_ids_add(&cuts, &key, sizeof key, same[stack]);
        done = same[stack] != 0;
    }
    key_ids_deinit(&cuts);
    return done;
}

/* By stack id: which stacks are the same in the file. malloc'd; NULL when out of memory. */
static uint32_t *same_places(struct dhat *dhat)
{
    size_t count = dhat->catalog->stack_count;
    uint32_t *lines = same_stacks(dhat->catalog, SAME_BY_LINES);
    uint32_t *same = calloc(count, sizeof *same);
    bool done = lines && same;
    for (size_t i = 0; done && i < count; i++)
        same[i] = lines[dhat->stacks.first[i]];
    done = done && merge_cut(dhat, same);
    free(lines);
    if (done)
        return same;
    free(same);
    return NULL;
}

/* ---- The file ---- */

/* Microseconds or, in a log without times, events. */
static uint64_t units(const struct dhat *dhat, uint64_t time)
{
    uint64_t tick_ns = dhat->report->header->tick_ns;
    unsigned __int128 microseconds = (unsigned __int128)time * tick_ns / 1000;
    if (!tick_ns)
        return time;
    return microseconds > UINT64_MAX ? UINT64_MAX : (uint64_t)microseconds;
}

static void write_point(struct dhat *dhat, const struct stack_sum *sum, bool first, FILE *out)
{
    const struct replay_sums *sums = &sum->sums;
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"tb", sums->bytes},      {"tbk", sums->count},       {"tl", units(dhat, sums->lifetime)},
        {"mb", sums->most_bytes}, {"mbk", sums->most},        {"gb", sums->peak_bytes},
        {"gbk", sums->peak},      {"eb", sums->leaked_bytes}, {"ebk", sums->leaked},
    };
    uint32_t entries[MOST_ENTRIES];
    fputs(first ? " {" : " ,{", out);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        fprintf(out, "\"%s\":%" PRIu64 ",", numbers[i].name, numbers[i].value);
    fputs("\"fs\":[", out);
    size_t count = entries_of(dhat, sum->stack, entries);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%" PRIu32, i ? "," : "", entries[i]);
    fputs("]}\n", out);
}

/* What print writes, as a JSON string. */
static struct error *write_text(FILE *out, const struct dhat *dhat,
                                void (*print)(FILE *stream, const struct dhat *dhat, size_t frame,
                                              size_t line),
                                size_t frame, size_t line)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return error_no_memory();
    print(stream, dhat, frame, line);
    bool failed = ferror(stream);
    failed = fclose(stream) != 0 || failed;
    if (!failed)
        json_text_print(out, text);
    free(text);
    return failed ? error_no_memory() : NULL;
}

static void print_command(FILE *stream, const struct dhat *dhat, size_t frame, size_t line)
{
    (void)frame;
    (void)line;
    format_program(stream, dhat->report->header, dhat->catalog);
}

static void print_frame(FILE *stream, const struct dhat *dhat, size_t frame, size_t line)
{
    valgrind_line_print(stream, dhat->catalog, (uint32_t)frame, line,
                        dhat->report->options->verbose > 1);
}

static struct error *write_header(struct dhat *dhat, FILE *out)
{
    const struct report *report = dhat->report;
    const struct replay_totals *totals = &report->replay->totals;
    bool timed = report->header->tick_ns != 0;
    int64_t pid = report->options->pid;
    if (pid < 0)
        pid = dhat->catalog->process_count > 1 ? dhat->catalog->processes[1].pid : 0;
    fprintf(out, "{\"dhatFileVersion\":2\n,\"mode\":\"heap\",\"verb\":\"Allocated\"\n"
                 ",\"bklt\":true,\"bkacc\":false\n");
    fprintf(out, ",\"tu\":\"%s\",\"Mtu\":\"%s\",\"tuth\":%d\n", timed ? "\u00b5s" : "events",
            timed ? "s" : "Mevents", timed ? SHORT_MICROSECONDS : SHORT_EVENTS);
    fputs(",\"cmd\":", out);
    struct error *error = write_text(out, dhat, print_command, 0, 0);
    fprintf(out, "\n,\"pid\":%" PRId64 "\n,\"te\":%" PRIu64 "\n,\"tg\":%" PRIu64 "\n", pid,
            units(dhat, totals->last_time), units(dhat, totals->peak_time));
    return error;
}

static struct error *write_points(struct dhat *dhat, FILE *out)
{
    struct stack_sums sums;
    uint32_t *same = same_places(dhat);
    if (!same)
        return error_no_memory();
    const struct stack_sums_query query = {.by = REPLAY_BY_STACK, .same = same};
    struct error *error = stack_sums_collect(dhat->report, &query, &sums);
    free(same);
    if (error)
        return error;
    stack_sums_limit(&sums, dhat->report->options, false);
    fputs(",\"pps\":[\n", out);
    for (size_t i = 0; i < sums.count && !ferror(out); i++)
        write_point(dhat, &sums.sums[i], i == 0, out);
    fputs(" ]\n", out);
    stack_sums_deinit(&sums);
    return NULL;
}

static struct error *write_frames(struct dhat *dhat, FILE *out)
{
    struct error *error = NULL;
    fputs(",\"ftbl\":[\n", out);
    for (size_t i = 0; i < FRAMES_FIRST; i++) {
        fputs(i ? " ," : " ", out);
        json_text_print(out, fixed_frames[i]);
        fputc('\n', out);
    }
    for (size_t i = 0; i < dhat->order_count; i++) {
        size_t lines = catalog_line_count(dhat->catalog, dhat->order[i]);
        for (size_t line = 0; !error && line < lines && !ferror(out); line++) {
            fputs(" ,", out);
            error = write_text(out, dhat, print_frame, dhat->order[i], line);
            fputc('\n', out);
        }
    }
    fputs(" ]\n}\n", out);
    return error;
}

struct error *export_dhat(const struct report *report, FILE *out)
{
    const struct catalog *catalog = &report->replay->catalog;
    struct dhat dhat = {
        .report = report,
        .catalog = catalog,
        .frames = same_frames(catalog, SAME_BY_LINES),
        .entries = calloc(catalog->frame_count, sizeof *dhat.entries),
        .order = calloc(catalog->frame_count, sizeof *dhat.order),
        .next = FRAMES_FIRST,
    };
    struct error *error = dhat.frames && dhat.entries && dhat.order
                              ? export_stacks_init(&dhat.stacks, report)
                              : error_no_memory();
    if (!error)
        error = write_header(&dhat, out);
    if (!error)
        error = write_points(&dhat, out);
    if (!error)
        error = write_frames(&dhat, out);
    export_stacks_deinit(&dhat.stacks);
    free(dhat.order);
    free(dhat.entries);
    free(dhat.frames);
    return error;
}
