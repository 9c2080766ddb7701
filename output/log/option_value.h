/* SPDX-License-Identifier: MIT */
/*
 * option_value.h - what both programs read from their command lines in the same way: the values
 * that options take, and what is said of an option that is refused.
 *
 * Every error is ERROR_USAGE, and names the option and what it accepts. name is the option's,
 * without its dashes. What is read from a refused value is not to be used.
 */
#ifndef ALLOCPTRACE_LOG_OPTION_VALUE_H
#define ALLOCPTRACE_LOG_OPTION_VALUE_H

#include <getopt.h>
#include <stdint.h>

#include "output/log/error.h"

/* The index of text among words (NULL-terminated). */
struct error *option_word(const char *name, const char *text, const char *const *words, int *out);
/* Several of words, separated by commas: 1 << index of each, or-ed; 32 words at most. */
struct error *option_words(const char *name, const char *text, const char *const *words,
                           unsigned *out);
/* A whole number, 0 or more: decimal digits and nothing else. */
struct error *option_number(const char *name, const char *text, uint64_t *out);
/* The same, from least to most. */
struct error *option_number_between(const char *name, const char *text, uint64_t least,
                                    uint64_t most, uint64_t *out);
/* A process or thread id. */
struct error *option_id(const char *name, const char *text, int64_t *out);
/* A finite number of seconds, 0 or more. */
struct error *option_seconds(const char *name, const char *text, double *out);
/* A finite number of seconds above 0. */
struct error *option_duration(const char *name, const char *text, double *out);
/* A number from 0 to 100, with or without a percent sign. */
struct error *option_percent(const char *name, const char *text, double *out);

/*
 * What is wrong with the word that getopt_long(3) returned refused for, ':' or '?': no value, one
 * too many, or an option that is not among those known. Of the caller's optstring the first
 * character but '+' must be ':'.
 */
struct error *option_bad(int refused, char **argv, const struct option *known);

#endif
