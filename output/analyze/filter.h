/* SPDX-License-Identifier: MIT */
/*
 * filter.h - what --filter lets through: an extended regular expression that is looked for in a
 * line's function, module and file. Without --filter everything matches.
 */
#ifndef ALLOCPTRACE_ANALYZE_FILTER_H
#define ALLOCPTRACE_ANALYZE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "output/analyze/catalog.h"
#include "output/analyze/options.h"

/* Whether any of the three matches. */
bool filter_matches(const regex_t *regex, const struct catalog_line *line);

bool filter_line(const struct options *options, const struct catalog_line *line);

/* By stack id: whether any line of the stack matches. malloc'd; NULL when out of memory. */
bool *filter_stacks(const struct options *options, const struct catalog *catalog);

#endif
