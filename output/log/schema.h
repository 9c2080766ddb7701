/* SPDX-License-Identifier: MIT */
/*
 * schema.h - the one table that says how each record stands in the file.
 *
 * The encoder and the decoder both work from it, so that they cannot differ. A new kind or field
 * is a struct member in record.h, a line in schema.c and a line in docs/log-format.cddl.
 */
#ifndef ALLOCPTRACE_LOG_SCHEMA_H
#define ALLOCPTRACE_LOG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "output/log/record.h"

/* How a field is written, and which type its struct member has. */
enum wire {
    WIRE_UNSIGNED,          /* uint32_t or uint64_t: unsigned integer */
    WIRE_OPTIONAL_UNSIGNED, /* the same, left out when 0; a record's last field only */
    WIRE_KNOWN_UNSIGNED,    /* the same, left out when the bool beside it is false; likewise */
    WIRE_SIGNED,            /* int64_t: integer */
    WIRE_BOOL,              /* bool: true or false */
    WIRE_TIME_DELTA,        /* uint64_t: unsigned integer, difference modulo 2^64 from the time of
                               the previous event */
    WIRE_ADDRESS_DELTA,     /* uint64_t: integer, difference modulo 2^64 from the address field of
                               an event before it in the file */
    WIRE_TEXT,              /* struct log_text: text string, or a byte string if not UTF-8 */
    WIRE_BYTES,             /* struct log_text: byte string */
    WIRE_TEXTS,             /* array of WIRE_TEXT */
    WIRE_LOCATIONS,         /* array of [function, file, line] */
    WIRE_COUNTS,            /* map from name to unsigned integer */
};

struct schema_field {
    const char *name;
    enum wire wire;
    uint16_t offset;       /* of the member in struct log_record or struct log_header, bytes */
    uint16_t size;         /* of the member, bytes */
    uint16_t count_offset; /* lists: of the size_t member that counts the elements */
    uint16_t known_offset; /* WIRE_KNOWN_UNSIGNED: of the bool member */
};

struct schema {
    const char *record; /* "record alloc", for messages; NULL: there is no such kind */
    const struct schema_field *fields;
    size_t field_count;
};

/* RFC 8949 section 3.4.6. */
#define SCHEMA_SELF_DESCRIBED_TAG 55799

/* The record kind's description, or NULL if it is not known. */
const struct schema *schema_find(uint64_t kind);

/* The fields of the header's map, by name; offsets are into struct log_header. */
extern const struct schema schema_header;

/* What the differences of the next event refer to; all 0 at the start of a log. */
struct schema_base {
    uint64_t time;
    uint64_t address;
};

#endif
