/* SPDX-License-Identifier: MIT */
#include "output/analyze/timeline_plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/embedded.h"
#include "output/analyze/format.h"
#include "output/analyze/markup.h"
#include "output/analyze/plot_scale.h"

#define MOST_LINES 1024

/* More colours than these nobody tells apart; more areas than the second nobody sees. */
#define COLOURS 8
#define MOST_SITES 32

/* Pixels. */
enum {
    UPPER_TOP = 84,
    UPPER_HEIGHT = 300,
    LOWER_TOP = UPPER_TOP + UPPER_HEIGHT + 40,
    LOWER_HEIGHT = 72,
    LEGEND_TOP = LOWER_TOP + LOWER_HEIGHT + 40,
    LEGEND_ROW = 20,
    WIDEST = 1600,
};

/* Bytes of a name in the legend, and in the heading. */
#define MOST_NAME 220
#define MOST_HEADING 90

/* Of the image's width: the labels left of a panel, and the half of the last tick's label that is
 * right of it, have room in the narrowest one. */
#define PANEL "x=\"10%%\" width=\"84%%\"" /* within a format */

/* The curves' own coordinates: a line is 1 wide, and a panel so high. */
#define UNITS 10000.0

#define RATE_LINES 4

/* Free above the highest point, for the peak's label. */
#define HEADROOM 1.15

#define TICKS_ACROSS 10
#define TICKS_UPPER 6
#define TICKS_LOWER 4

static bool has_times(const struct timeline_plot *plot)
{
    return plot->report->header->tick_ns;
}

/* A rate is that of some lines together: in a short span are so few allocations that it would jump
 * up and down. */
static double lower_value(const struct timeline_plot *plot, size_t line)
{
    if (!has_times(plot))
        return (double)plot->lines[line].sum.live;
    size_t first = line - line % RATE_LINES;
    size_t last = first;
    uint64_t count = 0;
    for (; last < plot->series.line_count && last < first + RATE_LINES; last++)
        count += plot->lines[last].sum.allocated;
    double seconds =
        replay_seconds(plot->report->replay, plot->lines[last - 1].end - plot->lines[first].begin);
    return seconds > 0 ? (double)count / seconds : 0;
}

static void measure(struct timeline_plot *plot)
{
    plot->bytes_top = HEADROOM * (double)plot->report->replay->totals.peak_bytes;
    for (size_t i = 0; i < plot->series.line_count; i++) {
        double value = HEADROOM * lower_value(plot, i);
        if (value > plot->lower_top)
            plot->lower_top = value;
    }
    /* The scale of nothing is still a scale. */
    if (plot->bytes_top <= 0)
        plot->bytes_top = 1024;
    if (plot->lower_top <= 0)
        plot->lower_top = 1;
    plot->begin = plot->series.line_count ? plot->lines[0].begin : 0;
    plot->end = plot->series.line_count ? plot->lines[plot->series.line_count - 1].end : 0;
    if (plot->end <= plot->begin)
        plot->end = plot->begin + 1;
}

static char *program_of(const struct report *report)
{
    char *program = NULL;
    size_t size;
    FILE *out = open_memstream(&program, &size);
    if (!out)
        return NULL;
    format_program(out, report->header, &report->replay->catalog);
    if (fclose(out) == 0)
        return program;
    free(program);
    return NULL;
}

struct error *timeline_plot_init(const struct report *report, struct timeline_plot *plot)
{
    const struct options *options = report->options;
    size_t sites = options->limit_given ? options->limit : COLOURS;
    const struct series_query query = {
        .most_lines = MOST_LINES,
        .most_sites = sites < MOST_SITES ? sites : MOST_SITES,
    };
    struct series_line line;
    *plot = (struct timeline_plot){.report = report};
    struct error *error = series_init(report, &query, &plot->series);
    if (error)
        return error;
    size_t columns = plot->series.column_count;
    plot->lines = calloc(plot->series.line_count + 1, sizeof *plot->lines);
    plot->matrix = calloc((plot->series.line_count + 1) * columns, sizeof *plot->matrix);
    plot->program = program_of(report);
    if (!plot->lines || !plot->matrix || !plot->program) {
        timeline_plot_deinit(plot);
        return error_no_memory();
    }
    for (size_t i = 0; series_next(&plot->series, &line); i++) {
        uint64_t *bytes = plot->matrix + i * columns;
        memcpy(bytes, line.bytes, columns * sizeof *bytes);
        plot->lines[i] = line;
        plot->lines[i].bytes = bytes;
    }
    measure(plot);
    return NULL;
}

