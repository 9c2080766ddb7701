/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the expressions of --fail-if and --warn-if: NAME OPERATOR VALUE, blanks allowed between
 * them.
 *
 * NAME is a quantity's (quantity.h), or NAME-growth for its change against a baseline; "growth"
 * alone is the peak's. VALUE is a number, 0 or more, with a fraction, an exponent or a unit: for
 * bytes K, M, G, T, P and E (also KiB and so on) are powers of 1024, KB and so on powers of 1000;
 * for numbers of things only K and so on exist, as powers of 1000. A growth's value may be a
 * percentage of what there was before.
 */
#ifndef ALLOCPTRACE_ANALYZE_GATE_H
#define ALLOCPTRACE_ANALYZE_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "output/analyze/quantity.h"
#include "output/log/error.h"

enum gate_test {
    GATE_MORE,
    GATE_MORE_EQUAL,
    GATE_LESS,
    GATE_LESS_EQUAL,
    GATE_EQUAL,
    GATE_NOT_EQUAL,
};

struct gate {
    const char *option; /* that it was given to, for messages */
    const char *text;   /* as it was given */
    const struct quantity *quantity;
    bool growth;  /* the change against the baseline, and not the number itself */
    bool percent; /* the limit is one */
    bool warns;   /* only a warning: --warn-if */
    enum gate_test test;
    /* Finite. A long double holds each uint64_t and each difference of two exactly. */
    long double limit;
};

/* option and text must live as long as the gate. An ERROR_USAGE error names what is accepted. */
struct error *gate_parse(const char *option, const char *text, struct gate *gate);

/* Whether the expression is true. before is the baseline's number, 0 where growth is not asked
 * for. A growth from 0 to more is infinite percent. */
bool gate_trips(const struct gate *gate, uint64_t before, uint64_t now);

/* Prints, in one line, an expression that is true, what was measured and the limit. */
void gate_print(FILE *out, const struct gate *gate, uint64_t before, uint64_t now);

#endif
