/* SPDX-License-Identifier: MIT */
#include "output/log/encode.h"

#include <cbor.h>
#include <string.h>

#include "output/log/utf8.h"

/* The longest head of a CBOR item: the initial byte and a 64-bit argument. */
#define HEAD_MAX 9

/* What a text may cost beyond its bytes, in the file and in the reader's memory. */
#define TEXT_COST 32

static void put_unsigned(struct encoder *encoder, uint64_t value)
{
    struct sink *sink = encoder->sink;
    unsigned char *out = sink_reserve(sink, HEAD_MAX);
    sink->used += cbor_encode_uint(value, out, HEAD_MAX);
}

static void put_signed(struct encoder *encoder, int64_t value)
{
    if (value >= 0) {
        put_unsigned(encoder, (uint64_t)value);
        return;
    }
    struct sink *sink = encoder->sink;
    unsigned char *out = sink_reserve(sink, HEAD_MAX);
    /* RFC 8949 section 3.1: the argument n stands for -1 - n. */
    sink->used += cbor_encode_negint(~(uint64_t)value, out, HEAD_MAX);
}

static void put_bool(struct encoder *encoder, bool value)
{
    struct sink *sink = encoder->sink;
    unsigned char *out = sink_reserve(sink, HEAD_MAX);
    sink->used += cbor_encode_bool(value, out, HEAD_MAX);
}

/* One of libcbor's cbor_encode_..._start(). */
typedef size_t encode_start(size_t length, unsigned char *out, size_t size);

static void put_start(struct encoder *encoder, encode_start *encode, size_t length)
{
    struct sink *sink = encoder->sink;
    unsigned char *out = sink_reserve(sink, HEAD_MAX);
    sink->used += encode(length, out, HEAD_MAX);
}

static size_t text_cost(struct log_text text)
{
    return text.size > ENCODE_ROOM ? ENCODE_ROOM + 1 : text.size + TEXT_COST;
}

static void put_string(struct encoder *encoder, struct log_text text, bool as_text)
{
    size_t cost = text_cost(text);
    if (cost > encoder->room) {
        cost = encoder->room;
        text.size = cost > TEXT_COST ? cost - TEXT_COST : 0;
    }
    encoder->room -= cost;
    as_text = as_text && utf8_valid(text.data, text.size);
    put_start(encoder, as_text ? cbor_encode_string_start : cbor_encode_bytestring_start,
              text.size);
    sink_write(encoder->sink, text.data, text.size);
}

static void put_name(struct encoder *encoder, const char *name)
{
    put_string(encoder, (struct log_text){.data = name, .size = strlen(name)}, true);
}

static size_t element_cost(enum wire wire, const void *list, size_t index)
{
    if (wire == WIRE_TEXTS)
        return text_cost(((const struct log_text *)list)[index]);
    if (wire == WIRE_COUNTS)
        return text_cost(((const struct log_count *)list)[index].name);
    const struct log_location *location = (const struct log_location *)list + index;
    return text_cost(location->function) + text_cost(location->file);
}

static size_t elements_that_fit(size_t room, enum wire wire, const void *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t cost = element_cost(wire, list, i);
        if (cost > room)
            return i;
        room -= cost;
    }
    return count;
}

static void put_element(struct encoder *encoder, enum wire wire, const void *list, size_t index)
{
    if (wire == WIRE_TEXTS) {
        put_string(encoder, ((const struct log_text *)list)[index], true);
    } else if (wire == WIRE_COUNTS) {
        const struct log_count *count = (const struct log_count *)list + index;
        put_string(encoder, count->name, true);
        put_unsigned(encoder, count->value);
    } else {
        const struct log_location *location = (const struct log_location *)list + index;
        put_start(encoder, cbor_encode_array_start, 3);
        put_string(encoder, location->function, true);
        put_string(encoder, location->file, true);
        put_unsigned(encoder, location->line);
    }
}

