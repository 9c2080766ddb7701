/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - walks over untrusted CBOR in a window of bytes that may end anywhere.
 *
 * Every function returns false when it cannot go on and leaves the reason in the cursor: bytes are
 * missing (CURSOR_INCOMPLETE; the caller starts the record again when it has more) or they are
 * wrong (CURSOR_FAILED). One record may take CURSOR_HALF bytes in the file, and what is made from
 * it in memory the same again, which together is LOG_READER_MAX_RECORD.
 */
#ifndef ALLOCPTRACE_LOG_CURSOR_H
#define ALLOCPTRACE_LOG_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"
#include "output/log/item.h"
#include "output/log/reader.h"
#include "output/log/record.h"

#define CURSOR_HALF (LOG_READER_MAX_RECORD / 2)

enum cursor_state {
    CURSOR_INCOMPLETE, /* at least wanted bytes are needed */
    CURSOR_FAILED,     /* error says why; the caller takes it */
};

/* A cursor of zeros is ready for cursor_start(). */
struct cursor {
    const unsigned char *data;
    size_t size;
    size_t at;
    uint64_t offset;    /* of data[0] in the log */
    const char *record; /* what is being read, for messages */
    const char *field;  /* NULL: none yet */

    enum cursor_state state; /* after a function returned false */
    size_t wanted;
    struct error *error;

    size_t memory;                 /* bytes made from the record so far */
    struct cursor_string *strings; /* joined strings */
};

/* What is left of an array, or of a map, whose keys and values count each. */
struct cursor_container {
    bool indefinite;
    bool map;
    uint64_t left; /* definite: elements that follow; indefinite: elements passed */
};

/* Begins at data[0]; releases what the record before it kept. */
void cursor_start(struct cursor *cursor, const unsigned char *data, size_t size, uint64_t offset);
void cursor_deinit(struct cursor *cursor);

/* The record is wrong at the byte data[at]. All three return false. */
bool cursor_corrupt(struct cursor *cursor, size_t at, const char *wanted, const char *found);
bool cursor_too_large(struct cursor *cursor);
bool cursor_fail(struct cursor *cursor, struct error *error);

/* Counts memory that the caller is about to allocate for the record. */
bool cursor_charge(struct cursor *cursor, size_t size);

bool cursor_item(struct cursor *cursor, struct item *item);

/* The head of an array or a map. */
bool cursor_begin(struct cursor *cursor, bool map, struct cursor_container *container);
/* Whether a further element follows; takes the end of an indefinite container. */
bool cursor_more(struct cursor *cursor, struct cursor_container *container, bool *follows);

/* A byte string, or a text string if text is true. The result stays until the next start. */
bool cursor_string(struct cursor *cursor, bool text, struct log_text *string);

/* Passes one data item, whatever it holds. */
bool cursor_skip(struct cursor *cursor);

#endif
