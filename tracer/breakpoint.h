/* SPDX-License-Identifier: MIT */
/*
 * breakpoint.h - the breakpoints of one address space, found by address at every stop.
 *
 * A breakpoint stays in place once set: a thread that hit it goes on in the slot, the relocated
 * copy of the covered instruction (relocate.h). The table knows nothing of processes; space.h
 * writes the bytes.
 */
#ifndef ALLOCPTRACE_TRACER_BREAKPOINT_H
#define ALLOCPTRACE_TRACER_BREAKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allocator_function;

enum breakpoint_role {
    BREAKPOINT_ENTRY = 1,  /* a traced function's first instruction */
    BREAKPOINT_RETURN = 2, /* a return address of traced calls */
    BREAKPOINT_LINKER = 4, /* the dynamic linker reports a change of its link map */
    /* Functions that sigtrap.h has to know of: sigaction(3), pthread_sigmask(3). */
    BREAKPOINT_SIGACTION = 8,
    BREAKPOINT_SIGMASK = 16,
    BREAKPOINT_PTRACE = 32, /* ptrace(2) is called, see conflicts.h */
    BREAKPOINT_EXIT = 64,   /* the program ends itself, see leak_moments.h */
};

/* Bytes behind a breakpoint by which the code that it was put into is known again. */
#define BREAKPOINT_TAIL 7

struct breakpoint {
    uint64_t address;
    uint8_t original;  /* the byte that the breakpoint replaced */
    uint8_t roles;     /* enum breakpoint_role, or-ed; 0: not set (any more) */
    uint8_t length;    /* bytes of original code that the slot stands for */
    uint8_t slot_size; /* bytes */
    uint8_t slot_done; /* offset in the slot of the jump back, see relocated.done */
    bool unambiguous;  /* a thread at address + 1 came from the breakpoint */
    bool settled;      /* in code as its file has it, which comes and goes with the dynamic linker's
                          word; other code may change at any time, see planted.h */
    uint8_t tail_size; /* of tail */
    uint8_t tail[BREAKPOINT_TAIL]; /* original code behind the breakpoint */
    uint64_t slot; /* address of the relocated copy; 0: it must be single-stepped in place */
    const struct allocator_function *function; /* for BREAKPOINT_ENTRY */
    bool glibc_heap;                           /* of function: what it gives are glibc's chunks */
};

struct breakpoint_table {
    struct breakpoint **buckets; /* open addressing; a NULL ends a probe */
    size_t capacity, count;      /* capacity is a power of two */
    struct breakpoint *last;     /* the one found last: calls come in runs */
};

void breakpoint_table_init(struct breakpoint_table *table);
void breakpoint_table_deinit(struct breakpoint_table *table);

/* NULL if there is none. */
struct breakpoint *breakpoint_find(struct breakpoint_table *table, uint64_t address);

/* The same without the table's memory of the last one found: slower. */
struct breakpoint *breakpoint_at(const struct breakpoint_table *table, uint64_t address);

/* A new entry with only its address set, the table's to free; NULL when out of memory. */
struct breakpoint *breakpoint_add(struct breakpoint_table *table, uint64_t address);

/* Deep copy, for a fork's child; false when out of memory. */
bool breakpoint_table_copy(const struct breakpoint_table *from, struct breakpoint_table *to);

/* The breakpoint in whose slot address lies, or NULL. Linear: for rare events only. */
struct breakpoint *breakpoint_of_slot(const struct breakpoint_table *table, uint64_t address);

/* Walks the table: start with *index 0; NULL after the last. */
struct breakpoint *breakpoint_next(const struct breakpoint_table *table, size_t *index);

#endif
