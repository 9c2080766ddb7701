/* SPDX-License-Identifier: MIT */
#include "output/analyze/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index of text among words (NULL-terminated). */
struct error *option_word(const char *name, const char *text, const char *const *words, int *out)
{
    char accepted[128] = "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return NULL;
        }
        size_t used = strlen(accepted);
        snprintf(accepted + used, sizeof accepted - used, "%s%s", i ? ", " : "", words[i]);
    }
    return error_format(ERROR_USAGE, "--%s takes one of %s, not '%s'", name, accepted, text);
}

struct error *option_number(const char *name, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return error_format(ERROR_USAGE, "--%s takes a whole number, not '%s'", name, text);
    return NULL;
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

struct error *option_seconds(const char *name, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out) || *out < 0)
        return error_format(ERROR_USAGE, "--%s takes a number of seconds, not '%s'", name, text);
    return NULL;
}

struct error *option_percent(const char *name, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !(*out >= 0 && *out <= 100))
        return error_format(ERROR_USAGE, "--%s takes a percentage, not '%s'", name, text);
    return NULL;
}
