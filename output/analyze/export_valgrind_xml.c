/* SPDX-License-Identifier: MIT */
/*
 * Memcheck's XML, protocol 4 (valgrind's docs/internals/xml-output-protocol4.txt), for tools that
 * read it: an error for each stack with blocks that were not freed, and for frees of addresses
 * where no block was alive.
 *
 * A log does not tell what the program's memory still points to. Of memcheck's kinds of leaks only
 * "possibly lost" claims neither that a block is lost nor that it is not.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/format.h"
#include "output/analyze/markup.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/stack_sums.h"

/* valgrind's own limit (--num-callers): what reads its files knows no longer stacks. */
#define MOST_CALLERS 500

/* Frees of one place, of blocks from one place. */
struct fault {
    uint32_t stack, allocated; /* stacks, 0 for unknown */
    uint64_t address, size;    /* of the first one */
    bool again;                /* the block had been freed before */
    uint32_t thread, process;
    uint64_t count;
    size_t order; /* of the first one in the log */
};

struct export
{
    const struct report *report;
    const struct catalog *catalog;
    FILE *out;
    uint64_t unique; /* the next error's number */
    struct fault *faults;
    size_t fault_count;
};

static void print_cut(FILE *out, const char *text, size_t size)
{
    char copy[FORMAT_MOST_TEXT + 1];
    size_t used = format_cut(text, size);
    memcpy(copy, text, used);
    copy[used] = 0;
    markup_text(out, copy);
}

static void print_text(FILE *out, const char *indent, const char *element, const char *text,
                       size_t size)
{
    fprintf(out, "%s<%s>", indent, element);
    print_cut(out, size ? text : "", size);
    fprintf(out, "</%s>\n", element);
}

static void print_name(FILE *out, const char *element, const char *name)
{
    print_text(out, "      ", element, name, strlen(name));
}

/* ---- Stacks ---- */

static void print_file(FILE *out, const char *file)
{
    const char *slash = strrchr(file, '/');
    if (slash)
        print_text(out, "      ", "dir", file, (size_t)(slash - file));
    print_name(out, "file", slash ? slash + 1 : file);
}

static void print_frame(const struct export *export, uint32_t id, size_t index)
{
    const struct catalog *catalog = export->catalog;
    const struct catalog_frame *frame = &catalog->frames[id];
    struct catalog_line line = catalog_line(catalog, id, index);
    bool stands_for_more = frame->flags & (LOG_FRAME_INCOMPLETE | LOG_FRAME_DEPTH);
    FILE *out = export->out;
    fprintf(out, "    <frame>\n      <ip>0x%" PRIX64 "</ip>\n", catalog_frame_address(catalog, id));
    if (frame->module)
        print_name(out, "obj", catalog->modules[frame->module].path);
    if (line.named || stands_for_more)
        print_name(out, "fn", line.function);
    if (line.file)
        print_file(out, line.file);
    if (line.line)
        fprintf(out, "      <line>%" PRIu64 "</line>\n", line.line);
    fputs("    </frame>\n", out);
}

/* The protocol has no stack without a frame. */
static void print_no_frame(const struct export *export, const char *name)
{
    fputs("    <frame>\n      <ip>0x0</ip>\n", export->out);
    print_name(export->out, "fn", name);
    fputs("    </frame>\n", export->out);
}

static void print_stack(const struct export *export, uint32_t id)
{
    const struct catalog *catalog = export->catalog;
    size_t printed = 0;
    fputs("  <stack>\n", export->out);
    if (!id)
        print_no_frame(export, "[no stack]");
    for (; id && printed < MOST_CALLERS; id = catalog->stacks[id].parent) {
        uint32_t frame = catalog->stacks[id].frame;
        size_t count = catalog_line_count(catalog, frame);
        for (size_t i = 0; i < count && printed < MOST_CALLERS; i++, printed++)
            print_frame(export, frame, i);
    }
    fputs("  </stack>\n", export->out);
}

/* ---- Errors ---- */

/* " in process PID (NAME)" where there are several. */
static void print_process(const struct export *export, uint32_t id)
{
    const struct catalog_process *process = &export->catalog->processes[id];
    if (!id || export->catalog->process_count <= 2)
        return;
    fprintf(export->out, " in process %" PRId64 " (", process->pid);
    print_cut(export->out, process->name, strlen(process->name));
    fputc(')', export->out);
}

static void begin_error(struct export *export, uint32_t thread, const char *kind)
{
    fprintf(export->out,
            "<error>\n  <unique>0x%" PRIx64 "</unique>\n  <tid>%" PRIu32
            "</tid>\n  <kind>%s</kind>\n",
            export->unique++, thread, kind);
}

