/* SPDX-License-Identifier: MIT */
/* --leaks with --compare: the stacks with more that was not freed than in the baseline. */
#include <stdlib.h>

#include "output/analyze/color.h"
#include "output/analyze/filter.h"
#include "output/analyze/format.h"
#include "output/analyze/report.h"

struct growth {
    const struct comparison_stack *stack;
    uint64_t bytes, blocks; /* more than before; 0 if there are fewer */
};

static uint64_t more(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static int by_growth(const void *one, const void *other)
{
    const struct growth *a = one;
    const struct growth *b = other;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->blocks != b->blocks)
        return a->blocks < b->blocks ? 1 : -1;
    return (a->stack > b->stack) - (a->stack < b->stack); /* in the log's order */
}

/* A stack with more blocks but fewer bytes has not got worse. */
static bool has_grown(const struct options *options, const struct comparison_stack *stack,
                      struct growth *growth)
{
    *growth = (struct growth){
        .stack = stack,
        .bytes = more(stack->before.leaked_bytes, stack->now.leaked_bytes),
        .blocks = more(stack->before.leaked, stack->now.leaked),
    };
    bool worse =
        growth->bytes || (growth->blocks && stack->before.leaked_bytes == stack->now.leaked_bytes);
    return worse && growth->bytes >= options->threshold_bytes &&
           growth->blocks >= options->min_count;
}

static void print_amount(FILE *out, uint64_t bytes, uint64_t blocks, bool exact)
{
    char text[64], number[32];
    fprintf(out, "%s in %s block%s", format_bytes(bytes, exact, text, sizeof text),
            format_number(blocks, number, sizeof number), blocks == 1 ? "" : "s");
}

static void print_growth(const struct report *report, FILE *out, const struct growth *growth,
                         size_t number, size_t of)
{
    const struct options *options = report->options;
    const struct comparison_stack *stack = growth->stack;
    bool exact = options->verbose;
    bool colors = color_wanted(options->color, out);
    fprintf(out, "\n%s", color_code(COLOR_WORSE, colors));
    print_amount(out, growth->bytes, growth->blocks, exact);
    fprintf(out, " more not freed%s, ", color_code(COLOR_PLAIN, colors));
    print_amount(out, stack->now.leaked_bytes, stack->now.leaked, exact);
    fputs(stack->before.leaked ? " now, " : " now, none", out);
    if (stack->before.leaked)
        print_amount(out, stack->before.leaked_bytes, stack->before.leaked, exact);
    fprintf(out, " before: %zu of %zu\n", number, of);
    if (stack->task) {
        fputs("  in ", out);
        format_text(out, stack->task);
        fputc('\n', out);
    }
    format_stack(out, report->replay, stack->stack, "    ", options->verbose > 1);
}

struct error *report_leaks_compare(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    const struct comparison *comparison = report->comparison;
    struct growth *list = calloc(comparison->count + 1, sizeof *list);
    bool *wanted = filter_stacks(options, &report->replay->catalog);
    size_t count = 0;
    uint64_t bytes = 0;
    uint64_t blocks = 0;
    /* What leaks now has a stack of the log's own. */
    for (size_t i = 0; list && wanted && i < comparison->count; i++) {
        const struct comparison_stack *stack = &comparison->stacks[i];
        if (stack->gone || !wanted[stack->stack] || !has_grown(options, stack, &list[count]))
            continue;
        bytes += list[count].bytes;
        blocks += list[count].blocks;
        count++;
    }
    if (!list || !wanted) {
        free(list);
        free(wanted);
        return error_no_memory();
    }
    free(wanted);
    qsort(list, count, sizeof *list, by_growth);
    size_t shown = count < options->limit ? count : options->limit;
    print_amount(out, bytes, blocks, options->verbose);
    fprintf(out, " more not freed than in the baseline, from %zu stack%s\n", count,
            count == 1 ? "" : "s");
    for (size_t i = 0; i < shown; i++)
        print_growth(report, out, &list[i], i + 1, count);
    if (shown < count)
        fprintf(out, "\n%zu more; --limit=0 shows all\n", count - shown);
    free(list);
    suppressions_print_built_in(report->suppressions, report->options->verbose, out);
    suppressions_print(report->suppressions, SUPPRESSED_UNFREED, report->options->verbose, out);
    return NULL;
}
