/* SPDX-License-Identifier: MIT */
/*
 * text.h - makes text from an untrusted source (the target, a log, a file name) fit to be shown.
 *
 * What a terminal or an eye could be misled by is not printed as it is: control characters (C0,
 * DEL and C1, ECMA-48), line separators, the marks and overrides of the writing direction
 * (Unicode Standard Annex 9, section 2), bytes that are no UTF-8, and the two noncharacters that
 * XML excludes (XML 1.0, Char).
 */
#ifndef ALLOCPTRACE_LOG_TEXT_H
#define ALLOCPTRACE_LOG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Length of the character at the start of text, of which size bytes (at least 1) are there; *safe
 * says whether it may be shown. A byte that begins no character counts as an unsafe one.
 */
size_t text_character(const char *text, size_t size, bool *safe);

/*
 * Copies text into out (size bytes, always terminated) with unsafe characters written as \xNN for
 * each of their bytes. Returns the length that the whole result would have, as snprintf(3) does; a
 * character or an escape is kept whole or not at all.
 */
unsigned long text_sanitize(char *out, unsigned long size, const char *text);

/* The same, malloc'd; NULL when out of memory. */
char *text_neutralized(const char *text);

/* The same, to a stream. */
void text_print(FILE *out, const char *text);

/* Prints only the first character of a text of size bytes (at least 1) so; its length. */
size_t text_print_character(FILE *out, const char *text, size_t size);

/*
 * Like text_sanitize(), but as one word of a shell's command line: as it is, in quotes, or, if it
 * holds unsafe characters, as $'...' (bash, zsh, ksh and POSIX.1-2024), so that it still names the
 * same file.
 */
unsigned long text_quote(char *out, unsigned long size, const char *word);
void text_print_quoted(FILE *out, const char *word);

#endif
