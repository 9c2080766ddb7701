/* SPDX-License-Identifier: MIT */
/*
 * json_compare.h - the member "compare" of the JSON report.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_COMPARE_H
#define ALLOCPTRACE_ANALYZE_JSON_COMPARE_H

#include <stdio.h>

#include "output/analyze/report.h"
#include "output/log/error.h"

/* Prints the object: the baseline, all totals and the sites that changed, each before and now. */
struct error *json_compare_print(const struct report *report, FILE *out);

#endif
