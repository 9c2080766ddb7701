/* SPDX-License-Identifier: MIT */
/*
 * report_fixture.h - prints a report of a replay into memory.
 */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/analyze/report.h"

static inline struct options fixture_report_options(void)
{
    static const char *const log = "x.cbor";
    return (struct options){.logs = &log,
                            .log_count = 1,
                            .limit = 10,
                            .sort = SORT_DEFAULT,
                            .group = GROUP_LINE,
                            .pid = -1,
                            .tid = -1};
}

/* The caller frees the text. */
static inline char *fixture_print(struct error *(*print)(const struct report *report, FILE *out),
                                  const struct replay *replay, const struct options *options,
                                  const struct log_header *header)
{
    struct report report = {.options = options, .replay = replay, .header = header};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_null(print(&report, out));
    fclose(out);
    char *copy = strdup(text); /* the stream's own pointer must not outlive this frame */
    free(text);
    assert_non_null(copy);
    return copy;
}

#endif
