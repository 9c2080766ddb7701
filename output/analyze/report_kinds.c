/* SPDX-License-Identifier: MIT */
#include "output/analyze/report_kinds.h"

#include <string.h>

#include "output/analyze/block_spool.h"
#include "output/analyze/heaptrack_events.h"
#include "output/analyze/page_histograms.h"
#include "output/analyze/views.h"

static const struct report_kind kinds[] = {
    [REPORT_SUMMARY] = {"the summary", report_summary, REPLAY_BY_STACK, REPLAY_NEEDS_CURVE, NULL},
    [REPORT_COMPARE] = {"--compare", report_compare, REPLAY_BY_STACK, 0, NULL},
    [REPORT_LEAKS] = {"--leaks", report_leaks, REPLAY_BY_STACK, REPLAY_NEEDS_PATHS, NULL},
    [REPORT_LEAK_SUMMARY] = {"--leaks=summary", report_leak_summary, REPLAY_BY_STACK, 0, NULL},
    [REPORT_LEAK_CHECKS] = {"--leaks=checks", report_leak_checks, REPLAY_BY_STACK, 0, NULL},
    [REPORT_UNFREED] = {"--leaks=unfreed", report_unfreed, REPLAY_BY_STACK, 0, NULL},
    [REPORT_JSON] = {"--json", report_json, REPLAY_BY_STACK, REPLAY_NEEDS_PATHS, NULL},
    [REPORT_TIMELINE] = {"--timeline", report_timeline, REPLAY_BY_STACK, REPLAY_NEEDS_HISTORY,
                         NULL},
    [REPORT_SAVED] = {"--save", report_saved, REPLAY_BY_PROCESS, 0, NULL},
    [REPORT_TIMELINE_SVG] = {"--timeline", report_timeline_svg, REPLAY_BY_STACK,
                             REPLAY_NEEDS_HISTORY, NULL},
    [REPORT_TIMELINE_HTML] = {"--timeline", report_timeline_html, REPLAY_BY_STACK,
                              REPLAY_NEEDS_HISTORY, NULL},
    [REPORT_HTML] = {"--html", report_html, REPLAY_BY_THREAD,
                     REPLAY_NEEDS_HISTORY | REPLAY_NEEDS_PATHS, page_histograms_observe},
    [REPORT_FOLDED] = {"--flamegraph", report_folded, REPLAY_BY_PROCESS, 0, NULL},
    [REPORT_TOP_DOWN] = {"--tree=top-down", report_top_down, REPLAY_BY_PROCESS, 0, NULL},
    [REPORT_BOTTOM_UP] = {"--tree=bottom-up", report_bottom_up, REPLAY_BY_PROCESS, 0, NULL},
    [REPORT_FLAMEGRAPH] = {"--flamegraph", report_flamegraph, REPLAY_BY_PROCESS, 0, NULL},
};

#define VIEW_OPTION "--view="

static const struct report_kind views[] = {
    {VIEW_OPTION "peak", view_peak, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "temporary", view_temporary, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "growth", view_growth, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "slack", view_slack, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "sizes", view_sizes, REPLAY_BY_STACK, REPLAY_NEEDS_BUCKETS, NULL},
    {VIEW_OPTION "lifetimes", view_lifetimes, REPLAY_BY_STACK, REPLAY_NEEDS_BUCKETS, NULL},
    {VIEW_OPTION "long-lived", view_long_lived, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "threads", view_threads, REPLAY_BY_THREAD, 0, NULL},
    {VIEW_OPTION "cross-thread", view_cross_thread, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "failed", view_failed, REPLAY_BY_STACK, 0, NULL},
    {VIEW_OPTION "bad-frees", view_bad_frees, REPLAY_BY_STACK, REPLAY_NEEDS_BAD_FREES, NULL},
};

#define EXPORT_OPTION "--export="

static const struct report_kind exports[] = {
    {EXPORT_OPTION "folded", report_folded, REPLAY_BY_PROCESS, 0, NULL},
    {EXPORT_OPTION "pprof", export_pprof, REPLAY_BY_PROCESS, 0, NULL},
    {EXPORT_OPTION "speedscope", export_speedscope, REPLAY_BY_PROCESS, 0, NULL},
    {EXPORT_OPTION "sqlite", export_sqlite, REPLAY_BY_THREAD, 0, NULL},
    {EXPORT_OPTION "sqlite-blocks", export_sqlite, REPLAY_BY_THREAD, 0, block_spool_create},
    {EXPORT_OPTION "valgrind-xml", export_valgrind_xml, REPLAY_BY_PROCESS, REPLAY_NEEDS_BAD_FREES,
     NULL},
    {EXPORT_OPTION "heaptrack", export_heaptrack, REPLAY_BY_STACK, 0, heaptrack_events_observe},
    {EXPORT_OPTION "dhat", export_dhat, REPLAY_BY_STACK, 0, NULL},
    {EXPORT_OPTION "massif", export_massif, REPLAY_BY_STACK, REPLAY_NEEDS_HISTORY, NULL},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

const struct report_kind *report_kind(enum report_id id)
{
    return &kinds[id];
}

/* What stands behind the '=' of an option. */
static const char *name_of(const struct report_kind *kind)
{
    return strchr(kind->option, '=') + 1;
}

static const struct report_kind *find(const struct report_kind *list, size_t count,
                                      const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        const char *known = name_of(&list[i]);
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return &list[i];
    }
    return NULL;
}

static const char *names_of(const struct report_kind *list, size_t count, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name_of(&list[i]));
    return out;
}

const struct report_kind *report_kind_of_view(const char *name, size_t length)
{
    return find(views, COUNT_OF(views), name, length);
}

const char *report_kind_views(char *out, size_t size)
{
    return names_of(views, COUNT_OF(views), out, size);
}

const struct report_kind *report_kind_of_export(const char *name, size_t length)
{
    return find(exports, COUNT_OF(exports), name, length);
}

const char *report_kind_exports(char *out, size_t size)
{
    return names_of(exports, COUNT_OF(exports), out, size);
}
