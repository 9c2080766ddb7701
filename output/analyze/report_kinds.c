/* SPDX-License-Identifier: MIT */
#include "output/analyze/report_kinds.h"

#include <string.h>

static const struct report_kind kinds[] = {
    [REPORT_SUMMARY] = {"the summary", report_summary, REPLAY_BY_STACK, 0, NULL},
    [REPORT_LEAKS] = {"--leaks", report_leaks, REPLAY_BY_STACK, 0, NULL},
    [REPORT_JSON] = {"--json", report_json, REPLAY_BY_STACK, 0, NULL},
    [REPORT_FOLDED] = {"--flamegraph", report_folded, REPLAY_BY_PROCESS, 0, NULL},
};

#define EXPORT_OPTION "--export="

static const struct report_kind exports[] = {
    {EXPORT_OPTION "folded", report_folded, REPLAY_BY_PROCESS, 0, NULL},
    {EXPORT_OPTION "pprof", export_pprof, REPLAY_BY_PROCESS, 0, NULL},
    {EXPORT_OPTION "speedscope", export_speedscope, REPLAY_BY_PROCESS, 0, NULL},
};

const struct report_kind *report_kind(enum report_id id)
{
    return &kinds[id];
}

static const char *export_name(const struct report_kind *kind)
{
    return kind->option + strlen(EXPORT_OPTION);
}

const struct report_kind *report_kind_of_export(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof exports / sizeof *exports; i++) {
        const char *known = export_name(&exports[i]);
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return &exports[i];
    }
    return NULL;
}

const char *report_kind_exports(char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof exports / sizeof *exports && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 export_name(&exports[i]));
    return out;
}
