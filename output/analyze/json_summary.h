/* SPDX-License-Identifier: MIT */
/*
 * json_summary.h - the totals of a replay as JSON.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_SUMMARY_H
#define ALLOCPTRACE_ANALYZE_JSON_SUMMARY_H

#include "output/analyze/json_build.h"
#include "output/analyze/json_fields.h"
#include "output/analyze/report.h"

void json_put_fields(struct json_build *object, const struct json_field *fields, const void *of);

/* The numbers of a replay's totals. */
struct json_build json_summary_totals(const struct replay *replay);
/* The same and what else the member "summary" has. */
struct json_build json_summary(const struct report *report);

#endif
