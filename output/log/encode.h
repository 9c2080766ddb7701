/* SPDX-License-Identifier: MIT */
/*
 * encode.h - turns records into CBOR by the table of schema.h, in RFC 8949's preferred form.
 *
 * So that every log can be read back within LOG_READER_MAX_RECORD, text and lists that together
 * are larger than ENCODE_ROOM are cut: lists lose elements at their end, text its tail.
 */
#ifndef ALLOCPTRACE_LOG_ENCODE_H
#define ALLOCPTRACE_LOG_ENCODE_H

#include "output/log/record.h"
#include "output/log/schema.h"
#include "output/log/sink.h"

/* Bytes; less than half of LOG_READER_MAX_RECORD, see decode.h. */
#define ENCODE_ROOM (7u << 20)

struct encoder {
    struct sink *sink;
    struct schema_base base;
    size_t room; /* what is left of ENCODE_ROOM for the record at hand */
};

void encode_header(struct encoder *encoder, const struct log_header *header);

/* A record of an unknown kind is left out. */
void encode_record(struct encoder *encoder, const struct log_record *record);

#endif
