/* SPDX-License-Identifier: MIT */
/*
 * format.h - numbers and names for people. All print to a stream; names are untrusted and come out
 * neutralized (text.h) and, beyond 4096 bytes, cut.
 */
#ifndef ALLOCPTRACE_ANALYZE_FORMAT_H
#define ALLOCPTRACE_ANALYZE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/replay.h"
#include "output/analyze/sites.h"

/* "1,234,567". Returns out. */
const char *format_number(uint64_t number, char *out, size_t size);
/* "1.25 MiB", or with exact set "1,310,720 bytes". Returns out. */
const char *format_bytes(uint64_t bytes, bool exact, char *out, size_t size);
/* "1.25 MiB (1,310,720 bytes)", or with exact set "1,310,720 bytes". Returns out. */
const char *format_bytes_both(uint64_t bytes, bool exact, char *out, size_t size);
/* "12.3%", of a total that may be 0. Returns out. */
const char *format_share(uint64_t part, uint64_t total, char *out, size_t size);

/* A time or a length of time of the replay's: "1.234 s", "12.3 us", or "5 events". Returns out. */
const char *format_time(const struct replay *replay, uint64_t time, char *out, size_t size);

/* Names are shown up to this length, in bytes: nobody reads more, and a name may stand in the file
 * once and in the output a million times. */
#define FORMAT_MOST_TEXT 4096
/* How many bytes of a text of size bytes are shown: all, or whole characters up to that length. */
size_t format_cut(const char *text, size_t size);

void format_text(FILE *out, const char *text);
/* The first size bytes of a text, which need not be terminated. */
void format_piece(FILE *out, const char *text, size_t size);
/* For a folded stack: ';', which separates frames there, becomes ':'. */
void format_folded_name(FILE *out, const char *name);

/* The traced program's command line, or its executable if that is not known. */
void format_program(FILE *out, const struct log_header *header, const struct catalog *catalog);

/* "function (file:line)", or the module where the file is not known; paths adds the file's path. */
void format_line(FILE *out, const struct catalog_line *line, bool paths);

/* "NAME (thread TID)" */
void format_thread(FILE *out, const struct catalog *catalog, uint32_t id);

void format_site(FILE *out, const struct replay *replay, const struct site *site, bool paths);

/* Prints a stack, innermost line first, each with the indentation before it. */
void format_stack(FILE *out, const struct replay *replay, uint32_t stack, const char *indent,
                  bool paths);

#endif