void timeline_plot_deinit(struct timeline_plot *plot)
{
    series_deinit(&plot->series);
    free(plot->lines);
    free(plot->matrix);
    free(plot->program);
    *plot = (struct timeline_plot){0};
}

/* ---- Curves ---- */

/* The width of all lines, of which the last one may be shorter. */
static double units_across(const struct timeline_plot *plot)
{
    size_t count = plot->series.line_count;
    if (!count)
        return 1;
    double whole = (double)(plot->lines[0].end - plot->lines[0].begin);
    double last = (double)(plot->lines[count - 1].end - plot->lines[count - 1].begin);
    return count == 1 || whole <= 0 ? 1 : (double)(count - 1) + last / whole;
}

static double units_down(double value, double top)
{
    double from_top = UNITS * (1 - value / top);
    return floor(from_top < 0 ? 0 : from_top + 0.5);
}

struct curve {
    const struct timeline_plot *plot;
    double (*value)(const struct curve *curve, size_t line);
    double top;
    size_t columns; /* for stacks: of so many columns */
};

static double stack_value(const struct curve *curve, size_t line)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < curve->columns; i++)
        sum += curve->plot->lines[line].bytes[i];
    return (double)sum;
}

static double most_value(const struct curve *curve, size_t line)
{
    return (double)curve->plot->lines[line].sum.peak_bytes;
}

static double lower_curve_value(const struct curve *curve, size_t line)
{
    return lower_value(curve->plot, line);
}

/* Steps along a curve, from the left or from the right; the place where they begin is up to the
 * caller. */
static void print_steps(FILE *out, const struct curve *curve, bool leftwards)
{
    size_t count = curve->plot->series.line_count;
    for (size_t n = 0; n < count; n++) {
        size_t i = leftwards ? count - 1 - n : n;
        double y = units_down(curve->value(curve, i), curve->top);
        size_t next = leftwards ? i - 1 : i + 1;
        if (n == 0)
            fprintf(out, "%s%.0f", leftwards ? "V" : "M0 ", y);
        /* A run of equal values is one line. */
        if (n + 1 < count && units_down(curve->value(curve, next), curve->top) == y)
            continue;
        if (!leftwards && n + 1 == count)
            fprintf(out, "H%.9g", units_across(curve->plot));
        else
            fprintf(out, "H%zu", leftwards ? i : i + 1);
        if (n + 1 < count)
            fprintf(out, "V%.0f", units_down(curve->value(curve, next), curve->top));
    }
}

static const char *colour_class(const struct timeline_plot *plot, size_t column, char *out,
                                size_t size)
{
    if (column + 1 == plot->series.column_count)
        snprintf(out, size, "other");
    else
        snprintf(out, size, "s%zu%s", column % COLOURS, column < COLOURS ? "" : " again");
    return out;
}

static void print_area(const struct timeline_plot *plot, FILE *out, size_t column)
{
    const struct series_column *site = &plot->series.columns[column];
    struct curve upper = {plot, stack_value, plot->bytes_top, column + 1};
    struct curve lower = {plot, stack_value, plot->bytes_top, column};
    char class[32], bytes[64];
    if (!site->highest)
        return;
    fprintf(out, "<path class=\"%s\" d=\"", colour_class(plot, column, class, sizeof class));
    print_steps(out, &upper, false);
    print_steps(out, &lower, true);
    fputs("Z\"><title>", out);
    markup_text(out, site->name);
    fprintf(out, ": at most %s</title></path>\n",
            format_bytes(site->highest, false, bytes, sizeof bytes));
}

