/* SPDX-License-Identifier: MIT */
/*
 * quantity.h - the numbers that a log is judged by: one table for everything that compares them
 * with a limit or with another log's. A new number is a line here.
 */
#ifndef ALLOCPTRACE_ANALYZE_QUANTITY_H
#define ALLOCPTRACE_ANALYZE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/analyze/replay.h"

struct quantity {
    const char *name;  /* in expressions */
    const char *title; /* in tables; NULL: it is in none */
    bool bytes;        /* its unit; else it is a number of things */
    uint64_t (*read)(const struct replay_totals *totals, bool attached);
    bool of_check; /* only a leak check tells it */
};

#define QUANTITY_COUNT 20

extern const struct quantity quantities[QUANTITY_COUNT];

/* The one that is named by length bytes; NULL if there is none. */
const struct quantity *quantity_find(const char *name, size_t length);

#endif
