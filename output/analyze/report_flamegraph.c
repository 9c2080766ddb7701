/* SPDX-License-Identifier: MIT */
/*
 * A flame graph as one SVG file: frames are as wide as what they weigh, callers below the functions
 * that they call, or above them with --inverted. It is complete without its script, which adds
 * zoom, search and a tooltip; nothing is loaded from elsewhere.
 *
 * With a baseline widths are this log's, and colours tell what changed.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/embedded.h"
#include "output/analyze/format.h"
#include "output/analyze/frame_lines.h"
#include "output/analyze/markup.h"
#include "output/analyze/measure.h"
#include "output/analyze/report.h"
#include "output/analyze/svg_colour.h"

/* Pixels. The width is what there is without the script; with it all of the window is used. */
#define WIDTH 1200
#define MARGIN 10
#define FRAMES_WIDTH (WIDTH - 2 * MARGIN)
#define FRAMES_TOP 86
#define ROW 17
#define FRAME_HEIGHT 16
#define LINE 18
#define CHARACTER 7.25
#define NARROWEST 0.1
#define GAP 0.7

/* Frames that vanished are named up to this number. */
#define MOST_GONE 10

#define MOST_TITLE 512

struct drawing {
    const struct report *report;
    FILE *out;
    struct frame_tree *tree;
    const struct frame_node *root;
    struct measure measure;
    bool inverted, compared;
    uint32_t deepest;
    /* Frames that are too narrow, and what the outermost of them weigh. */
    uint64_t narrow, narrow_weight;
    /* Frames that are in the baseline only, without those below one of them. */
    const struct frame_node **gone;
    size_t gone_count;
};

static uint64_t weight_of(const struct frame_node *node)
{
    return node->total[FRAME_TREE_NEW].main;
}

static uint64_t total_of(const struct drawing *drawing)
{
    return weight_of(drawing->root);
}

static double pixels(const struct drawing *drawing, const struct frame_node *node)
{
    double all = (double)total_of(drawing);
    return all > 0 ? FRAMES_WIDTH * (double)weight_of(node) / all : 0;
}

static bool is_drawn(const struct drawing *drawing, const struct frame_node *node)
{
    return weight_of(node) && pixels(drawing, node) >= NARROWEST;
}

/* Depth, what is too narrow, and how many frames are in the baseline only. */
static void survey(struct drawing *drawing)
{
    bool under_narrow = false;
    uint32_t narrow_depth = 0;
    bool descend = true;
    for (const struct frame_node *node = drawing->root; node;
         node = frame_node_next(node, descend)) {
        descend = node == drawing->root || weight_of(node);
        if (!descend) {
            drawing->gone_count++;
            continue;
        }
        under_narrow = under_narrow && node->depth > narrow_depth;
        if (is_drawn(drawing, node)) {
            if (node->depth > drawing->deepest)
                drawing->deepest = node->depth;
            continue;
        }
        if (!under_narrow && node != drawing->root) {
            drawing->narrow_weight += weight_of(node);
            under_narrow = true;
            narrow_depth = node->depth;
        }
        drawing->narrow += node != drawing->root;
    }
}

