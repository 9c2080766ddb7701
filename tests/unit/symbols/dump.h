/* SPDX-License-Identifier: MIT */
/*
 * dump.h - what the dumper writes of its stacks: first DUMP_MAPS bytes of text, /proc/self/maps
 * padded with zeros, then records to the end. A record is a struct dump and its regions' bytes.
 */
#ifndef ALLOCPTRACE_TESTS_DUMP_H
#define ALLOCPTRACE_TESTS_DUMP_H

#include <stdint.h>

#define DUMP_MAPS 16384
#define DUMP_REGIONS 2
#define DUMP_TRUTH 16

struct dump {
    uint64_t registers[17]; /* in DWARF numbering */
    uint64_t at_entry;
    uint64_t truth_count;
    uint64_t truth[DUMP_TRUTH]; /* return addresses of functions on the stack, innermost first */
    struct {
        uint64_t start, size;
    } regions[DUMP_REGIONS];
};

#endif
