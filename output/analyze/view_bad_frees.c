/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "output/analyze/format.h"
#include "output/analyze/views.h"

/* What had been at the address. */
static void print_before(const struct report *report, FILE *out, const struct bad_free *bad)
{
    const struct replay *replay = report->replay;
    char time[48], bytes[64];
    fprintf(out, "  it was freed before, at %s",
            format_time(replay, bad->freed_at, time, sizeof time));
    fputs(" in ", out);
    format_thread(out, &replay->catalog, bad->freed_by);
    if (!bad->row) {
        fputc('\n', out);
        return;
    }
    fprintf(out, "\n  it was %s allocated at\n",
            format_bytes(bad->size, report->options->verbose, bytes, sizeof bytes));
    format_stack(out, replay, replay->rows[bad->row].stack, "    ", report->options->verbose > 1);
}

static void print_bad(const struct report *report, FILE *out, const struct bad_free *bad)
{
    const struct replay *replay = report->replay;
    char time[48];
    const char *what = bad->freed_by              ? "Double free"
                       : report->header->attached ? "Free of an unknown block"
                                                  : "Invalid free";
    fprintf(out, "\n%s of 0x%" PRIx64 " at %s", what, bad->address,
            format_time(replay, bad->time, time, sizeof time));
    fputs(" in ", out);
    format_thread(out, &replay->catalog, bad->thread);
    fputc('\n', out);
    if (bad->stack)
        format_stack(out, replay, bad->stack, "    ", report->options->verbose > 1);
    if (bad->freed_by)
        print_before(report, out, bad);
}

struct error *view_bad_frees(const struct report *report, FILE *out)
{
    const struct bad_frees *frees = &report->replay->bad_frees;
    char number[32];
    size_t shown = 0;
    size_t doubles = 0;
    size_t left = 0;
    bool stacks = false;
    for (size_t i = 0; i < frees->count; i++) {
        doubles += frees->list[i].freed_by && !frees->list[i].cleanup;
        stacks = stacks || frees->list[i].stack;
    }
    fprintf(out, "Invalid frees: %s of addresses where no block was alive",
            format_number(report->replay->totals.unknown_frees, number, sizeof number));
    fprintf(out, ", of them %s double frees\n", format_number(doubles, number, sizeof number));
    if (report->header->attached)
        fputs("Blocks from before tracing began are unknown: their frees are listed as well\n",
              out);
    if (report->replay->totals.unknown_frees && !stacks)
        fputs(
            "Where they were called the log does not tell: allocptrace --free-stacks records it\n",
            out);
    for (size_t i = 0; i < frees->count; i++) {
        if (frees->list[i].cleanup)
            continue;
        if (shown == report->options->limit) {
            left++;
            continue;
        }
        shown++;
        print_bad(report, out, &frees->list[i]);
    }
    if (left)
        fprintf(out, "\n%zu more; --limit=0 shows all\n", left);
    if (frees->count == BAD_FREES_MOST)
        fprintf(out, "\nOnly the first %d were kept\n", BAD_FREES_MOST);
    return NULL;
}
