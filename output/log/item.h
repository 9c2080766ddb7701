/* SPDX-License-Identifier: MIT */
/*
 * item.h - one CBOR data item's head (and a definite string's bytes) at a time, through libcbor.
 */
#ifndef ALLOCPTRACE_LOG_ITEM_H
#define ALLOCPTRACE_LOG_ITEM_H

#include <stddef.h>
#include <stdint.h>

enum item_type {
    ITEM_UNSIGNED,    /* value is the number */
    ITEM_NEGATIVE,    /* the number is -1 - value */
    ITEM_BYTES,       /* data, value bytes */
    ITEM_TEXT,        /* data, value bytes, not checked to be UTF-8 */
    ITEM_BYTES_START, /* indefinite: chunks follow, then ITEM_BREAK */
    ITEM_TEXT_START,
    ITEM_ARRAY,       /* value elements follow */
    ITEM_MAP,         /* value pairs follow */
    ITEM_ARRAY_START, /* indefinite: elements follow, then ITEM_BREAK */
    ITEM_MAP_START,
    ITEM_TAG,   /* value; the tagged item follows */
    ITEM_BOOL,  /* value */
    ITEM_OTHER, /* null, undefined, floating-point numbers, further simple values */
    ITEM_BREAK,
};

struct item {
    enum item_type type;
    uint64_t value;
    const char *data;
};

enum item_result {
    ITEM_FOUND,
    ITEM_INCOMPLETE, /* *length is the least number of bytes needed; it may have wrapped around
                        and then is not more than size */
    ITEM_MALFORMED,
};

/* Reads the item at the start of data; *length is what it took. */
enum item_result item_read(const unsigned char *data, size_t size, struct item *item,
                           size_t *length);

/* "an unsigned integer", for messages. */
const char *item_type_name(enum item_type type);

#endif
