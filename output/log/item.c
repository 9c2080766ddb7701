/* SPDX-License-Identifier: MIT */
#include "output/log/item.h"

#include <cbor.h>

static void set(void *context, enum item_type type, uint64_t value, const void *data)
{
    *(struct item *)context = (struct item){.type = type, .value = value, .data = data};
}

static void on_uint8(void *context, uint8_t value)
{
    set(context, ITEM_UNSIGNED, value, NULL);
}

static void on_uint16(void *context, uint16_t value)
{
    set(context, ITEM_UNSIGNED, value, NULL);
}

static void on_uint32(void *context, uint32_t value)
{
    set(context, ITEM_UNSIGNED, value, NULL);
}

static void on_uint64(void *context, uint64_t value)
{
    set(context, ITEM_UNSIGNED, value, NULL);
}

static void on_negint8(void *context, uint8_t value)
{
    set(context, ITEM_NEGATIVE, value, NULL);
}

static void on_negint16(void *context, uint16_t value)
{
    set(context, ITEM_NEGATIVE, value, NULL);
}

static void on_negint32(void *context, uint32_t value)
{
    set(context, ITEM_NEGATIVE, value, NULL);
}

static void on_negint64(void *context, uint64_t value)
{
    set(context, ITEM_NEGATIVE, value, NULL);
}

static void on_bytes_start(void *context)
{
    set(context, ITEM_BYTES_START, 0, NULL);
}

static void on_bytes(void *context, cbor_data data, size_t size)
{
    set(context, ITEM_BYTES, size, data);
}

static void on_text(void *context, cbor_data data, size_t size)
{
    set(context, ITEM_TEXT, size, data);
}

static void on_text_start(void *context)
{
    set(context, ITEM_TEXT_START, 0, NULL);
}

static void on_array_start(void *context)
{
    set(context, ITEM_ARRAY_START, 0, NULL);
}

static void on_array(void *context, size_t count)
{
    set(context, ITEM_ARRAY, count, NULL);
}

static void on_map_start(void *context)
{
    set(context, ITEM_MAP_START, 0, NULL);
}

static void on_map(void *context, size_t count)
{
    set(context, ITEM_MAP, count, NULL);
}

static void on_tag(void *context, uint64_t value)
{
    set(context, ITEM_TAG, value, NULL);
}

static void on_float(void *context, float value)
{
    (void)value;
    set(context, ITEM_OTHER, 0, NULL);
}

static void on_double(void *context, double value)
{
    (void)value;
    set(context, ITEM_OTHER, 0, NULL);
}

static void on_simple(void *context)
{
    set(context, ITEM_OTHER, 0, NULL);
}

static void on_bool(void *context, bool value)
{
    set(context, ITEM_BOOL, value, NULL);
}

static void on_break(void *context)
{
    set(context, ITEM_BREAK, 0, NULL);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint64 = on_negint64,
    .negint32 = on_negint32,
    .negint16 = on_negint16,
    .negint8 = on_negint8,
    .byte_string_start = on_bytes_start,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_text_start,
    .indef_array_start = on_array_start,
    .array_start = on_array,
    .indef_map_start = on_map_start,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_simple,
    .null = on_simple,
    .boolean = on_bool,
    .indef_break = on_break,
};

/*
 * Items that are well-formed by RFC 8949 appendix C and that libcbor (0.8) refuses: the short tags
 * and the simple values that had no meaning when it was written.
 */
static bool read_unassigned(const unsigned char *data, size_t size, struct item *item,
                            size_t *length, enum item_result *result)
{
    unsigned char initial = data[0];
    *result = ITEM_FOUND;
    *length = 1;
    if (initial >= 0xc6 && initial <= 0xd4) {
        set(item, ITEM_TAG, initial - 0xc0u, NULL);
        return true;
    }
    if (initial >= 0xe0 && initial <= 0xf3) {
        set(item, ITEM_OTHER, 0, NULL);
        return true;
    }
    if (initial == 0xf8) {
        *length = 2;
        if (size < 2)
            *result = ITEM_INCOMPLETE;
        else if (data[1] < 32)
            *result = ITEM_MALFORMED;
        else
            set(item, ITEM_OTHER, 0, NULL);
        return true;
    }
    return false;
}

enum item_result item_read(const unsigned char *data, size_t size, struct item *item,
                           size_t *length)
{
    if (!size) {
        *length = 1;
        return ITEM_INCOMPLETE;
    }
    enum item_result result;
    if (data[0] >= 0xc6 && read_unassigned(data, size, item, length, &result))
        return result;
    struct cbor_decoder_result decoded = cbor_stream_decode(data, size, &callbacks, item);
    switch (decoded.status) {
    case CBOR_DECODER_FINISHED:
        *length = decoded.read;
        return ITEM_FOUND;
    case CBOR_DECODER_NEDATA:
        *length = decoded.required;
        return ITEM_INCOMPLETE;
    case CBOR_DECODER_ERROR:
        break;
    }
    return ITEM_MALFORMED;
}

const char *item_type_name(enum item_type type)
{
    static const char *const names[] = {
        [ITEM_UNSIGNED] = "an unsigned integer",
        [ITEM_NEGATIVE] = "a negative integer",
        [ITEM_BYTES] = "a byte string",
        [ITEM_TEXT] = "a text string",
        [ITEM_BYTES_START] = "a byte string",
        [ITEM_TEXT_START] = "a text string",
        [ITEM_ARRAY] = "an array",
        [ITEM_MAP] = "a map",
        [ITEM_ARRAY_START] = "an array",
        [ITEM_MAP_START] = "a map",
        [ITEM_TAG] = "a tag",
        [ITEM_BOOL] = "a boolean",
        [ITEM_OTHER] = "a simple value or a floating-point number",
        [ITEM_BREAK] = "a break",
    };
    return names[type];
}
