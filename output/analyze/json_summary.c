/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_summary.h"

void json_put_fields(struct json_build *object, const struct json_field *fields, const void *of)
{
    for (const struct json_field *field = fields; field->name; field++)
        json_put_number(object, field->name, json_field_get(field, of));
}

struct json_build json_summary_totals(const struct replay *replay)
{
    struct json_build object = json_begin();
    json_put_fields(&object, json_total_fields, &replay->totals);
    if (replay->totals.found)
        json_put_fields(&object, json_found_fields, &replay->totals);
    if (replay->totals.leak_checks)
        json_put_fields(&object, json_leak_fields, &replay->totals);
    return object;
}

struct json_build json_summary(const struct report *report)
{
    const struct replay *replay = report->replay;
    struct json_build object = json_summary_totals(replay);
    json_put_number(&object, "processes", replay->catalog.process_count - 1);
    json_put_number(&object, "threads", replay->catalog.thread_count - 1 - replay->found_threads);
    json_put(&object, "attached", json_boolean(report->header->attached));
    json_put(&object, "truncated", json_boolean(report->truncated));
    return object;
}
