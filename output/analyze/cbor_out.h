/* SPDX-License-Identifier: MIT */
/*
 * cbor_out.h - writes CBOR (RFC 8949) item by item into a gzip file in base64, as a page of HTML
 * can hold it.
 *
 * Who writes sees to it that maps and arrays get as many items as they were announced with. A
 * failed write is found by who opened the stream: ferror(3).
 */
#ifndef ALLOCPTRACE_ANALYZE_CBOR_OUT_H
#define ALLOCPTRACE_ANALYZE_CBOR_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "output/log/error.h"

struct cbor_out;

struct error *cbor_out_create(FILE *out, struct cbor_out **cbor);
/* Ends the file; out stays open. NULL is allowed. */
void cbor_out_destroy(struct cbor_out *cbor);

void cbor_out_map(struct cbor_out *cbor, size_t pairs);
void cbor_out_array(struct cbor_out *cbor, size_t count);
/* As long as a report shows a name, and without what is no character or not for a screen; NULL as
 * "". */
void cbor_out_text(struct cbor_out *cbor, const char *text);
void cbor_out_number(struct cbor_out *cbor, uint64_t number);
void cbor_out_bool(struct cbor_out *cbor, bool value);
/* A value of JSON as the value of CBOR that it stands for; NULL as null. */
void cbor_out_json(struct cbor_out *cbor, const json_t *value);

/*
 * Numbers as one typed array (RFC 8746, little-endian): of 8, 16 or 32 bits, whatever holds them
 * all, or else of doubles, which tell numbers above 2^53 to 16 digits. A key is written before it.
 */
void cbor_out_column(struct cbor_out *cbor, const char *key, const uint64_t *values, size_t count);
void cbor_out_doubles(struct cbor_out *cbor, const char *key, const double *values, size_t count);

#endif
