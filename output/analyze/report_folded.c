/* SPDX-License-Identifier: MIT */
/* Folded stacks: FRAME;FRAME;... WEIGHT on a line, outermost frame first (with --inverted
 * the innermost), as flamegraph.pl's
 * stackcollapse scripts write them. */
#include <inttypes.h>

#include "output/analyze/format.h"
#include "output/analyze/frame_lines.h"
#include "output/analyze/report.h"

static void print_line(FILE *out, const struct frame_lines *lines, const struct frame_line *line)
{
    struct frame_name names[FRAME_LINES_MOST];
    size_t count = frame_line_names(lines, line, names);
    for (size_t i = 0; i < count; i++) {
        if (i)
            fputc(';', out);
        format_folded_name(out, names[i].name);
    }
    fprintf(out, " %" PRIu64 "\n", line->weight);
}

struct error *report_folded(const struct report *report, FILE *out)
{
    struct frame_lines lines;
    struct error *error = frame_lines_collect(
        report, report->options->inverted ? FRAMES_FROM_SITE : FRAMES_FROM_OUTERMOST, &lines);
    if (error)
        return error;
    for (size_t i = 0; i < lines.count && !ferror(out); i++)
        print_line(out, &lines, &lines.lines[i]);
    frame_lines_deinit(&lines);
    return NULL;
}
