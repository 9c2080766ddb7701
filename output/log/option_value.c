/* SPDX-License-Identifier: MIT */
#include "output/log/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index of the word that text begins with, length characters long, or -1. */
static int find_word(const char *text, size_t length, const char *const *words)
{
    for (int i = 0; words[i]; i++) {
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return i;
    }
    return -1;
}

struct listed_words {
    char text[128];
};

static struct listed_words list_words(const char *const *words)
{
    struct listed_words listed = {""};
    for (int i = 0; words[i]; i++) {
        size_t used = strlen(listed.text);
        snprintf(listed.text + used, sizeof listed.text - used, "%s%s", i ? ", " : "", words[i]);
    }
    return listed;
}

struct error *option_word(const char *name, const char *text, const char *const *words, int *out)
{
    int found = find_word(text, strlen(text), words);
    if (found < 0)
        return error_format(ERROR_USAGE, "--%s takes one of %s, not '%s'", name,
                            list_words(words).text, text);
    *out = found;
    return NULL;
}

struct error *option_words(const char *name, const char *text, const char *const *words,
                           unsigned *out)
{
    *out = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        int found = find_word(at, length, words);
        if (found < 0)
            return error_format(ERROR_USAGE,
                                "--%s takes one of %s or, separated by commas, several of them, "
                                "not '%s'",
                                name, list_words(words).text, text);
        *out |= 1U << found;
        at += length;
        if (!*at)
            return NULL;
    }
}

/* false: it is none, or larger than any. */
static bool read_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    /* strtoull() would take blanks and signs, too. */
    return isdigit((unsigned char)*text) && !*end && !errno;
}

struct error *option_number(const char *name, const char *text, uint64_t *out)
{
    if (read_number(text, out))
        return NULL;
    return error_format(ERROR_USAGE, "--%s takes a whole number, not '%s'", name, text);
}

struct error *option_number_between(const char *name, const char *text, uint64_t least,
                                    uint64_t most, uint64_t *out)
{
    if (read_number(text, out) && *out >= least && *out <= most)
        return NULL;
    return error_format(ERROR_USAGE,
                        "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", name,
                        least, most, text);
}

struct error *option_id(const char *name, const char *text, int64_t *out)
{
    uint64_t number;
    struct error *error = option_number(name, text, &number);
    if (!error && number > INT32_MAX)
        error = error_format(ERROR_USAGE, "--%s: there is no such id as %s", name, text);
    *out = (int64_t)number;
    return error;
}

/* false: it is none, infinite, or below 0. */
static bool read_seconds(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out) && *out >= 0;
}

struct error *option_seconds(const char *name, const char *text, double *out)
{
    if (read_seconds(text, out))
        return NULL;
    return error_format(ERROR_USAGE, "--%s takes a number of seconds, not '%s'", name, text);
}

struct error *option_duration(const char *name, const char *text, double *out)
{
    if (read_seconds(text, out) && *out > 0)
        return NULL;
    return error_format(ERROR_USAGE, "--%s takes a number of seconds above 0, not '%s'", name,
                        text);
}

struct error *option_percent(const char *name, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !(*out >= 0 && *out <= 100))
        return error_format(ERROR_USAGE, "--%s takes a percentage, not '%s'", name, text);
    return NULL;
}

/* Of options that are known only long ones fail in this way, when they are given a value. */
static bool is_known(const struct option *known, int value)
{
    for (; known->name; known++) {
        if (known->val == value)
            return true;
    }
    return false;
}

struct error *option_bad(int refused, char **argv, const struct option *known)
{
    const char *word = argv[optind - 1];
    if (refused == ':')
        return error_format(ERROR_USAGE, "option '%s' needs a value; see --help", word);
    if (optopt && !is_known(known, optopt))
        return error_format(ERROR_USAGE, "unknown option '-%c'; see --help", optopt);
    if (optopt)
        return error_format(ERROR_USAGE, "option '%s' takes no value; see --help", word);
    return error_format(ERROR_USAGE, "unknown option '%s'; see --help", word);
}