static void print_upper_curves(const struct timeline_plot *plot, FILE *out)
{
    struct curve most = {plot, most_value, plot->bytes_top, 0};
    for (size_t i = 0; i < plot->series.column_count; i++)
        print_area(plot, out, i);
    fputs("<path class=\"most\" d=\"", out);
    print_steps(out, &most, false);
    fputs("\"/>\n", out);
}

static void print_lower_curve(const struct timeline_plot *plot, FILE *out)
{
    struct curve rate = {plot, lower_curve_value, plot->lower_top, 0};
    if (!plot->series.line_count)
        return;
    fputs("<path class=\"rate\" d=\"", out);
    print_steps(out, &rate, false);
    fprintf(out, "V%.0fH0Z\"/>\n", UNITS);
}

/* ---- Axes ---- */

static double time_value(const struct timeline_plot *plot, uint64_t time)
{
    return replay_seconds(plot->report->replay, time);
}

/* Upwards from 0, with labels to the left of the panel. */
static void print_rows(FILE *out, enum plot_measure measure, double top, unsigned ticks, int height)
{
    struct plot_scale scale = plot_scale(measure, top, top, ticks);
    fputs("<g class=\"rows\">", out);
    for (unsigned i = 0; i * scale.step <= top; i++) {
        double y = height * (1 - i * scale.step / top);
        char label[64];
        fprintf(out,
                "<line x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"-8\" y=\"%.1f\" dy=\".35em\">%s</text>",
                y, y, y, i ? plot_scale_label(&scale, i * scale.step, label, sizeof label) : "0");
    }
    fputs("</g>\n", out);
}

/* Lines across the panel, with labels below it if they are wanted. */
static void print_columns(const struct timeline_plot *plot, FILE *out, int height, bool labels)
{
    double begin = time_value(plot, plot->begin);
    double span = time_value(plot, plot->end) - begin;
    struct plot_scale scale =
        plot_scale(has_times(plot) ? PLOT_SECONDS : PLOT_NUMBER, span, begin + span, TICKS_ACROSS);
    double first = ceil(begin / scale.step - 1e-9);
    fputs("<g class=\"columns\">", out);
    for (unsigned i = 0; (first + i) * scale.step <= begin + span * (1 + 1e-9); i++) {
        double value = (first + i) * scale.step;
        double x = 100 * (value - begin) / span;
        char label[64];
        fprintf(out, "<line x1=\"%.3f%%\" x2=\"%.3f%%\" y2=\"%d\"/>", x, x, height);
        if (labels)
            fprintf(out, "<text x=\"%.3f%%\" y=\"%d\">%s</text>", x, height + 18,
                    plot_scale_label(&scale, value, label, sizeof label));
    }
    fputs("</g>\n", out);
}

static void print_peak(const struct timeline_plot *plot, FILE *out)
{
    const struct replay_totals *totals = &plot->report->replay->totals;
    /* In the middle of its tick. */
    double time = (double)totals->peak_time + (has_times(plot) ? 0.5 : -0.5);
    double part = (time - (double)plot->begin) / (double)(plot->end - plot->begin);
    double y = UPPER_HEIGHT * (1 - (double)totals->peak_bytes / plot->bytes_top);
    const char *anchor = part < 0.15 ? "start" : part > 0.85 ? "end" : "middle";
    char bytes[64], when[64];
    if (!totals->peak_bytes)
        return;
    fprintf(out,
            "<g class=\"peak\" data-at=\"%.9g\" data-bytes=\"%" PRIu64 "\">"
            "<circle cx=\"%.3f%%\" cy=\"%.1f\" r=\"4\"/>"
            "<text x=\"%.3f%%\" y=\"%.1f\" text-anchor=\"%s\">",
            part * units_across(plot), totals->peak_bytes, 100 * part, y, 100 * part, y - 10,
            anchor);
    fprintf(out, "peak %s at ", format_bytes(totals->peak_bytes, false, bytes, sizeof bytes));
    if (has_times(plot))
        fputs(format_time(plot->report->replay, totals->peak_time, when, sizeof when), out);
    else
        fprintf(out, "event %s", format_number(totals->peak_time, when, sizeof when));
    fputs("</text></g>\n", out);
}

