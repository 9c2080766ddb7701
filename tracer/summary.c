/* SPDX-License-Identifier: MIT */
#include "tracer/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/log/text.h"

const char *summary_number(uint64_t number, char *out, size_t size)
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

static const char *human_bytes(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, size, unit ? "%.2f %s" : "%.0f %s", value, units[unit]);
    return out;
}

void summary_print(const struct session *session, const struct recorder_totals *totals,
                   const char *output)
{
    char allocations[32], bytes[32], log[32];
    fprintf(stderr, "allocptrace: %s allocations of %s in %.2f s",
            summary_number(totals->allocations, allocations, sizeof allocations),
            human_bytes(totals->bytes_allocated, bytes, sizeof bytes),
            (double)session->counters.elapsed_us / 1e6);
    if (session->spaces > 1)
        fprintf(stderr, ", %u processes", session->spaces);
    fputc('\n', stderr);
    if (totals->incomplete_stacks)
        fprintf(stderr, "allocptrace: %s stacks could not be followed to their end\n",
                summary_number(totals->incomplete_stacks, allocations, sizeof allocations));
    if (strcmp(output, "-") == 0)
        return;
    fputs("allocptrace: log: ", stderr);
    text_print(stderr, output);
    fprintf(stderr, " (%s)\nallocptrace: next: allocptrace-analyze ",
            human_bytes(totals->bytes_written, log, sizeof log));
    text_print_quoted(stderr, output);
    fputs(session->counters.leak_checks ? " --leaks\n" : "\n", stderr);
}

static void print_count(const char *name, uint64_t value)
{
    fprintf(stderr, "allocptrace: %s %" PRIu64 "\n", name, value);
}

void summary_print_stats(const struct counters *counters, const struct recorder_totals *totals)
{
    print_count("stops", counters->stops);
    print_count("breakpoint_stops", counters->breakpoint_stops);
    print_count("entries", counters->entries);
    print_count("returns", counters->returns);
    print_count("nested", counters->nested);
    print_count("passes", counters->passes);
    print_count("single_steps", counters->single_steps);
    print_count("breakpoints", counters->breakpoints);
    print_count("forced_traps", counters->forced_traps);
    print_count("unplaced_breakpoints", counters->unplaced);
    print_count("abandoned_calls", counters->abandoned);
    print_count("unwinds", totals->unwinder.stacks);
    print_count("unwound_frames", totals->unwinder.frames);
    print_count("unwind_row_misses", totals->unwinder.row_misses);
    print_count("unwind_walks", totals->unwinder.walks);
    print_count("live_unwinds", counters->live_unwinds);
    print_count("incomplete_stacks", totals->incomplete_stacks);
    print_count("depth_limited_stacks", totals->depth_stacks);
    print_count("distinct_stacks", totals->distinct_stacks);
    print_count("distinct_frames", totals->distinct_frames);
    print_count("queue_full", totals->queue_full);
    print_count("events", totals->events);
    print_count("bytes_encoded", totals->bytes_encoded);
    print_count("bytes", totals->bytes_written);
    if (counters->text_bytes) {
        print_count("text_bytes_compared", counters->text_bytes);
        print_count("text_bytes_differing", counters->text_differences);
    }
    if (counters->found_us) {
        print_count("found_blocks", counters->found_blocks);
        print_count("found_us", counters->found_us);
    }
    if (counters->verified) {
        print_count("verified_unwinds", counters->verified);
        print_count("differing_unwinds", counters->differing);
    }
    if (counters->leak_checks || counters->leak_skipped || counters->leak_uncopied) {
        print_count("leak_checks", counters->leak_checks);
        print_count("leak_copies", counters->leak_copies);
        print_count("leak_uncopied", counters->leak_uncopied);
        print_count("leak_skipped", counters->leak_skipped);
        print_count("leak_held_us", counters->leak_held_us);
        print_count("leak_longest_us", counters->leak_longest_us);
    }
    print_count("elapsed_us", counters->elapsed_us);
}
