/* SPDX-License-Identifier: MIT */
/*
 * leak_options.h - whether a log has the leak checks that the command line asks about.
 */
#ifndef ALLOCPTRACE_ANALYZE_LEAK_OPTIONS_H
#define ALLOCPTRACE_ANALYZE_LEAK_OPTIONS_H

#include "output/analyze/options.h"
#include "output/analyze/replay.h"
#include "output/log/error.h"

/* An ERROR_USAGE error says what the finished replay does not have, and how to get it. */
struct error *leak_options_check(const struct options *options, const struct replay *replay);

/* The same for a baseline that a gate compares with. */
struct error *leak_options_check_baseline(const struct options *options,
                                          const struct replay *baseline);

#endif
