/* SPDX-License-Identifier: MIT */
/*
 * catalog.h - what a log's events refer to: modules, frames, stacks, threads and processes, each
 * found by the small number that the log gives it.
 *
 * Ids must be dense (at most one above the highest so far) and defined before they are used; a log
 * that breaks this is corrupt. Memory grows with distinct definitions only. Texts are interned:
 * equal texts are the same pointer.
 */
#ifndef ALLOCPTRACE_ANALYZE_CATALOG_H
#define ALLOCPTRACE_ANALYZE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "output/log/record.h"

struct catalog_module {
    const char *path;
    const char *name;     /* the path's last part */
    const char *build_id; /* in hexadecimal, "" for none */
    bool mapped;          /* the rest is known: the first place where a process had it */
    uint64_t start, end;  /* addresses */
    uint64_t bias;        /* to be added to its frames' addresses, modulo 2^64 */
};

struct catalog_location {
    const char *function; /* NULL if unknown */
    const char *file;     /* NULL if unknown */
    uint64_t line;        /* 0 if unknown */
};

struct catalog_frame {
    uint32_t module; /* 0 for none */
    uint32_t flags;  /* enum log_frame_flags */
    uint64_t address;
    uint32_t location_count;            /* 0 until the frame has been named */
    struct catalog_location *locations; /* innermost first */
};

struct catalog_stack {
    uint32_t parent, frame;
};

struct catalog_thread {
    uint32_t process;
    int64_t tid;
    const char *name;
};

struct catalog_process {
    uint32_t parent;
    uint32_t origin; /* enum log_process_origin */
    int64_t pid;
    const char *executable;
    const char *name; /* the executable's last part */
};

struct catalog {
    /* By id; element 0 is unused. The counts include it. */
    struct catalog_module *modules;
    size_t module_count;
    struct catalog_frame *frames;
    size_t frame_count;
    struct catalog_stack *stacks;
    size_t stack_count;
    struct catalog_thread *threads;
    size_t thread_count;
    struct catalog_process *processes;
    size_t process_count;
    const char **notes;
    size_t note_count;
    struct text_pool *texts;
    bool borrowed; /* the pool is another's */
};

/* The texts are kept in a pool of the caller's, so that equal ones of several catalogs are the same
 * pointer; NULL for one of its own. */
struct error *catalog_init(struct catalog *catalog, struct text_pool *texts);
void catalog_deinit(struct catalog *catalog);

/* Takes in a definition; a record of another kind is left alone. */
struct error *catalog_add(struct catalog *catalog, const struct log_record *record);

/* Interned texts as the catalog keeps them; NULL when out of memory. */
const char *catalog_text(struct catalog *catalog, struct log_text text);
/* A build-id in hexadecimal. */
const char *catalog_build_id(struct catalog *catalog, struct log_text bytes);

/* A frame as seen by a person: one line for each location, or one for the address itself. */
struct catalog_line {
    const char *function; /* never NULL: module+0xoffset if not named */
    bool named;
    const char *module; /* "" if none */
    const char *file;   /* NULL if unknown */
    uint64_t line;
    uint32_t flags; /* of its frame */
};
/* "launch", "attach", "fork", "exec" or "clone"; NULL for what this program does not know. */
const char *catalog_origin_name(uint32_t origin);

/* An address within a frame's instruction, the call for a caller's, as it was in the first process
 * that had the module; without a module as the log has it. 0 for a frame that stands for others. */
uint64_t catalog_frame_address(const struct catalog *catalog, uint32_t frame);

/* How many lines a frame has (at least 1), and its line number index, innermost first. */
size_t catalog_line_count(const struct catalog *catalog, uint32_t frame);
struct catalog_line catalog_line(const struct catalog *catalog, uint32_t id, size_t index);

#endif
