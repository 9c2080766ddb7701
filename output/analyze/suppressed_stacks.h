/* SPDX-License-Identifier: MIT */
/*
 * suppressed_stacks.h - which stacks a set of suppressions matches (suppressions.h says how).
 */
#ifndef ALLOCPTRACE_ANALYZE_SUPPRESSED_STACKS_H
#define ALLOCPTRACE_ANALYZE_SUPPRESSED_STACKS_H

#include <stdint.h>

#include "output/analyze/suppressions.h"

/* By stack id: the number from 1 of the suppression that it is suppressed by, 0 for none. To be
 * freed; NULL when out of memory. */
uint32_t *suppressed_stacks(const struct suppressions *suppressions, const struct catalog *catalog);

#endif