static int by_old_weight(const void *one, const void *other)
{
    const struct frame_node *a = *(const struct frame_node *const *)one;
    const struct frame_node *b = *(const struct frame_node *const *)other;
    uint64_t weight_a = a->total[FRAME_TREE_OLD].main;
    uint64_t weight_b = b->total[FRAME_TREE_OLD].main;
    if (weight_a != weight_b)
        return weight_a < weight_b ? 1 : -1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool find_gone(struct drawing *drawing)
{
    size_t count = 0;
    bool descend = true;
    drawing->gone = calloc(drawing->gone_count + 1, sizeof(struct frame_node *));
    if (!drawing->gone)
        return false;
    for (const struct frame_node *node = drawing->root; node;
         node = frame_node_next(node, descend)) {
        descend = node == drawing->root || weight_of(node);
        if (!descend)
            drawing->gone[count++] = node;
    }
    qsort(drawing->gone, count, sizeof(struct frame_node *), by_old_weight);
    return true;
}

/* ---- Text ---- */

/* At most most bytes of a name. */
static void print_cut(FILE *out, const char *text, size_t most)
{
    char copy[FORMAT_MOST_TEXT + 1];
    size_t length = strnlen(text, FORMAT_MOST_TEXT + 1);
    size_t used = format_cut(text, most < length ? most : length);
    /* Not within a character. */
    while (used && used < length && (text[used] & 0xc0) == 0x80)
        used--;
    memcpy(copy, text, used);
    copy[used] = 0;
    markup_text(out, copy);
    if (used < length)
        fputs("...", out);
}

/* exact: bytes are told to the last one, too. */
static void print_weight(const struct drawing *drawing, const struct frame_weight *weight,
                         bool exact)
{
    char text[128];
    fputs(measure_format_pair(&drawing->measure, weight->main, weight->beside, exact, text,
                              sizeof text),
          drawing->out);
}

static char sign_of(uint64_t before, uint64_t now)
{
    return before > now ? '-' : '+';
}

static uint64_t distance(uint64_t before, uint64_t now)
{
    return before > now ? before - now : now - before;
}

static void print_change(const struct drawing *drawing, const struct frame_weight *before,
                         const struct frame_weight *now)
{
    FILE *out = drawing->out;
    char text[64], share[16];
    uint64_t change = distance(before->main, now->main);
    uint64_t change_beside = distance(before->beside, now->beside);
    if (!change && !change_beside)
        fputs(", the same", out);
    if (change)
        fprintf(out, ", %c%s", sign_of(before->main, now->main),
                measure_format(&drawing->measure, change, false, text, sizeof text));
    if (change && before->main)
        fprintf(out, " (%c%s)", sign_of(before->main, now->main),
                format_share(change, before->main, share, sizeof share));
    if (change_beside)
        fprintf(out, ", %c%s", sign_of(before->beside, now->beside),
                measure_format_beside(&drawing->measure, change_beside, text, sizeof text));
}

/* What a frame tells of itself, a line each: name, weight, the baseline's weight, module. Weights
 * are told in bytes and in numbers, whichever of them is drawn. */
static void print_title(const struct drawing *drawing, const struct frame_node *node)
{
    FILE *out = drawing->out;
    const struct frame_weight *now = &node->total[FRAME_TREE_NEW];
    const struct frame_weight *before = &node->total[FRAME_TREE_OLD];
    const struct frame_weight *self = &node->self[FRAME_TREE_NEW];
    char share[16];
    fputs("<title>", out);
    print_cut(out, node->name, FORMAT_MOST_TEXT);
    fputc('\n', out);
    print_weight(drawing, now, true);
    fprintf(out, ", %s of all", format_share(now->main, total_of(drawing), share, sizeof share));
    if (self->main && self->main != now->main) {
        fputs("; of it ", out);
        print_weight(drawing, self, false);
        fprintf(out, " not in a frame %s", drawing->inverted ? "below" : "above");
    }
    if (drawing->compared) {
        fputs("\nbefore ", out);
        print_weight(drawing, before, true);
        print_change(drawing, before, now);
    }
    if (node->module && *node->module) {
        fputs("\n", out);
        print_cut(out, node->module, FORMAT_MOST_TEXT);
    }
    fputs("</title>", out);
}

static void print_line(const struct drawing *drawing, double y, const char *class)
{
    fprintf(drawing->out, "<text class=\"%s\" x=\"%d\" y=\"%g\">", class, MARGIN, y);
}

/* ---- Frames ---- */

static void print_frame(const struct drawing *drawing, const struct frame_node *node, double x)
{
    FILE *out = drawing->out;
    uint64_t weight = weight_of(node);
    double all = (double)total_of(drawing);
    double width = pixels(drawing, node);
    uint32_t row = drawing->inverted ? node->depth : drawing->deepest - node->depth;
    char own[SVG_COLOUR_SIZE];
    bool dark = false;
    const char *colour =
        drawing->compared
            ? svg_colour_of_change(node->total[FRAME_TREE_OLD].main, weight, &dark)
            : svg_colour_of_name(node == drawing->root ? "[all]" : node->name, node->module, own);
    /* What separates it from the next one is taken from its own width. */
    double inner = width > 2 * GAP ? width - GAP : width / 2;
    fprintf(out,
            "<g class=\"f%s\" data-x=\"%.0f\" data-w=\"%" PRIu64 "\" data-b=\"%" PRIu64
            "\" data-d=\"%u\">",
            dark ? " dark" : "", x, weight, node->total[FRAME_TREE_NEW].beside, node->depth);
    print_title(drawing, node);
    fprintf(out, "<rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" rx=\"1\" fill=\"%s\"/>",
            FRAMES_WIDTH * x / all, row * ROW, inner, FRAME_HEIGHT, colour);
    size_t room = (size_t)((width > 6 ? width - 6 : 0) / CHARACTER);
    if (room > 3) {
        size_t length = strnlen(node->name, room + 1);
        fprintf(out, "<text x=\"%.2f\" y=\"%u\"%s>", FRAMES_WIDTH * x / all + 3, row * ROW + 12,
                dark ? " fill=\"#fff\"" : "");
        print_cut(out, node->name, length > room ? room - 3 : length);
        fputs("</text>", out);
    }
    fputs("</g>\n", out);
}

static bool print_frames(const struct drawing *drawing)
{
    /* By depth: where the next frame of that depth begins, in the weight's unit. */
    double *next = calloc((size_t)drawing->deepest + 2, sizeof *next);
    if (!next)
        return false;
    fprintf(
        drawing->out,
        "<svg id=\"frames\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%u\" overflow=\"visible\">\n",
        MARGIN, FRAMES_TOP, FRAMES_WIDTH, (drawing->deepest + 1) * ROW);
    bool descend = true;
    for (const struct frame_node *node = drawing->root; node && !ferror(drawing->out);
         node = frame_node_next(node, descend)) {
        double x = node->depth <= drawing->deepest ? next[node->depth] : 0;
        descend = is_drawn(drawing, node);
        if (node->depth <= drawing->deepest)
            next[node->depth] = x + (double)weight_of(node);
        if (!descend)
            continue;
        print_frame(drawing, node, x);
        next[node->depth + 1] = x;
    }
    fputs("</svg>\n", drawing->out);
    free(next);
    return true;
}

/* ---- Around them ---- */

/* The measure and the program, for the tab and the page. */
static void print_heading(const struct drawing *drawing)
{
    const struct report *report = drawing->report;
    char *program = NULL;
    size_t size;
    FILE *stream = open_memstream(&program, &size);
    /* As the beginning of a sentence. */
    fprintf(drawing->out, "%c%s", toupper((unsigned char)drawing->measure.title[0]),
            drawing->measure.title + 1);
    if (drawing->compared) {
        fputs(", compared with ", drawing->out);
        print_cut(drawing->out, report->comparison->name, MOST_TITLE);
    }
    if (!stream)
        return;
    format_program(stream, report->header, &report->replay->catalog);
    if (fclose(stream) == 0) {
        fputs(": ", drawing->out);
        print_cut(drawing->out, program, MOST_TITLE);
    }
    free(program);
}

static void print_totals(const struct drawing *drawing)
{
    FILE *out = drawing->out;
    const struct measure *measure = &drawing->measure;
    const struct frame_weight *shown = &drawing->root->total[FRAME_TREE_NEW];
    const struct frame_weight *before = &drawing->root->total[FRAME_TREE_OLD];
    const struct frame_weight all = {.main = measure->total, .beside = measure->beside};
    char share[16];
    print_weight(drawing, shown, true);
    if (shown->main != all.main) {
        fprintf(out, ", %s of ", format_share(shown->main, all.main, share, sizeof share));
        print_weight(drawing, &all, true);
    }
    if (drawing->compared) {
        fputs("; before ", out);
        print_weight(drawing, before, true);
        print_change(drawing, before, shown);
    }
    fputs(drawing->inverted ? ". Callers are below." : ". Callers are below what they call.", out);
}

static void print_head(const struct drawing *drawing, unsigned height)
{
    FILE *out = drawing->out;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"graph\" class=\"%s\" width=\"%d\" "
            "height=\"%u\" data-unit=\"%s\" data-what=\"%s\">\n<title>",
            drawing->inverted ? "icicle" : "flame", WIDTH, height,
            drawing->measure.counts ? "number" : "bytes", drawing->measure.what);
    print_heading(drawing);
    fprintf(out,
            "</title>\n<style><![CDATA[\n%s]]></style>\n"
            "<rect class=\"page\" width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            text_flamegraph_css);
}

/* The lines above the frames; the script keeps them in sight, so they come last. */
static void print_banner(const struct drawing *drawing)
{
    FILE *out = drawing->out;
    fprintf(out,
            "<g id=\"head\"><rect class=\"page\" width=\"100%%\" height=\"%d\" fill=\"#fff\"/>\n",
            FRAMES_TOP - 2);
    print_line(drawing, 22, "title");
    print_heading(drawing);
    fputs("</text>\n", out);
    print_line(drawing, 42, "note");
    print_totals(drawing);
    fputs("</text>\n</g>\n", out);
}

static void print_legend(const struct drawing *drawing, unsigned y)
{
    const char *colour;
    print_line(drawing, y + 12, "note");
    fputs("shrank</text>\n", drawing->out);
    unsigned i = 0;
    for (; (colour = svg_colour_step(i)); i++)
        fprintf(drawing->out, "<rect x=\"%u\" y=\"%u\" width=\"22\" height=\"14\" fill=\"%s\"/>\n",
                60 + 22 * i, y, colour);
    fprintf(drawing->out,
            "<text class=\"note\" x=\"%u\" y=\"%u\">grew. Frames are as wide as what they weigh "
            "now.</text>\n",
            68 + 22 * i, y + 12);
}

static void print_gone(const struct drawing *drawing, unsigned y)
{
    FILE *out = drawing->out;
    char text[64];
    print_line(drawing, y + 12, "note");
    fprintf(out, "%zu frame%s no longer there%s:</text>\n", drawing->gone_count,
            drawing->gone_count == 1 ? " is" : "s are",
            drawing->gone_count > MOST_GONE ? "; those that weighed most" : "");
    for (size_t i = 0; i < drawing->gone_count && i < MOST_GONE; i++) {
        const struct frame_node *node = drawing->gone[i];
        y += LINE;
        print_line(drawing, y + 12, "gone");
        fprintf(out, "%12s  ",
                measure_format(&drawing->measure, node->total[FRAME_TREE_OLD].main, false, text,
                               sizeof text));
        print_cut(out, node->name, MOST_TITLE);
        if (node->parent && node->parent->parent) {
            fputs(drawing->inverted ? ", which called " : ", called by ", out);
            print_cut(out, node->parent->name, MOST_TITLE);
        }
        print_title(drawing, node);
        fputs("</text>\n", out);
    }
}

static unsigned gone_lines(const struct drawing *drawing)
{
    size_t named = drawing->gone_count < MOST_GONE ? drawing->gone_count : MOST_GONE;
    return named ? (unsigned)named + 1 : 0;
}

static void print_foot(const struct drawing *drawing, unsigned y)
{
    char share[16];
    if (drawing->narrow) {
        char number[32];
        print_line(drawing, y + 12, "note");
        fprintf(
            drawing->out, "%s frame%s narrower than %g pixels, %s of all, %s not drawn.</text>\n",
            format_number(drawing->narrow, number, sizeof number), drawing->narrow == 1 ? "" : "s",
            NARROWEST, format_share(drawing->narrow_weight, total_of(drawing), share, sizeof share),
            drawing->narrow == 1 ? "is" : "are");
        y += LINE;
    }
    if (drawing->compared) {
        print_legend(drawing, y);
        y += LINE;
    }
    if (drawing->gone_count)
        print_gone(drawing, y);
}

static bool draw(struct drawing *drawing)
{
    survey(drawing);
    if (!find_gone(drawing))
        return false;
    bool empty = !total_of(drawing);
    unsigned foot = FRAMES_TOP + (empty ? 1 : drawing->deepest + 1) * ROW + MARGIN;
    unsigned lines = (drawing->narrow > 0) + drawing->compared + gone_lines(drawing);
    print_head(drawing, foot + lines * LINE + MARGIN);
    if (empty) {
        print_line(drawing, FRAMES_TOP + 12, "note");
        fputs("Nothing to be drawn.</text>\n<svg id=\"frames\"/>\n", drawing->out);
    } else if (!print_frames(drawing)) {
        return false;
    }
    print_foot(drawing, foot);
    print_banner(drawing);
    fprintf(drawing->out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", text_flamegraph_js);
    return true;
}

struct error *report_flamegraph(const struct report *report, FILE *out)
{
    struct drawing drawing = {
        .report = report,
        .out = out,
        .measure = measure_of(&report->replay->totals, report->options->metric),
        .inverted = report->options->inverted,
        .compared = report->comparison != NULL,
    };
    struct error *error = frame_lines_tree(
        report, drawing.inverted ? FRAMES_FROM_SITE : FRAMES_FROM_OUTERMOST, &drawing.tree);
    if (error)
        return error;
    drawing.root = frame_tree_root(drawing.tree);
    if (!frame_tree_finish(drawing.tree, FRAME_TREE_BY_NAME) || !draw(&drawing))
        error = error_no_memory();
    free(drawing.gone);
    frame_tree_destroy(drawing.tree);
    return error;
}
