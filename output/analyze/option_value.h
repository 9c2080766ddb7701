/* SPDX-License-Identifier: MIT */
/*
 * option_value.h - the values that options take. Every ERROR_USAGE error names the option and what
 * it accepts; name is the option's, without its dashes.
 */
#ifndef ALLOCPTRACE_ANALYZE_OPTION_VALUE_H
#define ALLOCPTRACE_ANALYZE_OPTION_VALUE_H

#include <stdint.h>

#include "output/log/error.h"

/* The index of text among words (NULL-terminated). */
struct error *option_word(const char *name, const char *text, const char *const *words, int *out);
/* A whole number, 0 or more. */
struct error *option_number(const char *name, const char *text, uint64_t *out);
/* A process or thread id. */
struct error *option_id(const char *name, const char *text, int64_t *out);
/* A finite number of seconds, 0 or more. */
struct error *option_seconds(const char *name, const char *text, double *out);

/* A number from 0 to 100, with or without a percent sign. */
struct error *option_percent(const char *name, const char *text, double *out);

#endif