/* ---- The image ---- */

static void begin_panel(FILE *out, const char *class, const char *caption, int top, int height)
{
    fprintf(out,
            "<svg class=\"panel %s\" " PANEL " y=\"%d\" height=\"%d\" overflow=\"visible\">\n"
            "<text class=\"caption\" y=\"-10\">%s</text>\n",
            class, top, height, caption);
}

static void begin_curves(const struct timeline_plot *plot, FILE *out, int height)
{
    fprintf(out,
            "<svg class=\"curves\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %.6g %.0f\" "
            "preserveAspectRatio=\"none\">\n",
            height, units_across(plot), UNITS);
}

static void print_upper(const struct timeline_plot *plot, FILE *out)
{
    begin_panel(out, "upper", "Live bytes", UPPER_TOP, UPPER_HEIGHT);
    print_rows(out, PLOT_BYTES, plot->bytes_top, TICKS_UPPER, UPPER_HEIGHT);
    print_columns(plot, out, UPPER_HEIGHT, false);
    begin_curves(plot, out, UPPER_HEIGHT);
    print_upper_curves(plot, out);
    fputs("</svg>\n", out);
    print_peak(plot, out);
    fputs("</svg>\n", out);
}

static void print_lower(const struct timeline_plot *plot, FILE *out)
{
    begin_panel(out, "lower", has_times(plot) ? "Allocations per second" : "Live blocks, by event",
                LOWER_TOP, LOWER_HEIGHT);
    print_rows(out, PLOT_NUMBER, plot->lower_top, TICKS_LOWER, LOWER_HEIGHT);
    print_columns(plot, out, LOWER_HEIGHT, true);
    begin_curves(plot, out, LOWER_HEIGHT);
    print_lower_curve(plot, out);
    fputs("</svg>\n</svg>\n", out);
}

/* At most so many bytes of a text, but whole characters. */
static void print_start(FILE *out, const char *text, size_t most)
{
    char copy[MOST_NAME + 1];
    size_t used = strlen(text);
    bool fits = used <= most;
    used = fits ? used : most;
    while (!fits && used && (text[used] & 0xc0) == 0x80)
        used--;
    memcpy(copy, text, used);
    copy[used] = 0;
    markup_text(out, copy);
    fputs(fits ? "" : "\xe2\x80\xa6", out);
}

static int legend_height(const struct timeline_plot *plot)
{
    return LEGEND_ROW * ((int)plot->series.column_count + 2);
}

/* A sample of what is drawn, the most that it was, and a name, which the caller ends. */
static void begin_key(FILE *out, const char *sample, uint64_t most, int y)
{
    char bytes[64];
    fprintf(out,
            "<svg class=\"key\" y=\"%d\" height=\"%d\">%s<text class=\"amount\" x=\"100\" "
            "y=\"13\">%s</text><text x=\"112\" y=\"13\">",
            y, LEGEND_ROW, sample, format_bytes(most, false, bytes, sizeof bytes));
}

