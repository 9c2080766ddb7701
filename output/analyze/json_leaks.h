/* SPDX-License-Identifier: MIT */
/*
 * json_leaks.h - the member "leak_checks": an object for each check of the log.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_LEAKS_H
#define ALLOCPTRACE_ANALYZE_JSON_LEAKS_H

#include <stdio.h>

#include "output/analyze/json_build.h"
#include "output/analyze/report.h"
#include "output/log/error.h"

/* Prints the objects, in the order of the log; those that are shown have their sites. */
struct error *json_leaks_print(const struct report *report, FILE *out);

/* All that a check says but its sites, by its id. */
struct json_build json_leaks_check(const struct report *report, uint32_t id);

#endif
