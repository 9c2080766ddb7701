/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_fields.h"

#define TOTAL(name, field)                                                                         \
    {                                                                                              \
        name, offsetof(struct replay_totals, field)                                                \
    }
#define SUM(name, field)                                                                           \
    {                                                                                              \
        name, offsetof(struct replay_sums, field)                                                  \
    }

const struct json_field json_total_fields[] = {
    TOTAL("total_allocations", allocations),
    TOTAL("total_deallocations", deallocations),
    TOTAL("total_reallocations", reallocations),
    TOTAL("total_bytes_allocated", bytes),
    TOTAL("peak_memory", peak_bytes),
    TOTAL("peak_blocks", peak_blocks),
    TOTAL("current_memory", left_bytes),
    TOTAL("leaked_bytes", leaked_bytes),
    TOTAL("leaked_blocks", leaked),
    TOTAL("suppressed_bytes", suppressed_bytes),
    TOTAL("suppressed_blocks", suppressed),
    TOTAL("built_in_suppressed_bytes", built_in_bytes),
    TOTAL("built_in_suppressed_blocks", built_in),
    TOTAL("temporary_allocations", temporary),
    TOTAL("temporary_bytes", temporary_bytes),
    TOTAL("failed_allocations", failed),
    TOTAL("moved_reallocations", moved),
    TOTAL("copied_bytes", copied),
    TOTAL("grown_buffers", chains),
    TOTAL("cross_thread_frees", foreign),
    TOTAL("slack_bytes", slack),
    TOTAL("slack_known", slack_count),
    TOTAL("peak_slack_bytes", peak_slack),
    TOTAL("unknown_frees", unknown_frees),
    TOTAL("inherited_frees", inherited_frees),
    TOTAL("missed_frees", missed_frees),
    TOTAL("mapped_bytes", mapped_bytes),
    TOTAL("mapped_peak", mapped_peak),
    TOTAL("mapped_at_end", mapped_end),
    TOTAL("events", events),
    {NULL, 0},
};

const struct json_field json_found_fields[] = {
    TOTAL("before_attach_blocks", found),
    TOTAL("before_attach_bytes", found_bytes),
    TOTAL("before_attach_freed", found_freed),
    TOTAL("before_attach_freed_bytes", found_freed_bytes),
    TOTAL("before_attach_left_bytes", found_left_bytes),
    {NULL, 0},
};

const struct json_field json_leak_fields[] = {
    TOTAL("leak_checks", leak_checks),
    TOTAL("definitely_lost_bytes", lost[LOG_DEFINITELY_LOST].bytes),
    TOTAL("definitely_lost_blocks", lost[LOG_DEFINITELY_LOST].blocks),
    TOTAL("indirectly_lost_bytes", lost[LOG_INDIRECTLY_LOST].bytes),
    TOTAL("indirectly_lost_blocks", lost[LOG_INDIRECTLY_LOST].blocks),
    TOTAL("possibly_lost_bytes", lost[LOG_POSSIBLY_LOST].bytes),
    TOTAL("possibly_lost_blocks", lost[LOG_POSSIBLY_LOST].blocks),
    TOTAL("still_reachable_bytes", lost[LOG_REACHABLE].bytes),
    TOTAL("still_reachable_blocks", lost[LOG_REACHABLE].blocks),
    TOTAL("lost_suppressed_bytes", lost_suppressed.bytes),
    TOTAL("lost_suppressed_blocks", lost_suppressed.blocks),
    TOTAL("lost_built_in_suppressed_bytes", lost_built_in.bytes),
    TOTAL("lost_built_in_suppressed_blocks", lost_built_in.blocks),
    {NULL, 0},
};

const struct json_field json_sum_fields[] = {
    SUM("count", count),
    SUM("total_bytes", bytes),
    SUM("peak_bytes", peak_bytes),
    SUM("peak_count", peak),
    SUM("leaked_bytes", leaked_bytes),
    SUM("leaked_count", leaked),
    SUM("temporary", temporary),
    SUM("temporary_bytes", temporary_bytes),
    SUM("reallocations", reallocations),
    SUM("failed", failed),
    SUM("failed_bytes", failed_bytes),
    SUM("moved", moved),
    SUM("copied_bytes", copied),
    SUM("grown_buffers", chains),
    SUM("longest_growth", chain_length),
    SUM("longest_growth_from", chain_first),
    SUM("longest_growth_to", chain_last),
    SUM("cross_thread_frees", foreign),
    SUM("slack_bytes", slack),
    SUM("slack_known", slack_count),
    SUM("peak_slack_bytes", peak_slack),
    {NULL, 0},
};