static void print_leak(struct export *export, const struct stack_sum *leak, size_t number,
                       size_t of)
{
    FILE *out = export->out;
    const struct replay_sums *sums = &leak->sums;
    char bytes[32], blocks[32];
    begin_error(export, 1, "Leak_PossiblyLost");
    fprintf(out, "  <xwhat>\n    <text>%s bytes in %s blocks are not freed, and may be lost",
            format_number(sums->leaked_bytes, bytes, sizeof bytes),
            format_number(sums->leaked, blocks, sizeof blocks));
    print_process(export, leak->process);
    fprintf(out,
            ", in loss record %zu of %zu</text>\n    <leakedbytes>%" PRIu64
            "</leakedbytes>\n    <leakedblocks>%" PRIu64 "</leakedblocks>\n  </xwhat>\n",
            number, of, sums->leaked_bytes, sums->leaked);
    print_stack(export, leak->stack);
    fputs("</error>\n\n", out);
}

static struct error *print_leaks(struct export *export)
{
    const struct options *options = export->report->options;
    struct stack_sums leaks;
    uint32_t *same = same_stacks(export->catalog, SAME_BY_LINES);
    const struct stack_sums_query query = {
        .by = export->catalog->process_count > 2 ? REPLAY_BY_PROCESS : REPLAY_BY_STACK,
        .same = same,
        .leaked = true,
    };
    struct error *error =
        same ? stack_sums_collect(export->report, &query, &leaks) : error_no_memory();
    free(same);
    if (error)
        return error;
    /* As memcheck does, the largest last. */
    stack_sums_sort(&leaks, options, true);
    size_t count =
        options->limit_given && leaks.count > options->limit ? options->limit : leaks.count;
    for (size_t i = 0; i < count && !ferror(export->out); i++)
        print_leak(export, &leaks.sums[count - 1 - i], i + 1, count);
    stack_sums_deinit(&leaks);
    return NULL;
}

static int compare_places(const struct fault *a, const struct fault *b)
{
    if (a->stack != b->stack)
        return a->stack < b->stack ? -1 : 1;
    if (a->allocated != b->allocated)
        return a->allocated < b->allocated ? -1 : 1;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    return (a->again > b->again) - (a->again < b->again);
}

static int by_order(const void *one, const void *other)
{
    const struct fault *a = one;
    const struct fault *b = other;
    return (a->order > b->order) - (a->order < b->order);
}

static int by_place(const void *one, const void *other)
{
    int order = compare_places(one, other);
    return order ? order : by_order(one, other);
}

/* One for each place: the first free there, in the log's order. */
static struct error *collect_faults(struct export *export)
{
    const struct replay *replay = export->report->replay;
    const struct bad_frees *frees = &replay->bad_frees;
    size_t count = 0;
    export->faults = calloc(frees->count + 1, sizeof *export->faults);
    if (!export->faults)
        return error_no_memory();
    for (size_t i = 0; i < frees->count; i++) {
        const struct bad_free *bad = &frees->list[i];
        /* A block from before tracing began may be freed. */
        if (bad->cleanup || (export->report->header->attached && !bad->freed_by))
            continue;
        export->faults[count++] = (struct fault){
            .stack = bad->stack,
            .allocated = bad->row ? replay->rows[bad->row].stack : 0,
            .address = bad->address,
            .size = bad->size,
            .again = bad->freed_by != 0,
            .thread = bad->thread,
            .process = bad->process,
            .count = 1,
            .order = i,
        };
    }
    qsort(export->faults, count, sizeof *export->faults, by_place);
    for (size_t i = 0; i < count; i++) {
        struct fault *last = &export->faults[export->fault_count];
        if (export->fault_count && compare_places(last - 1, &export->faults[i]) == 0)
            last[-1].count++;
        else
            export->faults[export->fault_count++] = export->faults[i];
    }
    qsort(export->faults, export->fault_count, sizeof *export->faults, by_order);
    return NULL;
}

static void print_fault(struct export *export, const struct fault *fault)
{
    FILE *out = export->out;
    char size[32];
    begin_error(export, fault->thread, "InvalidFree");
    fputs("  <what>Invalid free() / delete / delete[] / realloc()", out);
    print_process(export, fault->process);
    fputs("</what>\n", out);
    print_stack(export, fault->stack);
    if (fault->again && fault->allocated) {
        fprintf(out,
                "  <auxwhat>Address 0x%" PRIx64 " is 0 bytes inside a block of size %s that was "
                "freed before; it was alloc'd at</auxwhat>\n",
                fault->address, format_number(fault->size, size, sizeof size));
        print_stack(export, fault->allocated);
    } else {
        fprintf(out, "  <auxwhat>Address 0x%" PRIx64 " %s</auxwhat>\n", fault->address,
                fault->again ? "was freed before" : "is not a block that was allocated");
    }
    fputs("</error>\n\n", out);
}

