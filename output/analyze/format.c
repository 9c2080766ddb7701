/* SPDX-License-Identifier: MIT */
#include "output/analyze/format.h"

#include <inttypes.h>
#include <string.h>

/* Lines of a stack that are shown, innermost first. */
#define MOST_LINES 4096

const char *format_number(uint64_t number, char *out, size_t size)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
    return out;
}

const char *format_bytes(uint64_t bytes, bool exact, char *out, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (exact || bytes < 1024) {
        char number[32];
        snprintf(out, size, "%s byte%s", format_number(bytes, number, sizeof number),
                 bytes == 1 ? "" : "s");
        return out;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, size, "%.2f %s", value, units[unit]);
    return out;
}

const char *format_bytes_both(uint64_t bytes, bool exact, char *out, size_t size)
{
    char human[32], whole[48];
    if (exact || bytes < 1024)
        return format_bytes(bytes, exact, out, size);
    snprintf(out, size, "%s (%s)", format_bytes(bytes, false, human, sizeof human),
             format_bytes(bytes, true, whole, sizeof whole));
    return out;
}

const char *format_share(uint64_t part, uint64_t total, char *out, size_t size)
{
    if (total)
        snprintf(out, size, "%.1f%%", 100.0 * (double)part / (double)total);
    else
        snprintf(out, size, "-");
    return out;
}

const char *format_time(const struct replay *replay, uint64_t time, char *out, size_t size)
{
    char number[32];
    double seconds = replay_seconds(replay, time);
    if (!replay->tick_ns)
        snprintf(out, size, "%s event%s", format_number(time, number, sizeof number),
                 time == 1 ? "" : "s");
    else if (seconds >= 1)
        snprintf(out, size, "%.3f s", seconds);
    else if (seconds >= 1e-3)
        snprintf(out, size, "%.3f ms", seconds * 1e3);
    else
        snprintf(out, size, "%.1f us", seconds * 1e6);
    return out;
}

size_t format_cut(const char *text, size_t size)
{
    size_t used = size < FORMAT_MOST_TEXT ? size : FORMAT_MOST_TEXT;
    /* Not within a character. */
    while (used && used < size && (text[used] & 0xc0) == 0x80)
        used--;
    return used;
}

/* The text neutralized and cut, with each from replaced by to, if from is not 0. */
static void print_text(FILE *out, const char *text, size_t size, char from, char to)
{
    char copy[FORMAT_MOST_TEXT + 1];
    size_t used = format_cut(text, size);
    memcpy(copy, text, used);
    copy[used] = 0;
    for (char *at = copy; from && (at = strchr(at, from));)
        *at = to;
    text_print(out, copy);
    if (used < size)
        fputs("...", out);
}

void format_text(FILE *out, const char *text)
{
    print_text(out, text, strnlen(text, FORMAT_MOST_TEXT + 1), 0, 0);
}

void format_piece(FILE *out, const char *text, size_t size)
{
    if (size)
        print_text(out, text, size, 0, 0);
}

void format_folded_name(FILE *out, const char *name)
{
    print_text(out, name, strnlen(name, FORMAT_MOST_TEXT + 1), ';', ':');
}

void format_program(FILE *out, const struct log_header *header, const struct catalog *catalog)
{
    for (size_t i = 0; i < header->command_count; i++) {
        if (i)
            fputc(' ', out);
        format_piece(out, header->command[i].data, header->command[i].size);
    }
    if (!header->command_count && catalog->process_count > 1)
        format_text(out, catalog->processes[1].executable);
}

void format_line(FILE *out, const struct catalog_line *line, bool paths)
{
    format_text(out, line->function);
    if (line->file && *line->file) {
        const char *slash = paths ? NULL : strrchr(line->file, '/');
        fputs(" (", out);
        format_text(out, slash ? slash + 1 : line->file);
        if (line->line)
            fprintf(out, ":%" PRIu64, line->line);
        fputc(')', out);
    } else if (line->named && *line->module) {
        fputs(" (", out);
        format_text(out, line->module);
        fputc(')', out);
    }
}

/* "NAME (WHAT ID)" */
static void print_task(FILE *out, const char *name, const char *what, int64_t id)
{
    format_text(out, name);
    fprintf(out, " (%s %" PRId64 ")", what, id);
}

void format_thread(FILE *out, const struct catalog *catalog, uint32_t id)
{
    print_task(out, catalog->threads[id].name, "thread", catalog->threads[id].tid);
}

void format_site(FILE *out, const struct replay *replay, const struct site *site, bool paths)
{
    const struct catalog *catalog = &replay->catalog;
    struct catalog_line line = {.function = site->function,
                                .named = site->named,
                                .module = site->module ? site->module : "",
                                .file = site->file,
                                .line = site->line};
    if (site->thread) {
        format_thread(out, catalog, site->thread);
    } else if (site->process) {
        print_task(out, catalog->processes[site->process].name, "process",
                   catalog->processes[site->process].pid);
    } else if (line.function) {
        format_line(out, &line, paths);
    } else if (line.file) {
        format_text(out, line.file);
    } else {
        format_text(out, *line.module ? line.module : "[no module]");
    }
}

void format_stack(FILE *out, const struct replay *replay, uint32_t stack, const char *indent,
                  bool paths)
{
    const struct catalog *catalog = &replay->catalog;
    size_t printed = 0;
    size_t left_out = 0;
    for (; stack; stack = catalog->stacks[stack].parent) {
        uint32_t frame = catalog->stacks[stack].frame;
        size_t count = catalog_line_count(catalog, frame);
        for (size_t i = 0; i < count && printed < MOST_LINES; i++, printed++) {
            struct catalog_line line = catalog_line(catalog, frame, i);
            fputs(indent, out);
            format_line(out, &line, paths);
            fputc('\n', out);
        }
        left_out += printed == MOST_LINES;
    }
    if (left_out)
        fprintf(out, "%s[%zu more frames]\n", indent, left_out);
}
