/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "output/analyze/format.h"
#include "output/analyze/leak_text.h"
#include "output/analyze/report.h"

struct error *report_leak_summary(const struct report *report, FILE *out)
{
    leak_text_checks(report, out);
    leak_text_totals(report, out);
    suppressions_print(report->suppressions, SUPPRESSED_BY_CHECK, report->options->verbose, out);
    return NULL;
}

static void print_line(const struct report *report, FILE *out, uint32_t id)
{
    const struct replay *replay = report->replay;
    const struct leak_check *check = &replay->leaks.list[id];
    const struct catalog_process *process = &replay->catalog.processes[check->process];
    bool exact = report->options->verbose > 0;
    char time[64], bytes[64];
    fprintf(out, "%5u%s %12s  %-9s", id, check->shown ? "*" : " ",
            format_time(replay, check->time, time, sizeof time), leak_moment_name(check->moment));
    for (int reach = LOG_DEFINITELY_LOST; reach >= LOG_REACHABLE; reach--)
        fprintf(out, " %*s", exact ? 20 : 12,
                format_bytes(check->kinds[reach].bytes, exact, bytes, sizeof bytes));
    fprintf(out, "  %" PRId64 " ", process->pid);
    format_text(out, process->name);
    fprintf(out, "%s\n", check->ended ? "" : " (cut off)");
}

struct error *report_leak_checks(const struct report *report, FILE *out)
{
    const struct leak_checks *checks = &report->replay->leaks;
    int width = report->options->verbose > 0 ? 20 : 12;
    size_t shown = 0;
    if (checks->count < 2) {
        fputs("No leak checks; allocptrace --leak-check=reachable makes them.\n", out);
        return NULL;
    }
    fprintf(out, "%5s  %12s  %-9s %*s %*s %*s %*s  process\n", "check", "time", "moment", width,
            "definitely", width, "indirectly", width, "possibly", width, "reachable");
    for (uint32_t i = 1; i < checks->count && !ferror(out); i++) {
        if (!checks->list[i].selected)
            continue;
        print_line(report, out, i);
        shown += checks->list[i].shown;
    }
    if (shown)
        fputs("* is what reports show; --check chooses others\n", out);
    return NULL;
}
