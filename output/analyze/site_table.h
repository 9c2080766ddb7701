/* SPDX-License-Identifier: MIT */
/*
 * site_table.h - a table of sites: a line for each, with numbers of its sums in columns and the
 * place at the end.
 */
#ifndef ALLOCPTRACE_ANALYZE_SITE_TABLE_H
#define ALLOCPTRACE_ANALYZE_SITE_TABLE_H

#include <stdio.h>

#include "output/analyze/report.h"
#include "output/analyze/sites.h"

/* Values that several tables have a column of. */
uint64_t site_count(const struct site *site);
uint64_t site_bytes(const struct site *site);
uint64_t site_peak_bytes(const struct site *site);
uint64_t site_leaked_bytes(const struct site *site);
uint64_t site_temporary(const struct site *site);

enum site_unit {
    SITE_BYTES,
    SITE_COUNT,
    SITE_SHARE, /* of the table's total */
    SITE_TEXT,  /* by the column's own function */
};

struct site_column {
    const char *title;
    enum site_unit unit;
    uint64_t (*value)(const struct site *site);
    /* For SITE_TEXT; total is the table's. Returns out. */
    const char *(*text)(const struct report *report, const struct site *site, uint64_t total,
                        char *out, size_t size);
    int width; /* for SITE_TEXT */
};

struct site_table {
    const struct site_column *columns;
    size_t column_count;
    uint64_t total;     /* what shares are of */
    sites_weight weigh; /* chooses the stack that -vvv shows of a site, and its order */
    bool zeros;         /* also sites that weigh nothing */
    const char *lacks;  /* what no site has if there is none to be shown: "failed calls" */
};

/* Sorts the sites (--sort-by=name, or by weight) and prints them up to --limit, with a word about
 * those left out. Without any a line takes the table's place. */
void site_table_print(const struct report *report, FILE *out, struct sites *sites,
                      const struct site_table *table);

/* The line in the place of a table that has no site: because the options let none pass, or, with
 * any set, those that pass have nothing of what the table lacks. */
void site_table_print_none(const struct report *report, FILE *out, bool any, const char *lacks);

/* The table of --metric, --sort-by and --group-by: self and, where they differ, cumulative shares
 * of total, and all sums. */
void site_table_print_sums(const struct report *report, FILE *out, struct sites *sites,
                           uint64_t total);

/* A site's place and, with -vvv, its heaviest stack, as the end of a line and those after it. */
void site_table_place(const struct report *report, FILE *out, const struct sites *sites,
                      const struct site *site, sites_weight weigh);

#endif
