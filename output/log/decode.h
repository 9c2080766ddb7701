/* SPDX-License-Identifier: MIT */
/*
 * decode.h - turns CBOR into records by the table of schema.h.
 */
#ifndef ALLOCPTRACE_LOG_DECODE_H
#define ALLOCPTRACE_LOG_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/cursor.h"
#include "output/log/record.h"
#include "output/log/schema.h"

/* A decoder of zeros is ready for use. */
struct decoder {
    struct cursor cursor;
    struct schema_base base;
    void *list;           /* the elements of the record's one list field */
    size_t list_capacity; /* bytes */
};

void decoder_deinit(struct decoder *decoder);

/*
 * Decodes the item at the cursor, which the caller has started: the log's first item, or one of
 * the others. Text points into the window or is kept by the cursor. False: see cursor.h; nothing
 * has changed but the cursor then.
 */
bool decode_header(struct decoder *decoder, struct log_header *header);
/* *known is false for a record of a kind that is not known; it is passed. */
bool decode_record(struct decoder *decoder, struct log_record *record, bool *known);

#endif
