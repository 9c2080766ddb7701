/* SPDX-License-Identifier: MIT */
#include "output/analyze/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

const char *format_share(uint64_t part, uint64_t total, char *out, size_t size)
{
    if (total)
        snprintf(out, size, "%.1f%%", 100.0 * (double)part / (double)total);
    else
        snprintf(out, size, "-");
    return out;
}

void format_text(FILE *out, const char *text)
{
    char small[1024];
    unsigned long length = text_sanitize(small, sizeof small, text);
    if (length < sizeof small) {
        fputs(small, out);
        return;
    }
    char *large = malloc(length + 1);
    if (large)
        text_sanitize(large, length + 1, text);
    fputs(large ? large : small, out);
    free(large);
}

static void print_line(FILE *out, const struct catalog_line *line, bool files)
{
    format_text(out, line->function);
    if (line->file && line->line) {
        const char *slash = files ? NULL : strrchr(line->file, '/');
        fputs(" (", out);
        format_text(out, slash ? slash + 1 : line->file);
        fprintf(out, ":%" PRIu64 ")", line->line);
    } else if (*line->module) {
        fputs(" (", out);
        format_text(out, line->module);
        fputc(')', out);
    }
    fputc('\n', out);
}

void format_stack(FILE *out, const struct replay *replay, uint32_t stack, const char *indent,
                  bool files)
{
    const struct catalog *catalog = &replay->catalog;
    for (; stack; stack = catalog->stacks[stack].parent) {
        uint32_t frame = catalog->stacks[stack].frame;
        size_t count = catalog_line_count(catalog, frame);
        for (size_t i = 0; i < count; i++) {
            struct catalog_line line = catalog_line(catalog, frame, i);
            fputs(indent, out);
            print_line(out, &line, files);
        }
    }
}
