/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_text.h"

#include <inttypes.h>

#include "output/analyze/format.h"

const char *leak_kind_title(enum log_reach reach)
{
    static const char *const titles[LOG_REACH_KINDS] = {
        [LOG_REACHABLE] = "still reachable",
        [LOG_POSSIBLY_LOST] = "possibly lost",
        [LOG_INDIRECTLY_LOST] = "indirectly lost",
        [LOG_DEFINITELY_LOST] = "definitely lost",
    };
    return titles[reach];
}

void leak_text_amount(FILE *out, const struct leak_amount *amount, bool exact)
{
    char bytes[64], blocks[32];
    fprintf(out, "%s in %s block%s", format_bytes_both(amount->bytes, exact, bytes, sizeof bytes),
            format_number(amount->blocks, blocks, sizeof blocks), amount->blocks == 1 ? "" : "s");
}

static const char *describe_moment(uint32_t moment)
{
    static const char *const texts[] = {
        [LOG_MOMENT_EXIT] = "as it called exit",     [LOG_MOMENT_END] = "as it ended",
        [LOG_MOMENT_FATAL] = "as a signal ended it", [LOG_MOMENT_REQUEST] = "on request",
        [LOG_MOMENT_INTERVAL] = "at an interval",    [LOG_MOMENT_DETACH] = "as tracing ended",
    };
    return moment < sizeof texts / sizeof *texts ? texts[moment] : "at an unknown moment";
}

static void print_check(const struct report *report, FILE *out, uint32_t id)
{
    const struct replay *replay = report->replay;
    const struct leak_check *check = &replay->leaks.list[id];
    const struct catalog_process *process = &replay->catalog.processes[check->process];
    char time[64];
    fprintf(out, "Leak check %u of ", id);
    format_text(out, process->name);
    fprintf(out, " (process %" PRId64 "), %s, after %s%s\n", process->pid,
            describe_moment(check->moment), format_time(replay, check->time, time, sizeof time),
            check->ended ? "" : "; it was cut off, and this is what there is of it");
}

void leak_text_checks(const struct report *report, FILE *out)
{
    const struct leak_checks *checks = &report->replay->leaks;
    uint64_t count = report->replay->totals.leak_checks;
    char number[32];
    if (count != 1)
        fprintf(out, "%s leak checks%s, summed up; --leaks=checks lists them\n",
                format_number(count, number, sizeof number),
                checks->show == LEAK_SHOW_ALL ? "" : ", the last one of each process");
    for (uint32_t i = 1; count == 1 && i < checks->count; i++) {
        if (checks->list[i].shown)
            print_check(report, out, i);
    }
}

static void print_total(const struct report *report, FILE *out, const char *title,
                        const struct leak_amount *amount)
{
    fprintf(out, "%22s: ", title);
    leak_text_amount(out, amount, report->options->verbose > 0);
    fputc('\n', out);
}

void leak_text_totals(const struct report *report, FILE *out)
{
    const struct replay_totals *totals = &report->replay->totals;
    for (int reach = LOG_DEFINITELY_LOST; reach >= LOG_REACHABLE; reach--)
        print_total(report, out, leak_kind_title((enum log_reach)reach), &totals->lost[reach]);
    if (totals->lost_suppressed.blocks)
        print_total(report, out, "suppressed", &totals->lost_suppressed);
    if (totals->lost_built_in.blocks)
        print_total(report, out, "suppressed (built-in)", &totals->lost_built_in);
}
