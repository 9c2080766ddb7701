/* SPDX-License-Identifier: MIT */
#include "output/analyze/cbor_out.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#include "output/analyze/base64.h"
#include "output/analyze/format.h"
#include "output/analyze/gzip.h"
#include "output/log/text.h"

/* RFC 8746, section 2.1. */
enum {
    TAG_UINT8 = 64,
    TAG_UINT16_LE = 69,
    TAG_UINT32_LE = 70,
    TAG_FLOAT64_LE = 86,
};

#define MOST_HEAD 9 /* bytes of an item without its contents */

struct cbor_out {
    FILE *base64;
    struct gzip *gzip;
    unsigned char buffer[1 << 15];
    size_t used;
};

static void flush(struct cbor_out *cbor)
{
    gzip_write(cbor->gzip, cbor->buffer, cbor->used);
    cbor->used = 0;
}

static void put(struct cbor_out *cbor, const void *data, size_t size)
{
    if (sizeof cbor->buffer - cbor->used < size)
        flush(cbor);
    if (size > sizeof cbor->buffer) {
        gzip_write(cbor->gzip, data, size);
        return;
    }
    memcpy(cbor->buffer + cbor->used, data, size);
    cbor->used += size;
}

struct error *cbor_out_create(FILE *out, struct cbor_out **cbor)
{
    *cbor = calloc(1, sizeof **cbor);
    if (!*cbor)
        return error_no_memory();
    (*cbor)->base64 = base64_open(out);
    struct error *error =
        (*cbor)->base64 ? gzip_create((*cbor)->base64, &(*cbor)->gzip) : error_no_memory();
    if (error) {
        cbor_out_destroy(*cbor);
        *cbor = NULL;
    }
    return error;
}

void cbor_out_destroy(struct cbor_out *cbor)
{
    if (!cbor)
        return;
    if (cbor->gzip)
        flush(cbor);
    gzip_destroy(cbor->gzip);
    if (cbor->base64)
        fclose(cbor->base64);
    free(cbor);
}

typedef size_t encode_head(size_t size, unsigned char *buffer, size_t buffer_size);

static void put_head(struct cbor_out *cbor, encode_head *encode, size_t size)
{
    unsigned char head[MOST_HEAD];
    put(cbor, head, encode(size, head, sizeof head));
}

void cbor_out_map(struct cbor_out *cbor, size_t pairs)
{
    put_head(cbor, cbor_encode_map_start, pairs);
}

void cbor_out_array(struct cbor_out *cbor, size_t count)
{
    put_head(cbor, cbor_encode_array_start, count);
}

static void put_text(struct cbor_out *cbor, const char *text, size_t size)
{
    put_head(cbor, cbor_encode_string_start, size);
    put(cbor, text, size);
}

void cbor_out_text(struct cbor_out *cbor, const char *text)
{
    /* Four characters for each byte that is not for a screen. */
    char clean[4 * FORMAT_MOST_TEXT + 1];
    char cut[FORMAT_MOST_TEXT + 1];
    size_t size = text ? strlen(text) : 0;
    size_t shown = format_cut(text ? text : "", size);
    memcpy(cut, text ? text : "", shown);
    cut[shown] = 0;
    text_sanitize(clean, sizeof clean, cut);
    put_text(cbor, clean, strlen(clean));
}

void cbor_out_number(struct cbor_out *cbor, uint64_t number)
{
    unsigned char head[MOST_HEAD];
    put(cbor, head, cbor_encode_uint(number, head, sizeof head));
}

void cbor_out_bool(struct cbor_out *cbor, bool value)
{
    unsigned char head[MOST_HEAD];
    put(cbor, head, cbor_encode_bool(value, head, sizeof head));
}

static void put_double(struct cbor_out *cbor, double value)
{
    unsigned char head[MOST_HEAD];
    put(cbor, head, cbor_encode_double(value, head, sizeof head));
}

static void put_integer(struct cbor_out *cbor, json_int_t value)
{
    unsigned char head[MOST_HEAD];
    if (value >= 0)
        cbor_out_number(cbor, (uint64_t)value);
    else
        put(cbor, head, cbor_encode_negint((uint64_t)(-(value + 1)), head, sizeof head));
}

void cbor_out_json(struct cbor_out *cbor, const json_t *value)
{
    unsigned char head[MOST_HEAD];
    const char *key;
    json_t *member;
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        cbor_out_map(cbor, json_object_size(value));
        json_object_foreach((json_t *)value, key, member)
        {
            cbor_out_text(cbor, key);
            cbor_out_json(cbor, member);
        }
        break;
    case JSON_ARRAY:
        cbor_out_array(cbor, json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            cbor_out_json(cbor, json_array_get(value, i));
        break;
    case JSON_STRING:
        cbor_out_text(cbor, json_string_value(value));
        break;
    case JSON_INTEGER:
        put_integer(cbor, json_integer_value(value));
        break;
    case JSON_REAL:
        put_double(cbor, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        cbor_out_bool(cbor, json_is_true(value));
        break;
    case JSON_NULL:
        put(cbor, head, cbor_encode_null(head, sizeof head));
        break;
    }
}

static void begin_array(struct cbor_out *cbor, const char *key, uint64_t tag, size_t size)
{
    unsigned char head[MOST_HEAD];
    put_text(cbor, key, strlen(key));
    put(cbor, head, cbor_encode_tag(tag, head, sizeof head));
    put_head(cbor, cbor_encode_bytestring_start, size);
}

/* The low bytes of a number that are stored, least significant first. */
static void put_low_bytes(struct cbor_out *cbor, uint64_t value, size_t bytes)
{
    uint64_t little = htole64(value);
    put(cbor, &little, bytes);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void cbor_out_column(struct cbor_out *cbor, const char *key, const uint64_t *values, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all |= values[i];
    size_t bytes = all > UINT32_MAX ? 8 : all > UINT16_MAX ? 4 : all > UINT8_MAX ? 2 : 1;
    uint64_t tag = bytes == 8   ? TAG_FLOAT64_LE
                   : bytes == 4 ? TAG_UINT32_LE
                   : bytes == 2 ? TAG_UINT16_LE
                                : TAG_UINT8;
    begin_array(cbor, key, tag, count * bytes);
    for (size_t i = 0; i < count; i++)
        put_low_bytes(cbor, bytes == 8 ? bits_of((double)values[i]) : values[i], bytes);
}

void cbor_out_doubles(struct cbor_out *cbor, const char *key, const double *values, size_t count)
{
    begin_array(cbor, key, TAG_FLOAT64_LE, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        put_low_bytes(cbor, bits_of(values[i]), sizeof *values);
}
