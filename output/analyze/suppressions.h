/* SPDX-License-Identifier: MIT */
/*
 * suppressions.h - leaks that are known and not to be counted, in LeakSanitizer's format.
 *
 * A file has a suppression on each line, leak:PATTERN; lines that are blank or begin with '#' do
 * not count. A pattern is looked for anywhere in a name, '*' stands for any characters, '^' at its
 * beginning and '$' tie it to the name's ends. Each part between is looked for once, at its first
 * place, as LeakSanitizer does. A leak is suppressed if a pattern matches the module's path, a
 * function or a source file of any frame of its stack; the innermost frame that matches decides
 * which one it was, then the order in the files.
 * https://clang.llvm.org/docs/AddressSanitizer.html, section "Suppressing memory leaks"
 *
 * What is built in (builtin.supp) is for memory that the C library and its kin keep for themselves.
 * It counts behind what is given, matches no source file, and only where nobody else's code has a
 * part: between the allocation and the frame that matches, with that one, all are in the
 * allocator's module or in those that the file lists.
 */
#ifndef ALLOCPTRACE_ANALYZE_SUPPRESSIONS_H
#define ALLOCPTRACE_ANALYZE_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/replay.h"
#include "output/log/error.h"

struct suppression {
    char *pattern;
    uint64_t blocks, bytes;             /* of what was not freed, that it has suppressed */
    uint64_t check_blocks, check_bytes; /* of what leak checks found */
};

/* One of zeros is empty. */
struct suppressions {
    struct suppression *list; /* in the order of the files, then those that are built in */
    size_t count;
    size_t given;   /* how many of them are not built in */
    char **modules; /* patterns of the C library's modules */
    size_t module_count;
};

bool suppression_matches(const char *pattern, const char *text);

/* Adds those of a file. An ERROR_USAGE error names the file and the line. */
struct error *suppressions_read(struct suppressions *suppressions, const char *path);
/* Adds those that are built in; the last ones to be added. */
struct error *suppressions_add_built_in(struct suppressions *suppressions);
void suppressions_deinit(struct suppressions *suppressions);

/*
 * Takes the leaks that are suppressed out of what has leaked in a finished replay, in its rows and
 * totals, and out of what its leak checks found. Of those an indirectly lost block is suppressed
 * with the block that leads to it, too. count says whether the suppressions' own sums are to grow.
 */
struct error *suppressions_apply(struct suppressions *suppressions, struct replay *replay,
                                 bool count);

/* What suppressions have suppressed of. */
enum suppressed_of {
    SUPPRESSED_UNFREED,  /* what was not freed */
    SUPPRESSED_BY_CHECK, /* what leak checks found */
};

/* A table of those that have matched, with an empty line before it; nothing if there are none. Of
 * those that are built in there is another one, if wanted. */
void suppressions_print(const struct suppressions *suppressions, enum suppressed_of of,
                        bool built_in, FILE *out);
/* A line that says what those that are built in have suppressed of what was not freed, with an
 * empty one before it; nothing if that is nothing. */
void suppressions_print_built_in(const struct suppressions *suppressions, bool exact, FILE *out);

#endif
