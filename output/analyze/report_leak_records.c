/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "output/analyze/filter.h"
#include "output/analyze/format.h"
#include "output/analyze/leak_path_text.h"
#include "output/analyze/leak_records.h"
#include "output/analyze/leak_text.h"
#include "output/analyze/report.h"
#include "output/analyze/same_stacks.h"

/* As valgrind: what is indirectly lost is told with what leads to it. */
#define DEFAULT_KINDS (1U << LOG_DEFINITELY_LOST | 1U << LOG_POSSIBLY_LOST)

static unsigned kinds_of(const struct options *options)
{
    return options->leak_kinds ? options->leak_kinds : DEFAULT_KINDS;
}

static void print_record(const struct report *report, FILE *out, const struct leak_record *record,
                         size_t number, size_t of)
{
    const struct replay *replay = report->replay;
    bool exact = report->options->verbose > 0;
    char bytes[64], direct[64], indirect[64], blocks[32];
    fprintf(out, "\n%s", format_bytes(leak_record_bytes(record), exact, bytes, sizeof bytes));
    if (record->indirect.blocks)
        fprintf(out, " (%s direct, %s indirect)",
                format_bytes(record->direct.bytes, exact, direct, sizeof direct),
                format_bytes(record->indirect.bytes, exact, indirect, sizeof indirect));
    fprintf(out, " in %s block%s %s %s: %zu of %zu\n",
            format_number(record->direct.blocks, blocks, sizeof blocks),
            record->direct.blocks == 1 ? "" : "s", leak_record_bytes(record) == 1 ? "is" : "are",
            leak_kind_title(record->reach), number, of);
    if (record->process)
        fprintf(out, "  in process %" PRId64 "\n", replay->catalog.processes[record->process].pid);
    format_stack(out, replay, record->stack, "    ", report->options->verbose > 1);
}

/* What was left out only because it was not asked for. */
static void print_hint(const struct report *report, FILE *out, unsigned kinds)
{
    const struct replay_totals *totals = &report->replay->totals;
    unsigned there = 0;
    for (unsigned i = 0; i < LOG_REACH_KINDS; i++)
        there |= totals->lost[i].blocks ? 1U << i : 0;
    if (there & ~kinds)
        fputs("--leaks=full lists all kinds, --leak-kinds some of them\n", out);
}

static struct error *print_records(const struct report *report,
                                   const struct leak_records_query *query,
                                   const struct leak_records *records, FILE *out)
{
    size_t limit = report->options->limit;
    size_t shown = records->count < limit ? records->count : limit;
    struct leak_path_texts *paths;
    struct error *error = leak_path_texts_create(report, query, records, shown, &paths);
    if (error)
        return error;
    leak_text_checks(report, out);
    for (size_t i = 0; i < shown && !ferror(out); i++) {
        print_record(report, out, &records->list[i], i + 1, records->count);
        leak_path_texts_print(paths, i, out);
    }
    leak_path_texts_destroy(paths);
    if (shown < records->count)
        fprintf(out, "\n%zu more; --limit=0 shows all\n", records->count - shown);
    fputc('\n', out);
    leak_text_totals(report, out);
    print_hint(report, out, query->kinds);
    suppressions_print(report->suppressions, SUPPRESSED_BY_CHECK, report->options->verbose, out);
    return NULL;
}

struct error *report_leak_records(const struct report *report, FILE *out)
{
    const struct options *options = report->options;
    const struct catalog *catalog = &report->replay->catalog;
    struct leak_records records;
    uint32_t *same = same_stacks(catalog, SAME_BY_LINES);
    bool *wanted = filter_stacks(options, catalog);
    const struct leak_records_query query = {
        .kinds = kinds_of(options),
        .by_process = options->group == GROUP_PROCESS,
        .same = same,
        .wanted = wanted,
    };
    struct error *error =
        same && wanted ? leak_records_collect(report, &query, &records) : error_no_memory();
    if (!error) {
        error = print_records(report, &query, &records, out);
        leak_records_deinit(&records);
    }
    free(same);
    free(wanted);
    return error;
}