static void print_legend(const struct timeline_plot *plot, FILE *out)
{
    const struct series *series = &plot->series;
    int y = LEGEND_ROW;
    fprintf(out,
            "<svg class=\"legend\" x=\"10%%\" width=\"90%%\" y=\"%d\" height=\"%d\">"
            "<text class=\"caption\" y=\"12\">Most at one time</text>\n",
            LEGEND_TOP, legend_height(plot));
    begin_key(out, "<line class=\"most\" x2=\"12\" y1=\"9\" y2=\"9\"/>",
              plot->report->replay->totals.peak_bytes, y);
    fputs("all sites together, within each span of time; the areas are what was left at its end"
          "</text></svg>\n",
          out);
    for (size_t i = 0; i < series->column_count; i++) {
        bool is_other = i + 1 == series->column_count;
        char class[32], sample[96];
        if (is_other && !series->columns[i].highest)
            continue;
        snprintf(sample, sizeof sample, "<rect class=\"%s\" y=\"3\" width=\"12\" height=\"12\"/>",
                 colour_class(plot, i, class, sizeof class));
        begin_key(out, sample, series->columns[i].highest, y += LEGEND_ROW);
        print_start(out, is_other ? "all other sites" : series->columns[i].name, MOST_NAME);
        fputs("</text><title>", out);
        markup_text(out, series->columns[i].name);
        fputs("</title></svg>\n", out);
    }
    fputs("</svg>\n", out);
}

static void print_heading(const struct timeline_plot *plot, FILE *out)
{
    const struct replay *replay = plot->report->replay;
    char bytes[64], count[32], left[64], time[64];
    fputs("<text class=\"heading\" x=\"24\" y=\"28\">", out);
    print_start(out, plot->program, MOST_HEADING);
    fprintf(out,
            "</text>\n<text class=\"note\" x=\"24\" y=\"48\">%s in %s allocations, %s not freed, "
            "in %s</text>\n",
            format_bytes(replay->totals.bytes, false, bytes, sizeof bytes),
            format_number(replay->totals.allocations, count, sizeof count),
            format_bytes(replay->totals.leaked_bytes, false, left, sizeof left),
            format_time(replay, plot->end - plot->begin, time, sizeof time));
}

void timeline_plot_svg(const struct timeline_plot *plot, FILE *out)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" width=\"%d\" "
            "height=\"%d\">\n<title>",
            WIDEST, LEGEND_TOP + legend_height(plot));
    markup_text(out, plot->program);
    fprintf(out, ": live bytes over time</title>\n<style><![CDATA[\n%s]]></style>\n",
            text_timeline_css);
    fputs("<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n", out);
    print_heading(plot, out);
    print_upper(plot, out);
    print_lower(plot, out);
    print_legend(plot, out);
    fputs("</svg>\n", out);
}

/* ---- For scripts ---- */

static void print_numbers(const struct timeline_plot *plot, FILE *out, const char *name,
                          size_t offset)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < plot->series.line_count; i++) {
        const char *bin = (const char *)&plot->lines[i].sum;
        uint64_t number;
        memcpy(&number, bin + offset, sizeof number);
        fprintf(out, "%s%" PRIu64, i ? "," : "", number);
    }
    fputc(']', out);
}

void timeline_plot_json(const struct timeline_plot *plot, FILE *out)
{
    double begin = time_value(plot, plot->begin);
    double end = time_value(plot, plot->end);
    fprintf(out, "{\"times\":%s,\"begin\":%.9g,\"end\":%.9g,\"across\":%.9g,\"top\":%.17g",
            has_times(plot) ? "true" : "false", begin, end, units_across(plot), plot->bytes_top);
    fprintf(out, ",\"headroom\":%g,\"units\":", HEADROOM);
    plot_scale_print_units(out);
    print_numbers(plot, out, "live", offsetof(struct history_bin, live_bytes));
    print_numbers(plot, out, "most", offsetof(struct history_bin, peak_bytes));
    print_numbers(plot, out, "blocks", offsetof(struct history_bin, live));
    print_numbers(plot, out, "allocations", offsetof(struct history_bin, allocated));
    print_numbers(plot, out, "allocated", offsetof(struct history_bin, allocated_bytes));
    fputs(",\"columns\":[", out);
    for (size_t i = 0; i < plot->series.column_count; i++) {
        fputs(i ? ",[" : "[", out);
        for (size_t line = 0; line < plot->series.line_count; line++)
            fprintf(out, "%s%" PRIu64, line ? "," : "", plot->lines[line].bytes[i]);
        fputc(']', out);
    }
    fputs("]}", out);
}