/* ---- The rest ---- */

/* Days, hours, minutes, seconds and thousandths, as valgrind has it. */
static void print_status(const struct export *export, const char *state, double seconds)
{
    /* No log is as long as this number allows. */
    uint64_t ms = seconds < 1e12 ? (uint64_t)(seconds * 1000) : 0;
    fprintf(export->out,
            "<status>\n  <state>%s</state>\n  <time>%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64
            ":%02" PRIu64 ".%03" PRIu64 " </time>\n</status>\n\n",
            state, ms / 86400000, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

static void print_note(FILE *out, const char *note)
{
    print_text(out, "  ", "line", note, strlen(note));
}

static void print_preamble(const struct export *export)
{
    const struct report *report = export->report;
    FILE *out = export->out;
    fputs("<preamble>\n", out);
    print_note(out, "allocptrace-analyze " ALLOCPTRACE_VERSION);
    print_note(out, "Blocks that were not freed are told to be possibly lost: whether anything "
                    "still points to them is not known");
    if (report->truncated)
        print_note(out, "The log was cut off");
    for (size_t i = 0; i < export->catalog->note_count; i++)
        print_note(out, export->catalog->notes[i]);
    fputs("</preamble>\n\n", out);
}

/* The process that the file is about, as far as it is one: the first one, or that of --process. */
static uint32_t main_process(const struct export *export)
{
    const struct catalog *catalog = export->catalog;
    int64_t pid = export->report->options->pid;
    for (uint32_t i = 1; i < catalog->process_count; i++) {
        if (pid < 0 || catalog->processes[i].pid == pid)
            return i;
    }
    return 0;
}

static void print_program(const struct export *export)
{
    const struct catalog *catalog = export->catalog;
    const struct log_header *header = export->report->header;
    uint32_t id = main_process(export);
    const struct catalog_process *process = id ? &catalog->processes[id] : NULL;
    FILE *out = export->out;
    fprintf(out, "<pid>%" PRId64 "</pid>\n<ppid>%" PRId64 "</ppid>\n<tool>memcheck</tool>\n\n",
            process ? process->pid : 0,
            process && process->parent ? catalog->processes[process->parent].pid : 0);
    fputs("<args>\n  <vargv>\n", out);
    print_text(out, "    ", "exe", "allocptrace", strlen("allocptrace"));
    fputs("  </vargv>\n  <argv>\n", out);
    if (id == 1 && header->command_count) {
        for (size_t i = 0; i < header->command_count; i++)
            print_text(out, "    ", i ? "arg" : "exe", header->command[i].data,
                       header->command[i].size);
    } else {
        const char *executable = process ? process->executable : "";
        print_text(out, "    ", "exe", executable, strlen(executable));
    }
    fputs("  </argv>\n</args>\n\n", out);
}

static void print_counts(const struct export *export)
{
    FILE *out = export->out;
    fputs("<errorcounts>\n", out);
    for (size_t i = 0; i < export->fault_count; i++)
        fprintf(out,
                "  <pair>\n    <count>%" PRIu64 "</count>\n    <unique>0x%zx</unique>\n  </pair>\n",
                export->faults[i].count, i);
    fputs("</errorcounts>\n\n<suppcounts>\n</suppcounts>\n\n", out);
}

struct error *export_valgrind_xml(const struct report *report, FILE *out)
{
    const struct replay *replay = report->replay;
    struct export export = {.report = report, .catalog = &replay->catalog, .out = out};
    struct error *error = collect_faults(&export);
    if (error)
        return error;
    fputs("<?xml version=\"1.0\"?>\n\n<valgrindoutput>\n\n"
          "<protocolversion>4</protocolversion>\n<protocoltool>memcheck</protocoltool>\n\n",
          out);
    print_preamble(&export);
    print_program(&export);
    print_status(&export, "RUNNING", 0);
    for (size_t i = 0; i < export.fault_count && !ferror(out); i++)
        print_fault(&export, &export.faults[i]);
    print_status(&export, "FINISHED",
                 replay->tick_ns ? replay_seconds(replay, replay->totals.last_time) : 0);
    error = print_leaks(&export);
    print_counts(&export);
    fputs("</valgrindoutput>\n", out);
    free(export.faults);
    return error;
}