static void put_list(struct encoder *encoder, enum wire wire, const void *list, size_t count)
{
    count = elements_that_fit(encoder->room, wire, list, count);
    put_start(encoder, wire == WIRE_COUNTS ? cbor_encode_map_start : cbor_encode_array_start,
              count);
    for (size_t i = 0; i < count; i++)
        put_element(encoder, wire, list, i);
}

static uint64_t load_unsigned(const char *member, size_t size)
{
    if (size == sizeof(uint32_t))
        return *(const uint32_t *)(const void *)member;
    return *(const uint64_t *)(const void *)member;
}

static uint64_t difference(uint64_t *base, const char *member)
{
    uint64_t value = load_unsigned(member, sizeof value);
    uint64_t result = value - *base;
    *base = value;
    return result;
}

static void put_field(struct encoder *encoder, const struct schema_field *field,
                      const char *structure)
{
    const char *member = structure + field->offset;
    const void *list;
    switch (field->wire) {
    case WIRE_UNSIGNED:
    case WIRE_OPTIONAL_UNSIGNED:
    case WIRE_KNOWN_UNSIGNED:
        put_unsigned(encoder, load_unsigned(member, field->size));
        break;
    case WIRE_SIGNED:
        put_signed(encoder, *(const int64_t *)(const void *)member);
        break;
    case WIRE_BOOL:
        put_bool(encoder, *(const bool *)member);
        break;
    case WIRE_TIME_DELTA:
        put_unsigned(encoder, difference(&encoder->base.time, member));
        break;
    case WIRE_ADDRESS_DELTA:
        put_signed(encoder, (int64_t)difference(&encoder->base.address, member));
        break;
    case WIRE_TEXT:
    case WIRE_BYTES:
        put_string(encoder, *(const struct log_text *)(const void *)member,
                   field->wire == WIRE_TEXT);
        break;
    case WIRE_TEXTS:
    case WIRE_LOCATIONS:
    case WIRE_COUNTS:
        memcpy(&list, member, sizeof list);
        put_list(encoder, field->wire, list,
                 *(const size_t *)(const void *)(structure + field->count_offset));
        break;
    }
}

void encode_header(struct encoder *encoder, const struct log_header *header)
{
    struct sink *sink = encoder->sink;
    encoder->room = ENCODE_ROOM;
    unsigned char *out = sink_reserve(sink, HEAD_MAX);
    sink->used += cbor_encode_tag(SCHEMA_SELF_DESCRIBED_TAG, out, HEAD_MAX);
    put_start(encoder, cbor_encode_array_start, 3);
    put_name(encoder, LOG_MAGIC);
    put_unsigned(encoder, LOG_VERSION);
    put_start(encoder, cbor_encode_map_start, schema_header.field_count);
    for (size_t i = 0; i < schema_header.field_count; i++) {
        const struct schema_field *field = &schema_header.fields[i];
        put_name(encoder, field->name);
        put_field(encoder, field, (const char *)header);
    }
}

static bool is_left_out(const struct schema_field *field, const char *structure)
{
    if (field->wire == WIRE_KNOWN_UNSIGNED)
        return !*(const bool *)(structure + field->known_offset);
    return field->wire == WIRE_OPTIONAL_UNSIGNED &&
           !load_unsigned(structure + field->offset, field->size);
}

void encode_record(struct encoder *encoder, const struct log_record *record)
{
    const struct schema *schema = schema_find(record->kind);
    if (!schema)
        return;
    const char *structure = (const char *)record;
    size_t count = schema->field_count;
    if (is_left_out(&schema->fields[count - 1], structure))
        count--;
    encoder->room = ENCODE_ROOM;
    put_start(encoder, cbor_encode_array_start, count + 1);
    put_unsigned(encoder, record->kind);
    for (size_t i = 0; i < count; i++)
        put_field(encoder, &schema->fields[i], structure);
}
