/* SPDX-License-Identifier: MIT */
/*
 * reach_heuristics.h - which pointers into the middle of a block count as pointers to its beginning
 * (valgrind manual, 4.2.8, --leak-check-heuristics):
 *
 * length64             behind a first word that tells the length of the rest
 * newarray             behind a first word that divides the length of the rest: a number of
 *                      elements, as new[] stores it for destructors
 * stdstring            behind length, capacity and a reference count, where the capacity fits the
 *                      block: std::string before the C++11 ABI
 * multipleinheritance  to a word that points to a table of virtual functions, as the block's first
 *                      word does: a further base class
 *
 * length64 needs no test of its own: a length divides itself.
 */
#ifndef ALLOCPTRACE_TRACER_LEAKS_REACH_HEURISTICS_H
#define ALLOCPTRACE_TRACER_LEAKS_REACH_HEURISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/leaks/reach.h"

/* What the beginning of a block says, as bits; once it is known. */
enum reach_head {
    REACH_HEAD_ARRAY = 1,  /* a pointer to its second word counts: length64, newarray */
    REACH_HEAD_STRING = 2, /* one to its fourth: stdstring */
    REACH_HEAD_OBJECT = 4, /* it begins with a table of virtual functions */
};

#define REACH_HEAD_WORDS 2 /* of a block are looked at, as far as it has them */

#define REACH_TABLES 256

struct reach_heuristics {
    const struct reach_input *input;
    struct reach_table {
        uint64_t address;
        bool is_table;
    } tables[REACH_TABLES]; /* those asked for before, by a hash of their address */
};

void reach_heuristics_init(struct reach_heuristics *heuristics, const struct reach_input *input);
/* Bits of enum reach_head. */
unsigned reach_head(struct reach_heuristics *heuristics, const struct live_block *block,
                    const uint64_t words[REACH_HEAD_WORDS]);

enum reach_guess {
    REACH_GUESS_NO,
    REACH_GUESS_YES,
    REACH_GUESS_TABLE, /* yes, if the word that the pointer leads to is a table's address */
};
enum reach_guess reach_guess(const struct live_block *block, unsigned head, uint64_t pointer);
bool reach_is_table(struct reach_heuristics *heuristics, uint64_t address);

#endif
