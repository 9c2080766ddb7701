/* SPDX-License-Identifier: MIT */
#include "output/log/decode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void decoder_deinit(struct decoder *decoder)
{
    cursor_deinit(&decoder->cursor);
    free(decoder->list);
}

/* ---- Values ---- */

static bool read_unsigned(struct cursor *cursor, uint64_t *value)
{
    size_t at = cursor->at;
    struct item item;
    if (!cursor_item(cursor, &item))
        return false;
    if (item.type != ITEM_UNSIGNED)
        return cursor_corrupt(cursor, at, item_type_name(ITEM_UNSIGNED), item_type_name(item.type));
    *value = item.value;
    return true;
}

static bool read_signed(struct cursor *cursor, int64_t *value)
{
    size_t at = cursor->at;
    struct item item;
    if (!cursor_item(cursor, &item))
        return false;
    if (item.type != ITEM_UNSIGNED && item.type != ITEM_NEGATIVE)
        return cursor_corrupt(cursor, at, "an integer", item_type_name(item.type));
    if (item.value > INT64_MAX)
        return cursor_corrupt(cursor, at, "an integer of 64 bits with its sign", "a larger one");
    *value = item.type == ITEM_UNSIGNED ? (int64_t)item.value : -1 - (int64_t)item.value;
    return true;
}

static bool read_bool(struct cursor *cursor, bool *value)
{
    size_t at = cursor->at;
    struct item item;
    if (!cursor_item(cursor, &item))
        return false;
    if (item.type != ITEM_BOOL)
        return cursor_corrupt(cursor, at, item_type_name(ITEM_BOOL), item_type_name(item.type));
    *value = item.value;
    return true;
}

static bool read_member(struct cursor *cursor, char *member, size_t size)
{
    size_t at = cursor->at;
    uint64_t value = 0;
    if (!read_unsigned(cursor, &value))
        return false;
    if (size == sizeof(uint32_t)) {
        if (value > UINT32_MAX)
            return cursor_corrupt(cursor, at, "an unsigned integer of 32 bits", "a larger one");
        *(uint32_t *)(void *)member = (uint32_t)value;
    } else {
        *(uint64_t *)(void *)member = value;
    }
    return true;
}

/* ---- Lists ---- */

static size_t element_size(enum wire wire)
{
    switch (wire) {
    case WIRE_TEXTS:
        return sizeof(struct log_text);
    case WIRE_LOCATIONS:
        return sizeof(struct log_location);
    default:
        return sizeof(struct log_count);
    }
}

/* An element of a fixed array must be there. */
static bool need_more(struct cursor *cursor, struct cursor_container *container)
{
    size_t at = cursor->at;
    bool follows;
    if (!cursor_more(cursor, container, &follows))
        return false;
    return follows || cursor_corrupt(cursor, at, "a further element", "the end of the array");
}

static bool skip_rest(struct cursor *cursor, struct cursor_container *container)
{
    for (;;) {
        bool follows;
        if (!cursor_more(cursor, container, &follows))
            return false;
        if (!follows)
            return true;
        if (!cursor_skip(cursor))
            return false;
    }
}

static bool read_location(struct cursor *cursor, struct log_location *location)
{
    struct cursor_container array;
    return cursor_begin(cursor, false, &array) && need_more(cursor, &array) &&
           cursor_string(cursor, true, &location->function) && need_more(cursor, &array) &&
           cursor_string(cursor, true, &location->file) && need_more(cursor, &array) &&
           read_unsigned(cursor, &location->line) && skip_rest(cursor, &array);
}

static bool read_count(struct cursor *cursor, struct cursor_container *map, struct log_count *count)
{
    return cursor_string(cursor, true, &count->name) && need_more(cursor, map) &&
           read_unsigned(cursor, &count->value);
}

static bool read_element(struct cursor *cursor, enum wire wire, struct cursor_container *container,
                         void *element)
{
    switch (wire) {
    case WIRE_TEXTS:
        return cursor_string(cursor, true, element);
    case WIRE_LOCATIONS:
        return read_location(cursor, element);
    default:
        return read_count(cursor, container, element);
    }
}

/* Grows with the elements that are there, not with those that an array's head promises. */
static bool reserve_list(struct decoder *decoder, size_t used, size_t size)
{
    if (!cursor_charge(&decoder->cursor, size))
        return false;
    if (used + size <= decoder->list_capacity)
        return true;
    size_t capacity = decoder->list_capacity ? decoder->list_capacity * 2 : 1024;
    void *list = realloc(decoder->list, capacity);
    if (!list)
        return cursor_fail(&decoder->cursor, error_no_memory());
    decoder->list = list;
    decoder->list_capacity = capacity;
    return true;
}

static bool read_list(struct decoder *decoder, enum wire wire, char *member, size_t *count)
{
    struct cursor *cursor = &decoder->cursor;
    struct cursor_container container;
    size_t size = element_size(wire);
    *count = 0;
    if (!cursor_begin(cursor, wire == WIRE_COUNTS, &container))
        return false;
    for (;;) {
        bool follows;
        if (!cursor_more(cursor, &container, &follows))
            return false;
        if (!follows)
            break;
        size_t used = *count * size;
        if (!reserve_list(decoder, used, size) ||
            !read_element(cursor, wire, &container, (char *)decoder->list + used))
            return false;
        ++*count;
    }
    memcpy(member, &decoder->list, sizeof decoder->list);
    return true;
}

/* ---- Fields and records ---- */

static bool read_field(struct decoder *decoder, struct schema_base *base,
                       const struct schema_field *field, char *structure)
{
    struct cursor *cursor = &decoder->cursor;
    char *member = structure + field->offset;
    uint64_t time = 0;
    int64_t address = 0;
    switch (field->wire) {
    case WIRE_UNSIGNED:
    case WIRE_OPTIONAL_UNSIGNED:
        return read_member(cursor, member, field->size);
    case WIRE_KNOWN_UNSIGNED:
        *(bool *)(structure + field->known_offset) = true;
        return read_member(cursor, member, field->size);
    case WIRE_SIGNED:
        return read_signed(cursor, (int64_t *)(void *)member);
    case WIRE_BOOL:
        return read_bool(cursor, (bool *)member);
    case WIRE_TIME_DELTA:
        if (!read_unsigned(cursor, &time))
            return false;
        base->time += time;
        *(uint64_t *)(void *)member = base->time;
        return true;
    case WIRE_ADDRESS_DELTA:
        if (!read_signed(cursor, &address))
            return false;
        base->address += (uint64_t)address;
        *(uint64_t *)(void *)member = base->address;
        return true;
    case WIRE_TEXT:
    case WIRE_BYTES:
        return cursor_string(cursor, field->wire == WIRE_TEXT, (struct log_text *)(void *)member);
    case WIRE_TEXTS:
    case WIRE_LOCATIONS:
    case WIRE_COUNTS:
        return read_list(decoder, field->wire, member,
                         (size_t *)(void *)(structure + field->count_offset));
    }
    return false;
}

/* Sets a field that the record's end has left out; false for one that must be there. */
static bool leave_out(const struct schema_field *field, char *structure)
{
    if (field->wire == WIRE_KNOWN_UNSIGNED)
        *(bool *)(structure + field->known_offset) = false;
    else if (field->wire != WIRE_OPTIONAL_UNSIGNED)
        return false;
    memset(structure + field->offset, 0, field->size);
    return true;
}

bool decode_record(struct decoder *decoder, struct log_record *record, bool *known)
{
    struct cursor *cursor = &decoder->cursor;
    struct cursor_container array;
    uint64_t kind = 0;
    if (!cursor_begin(cursor, false, &array))
        return false;
    cursor->field = "kind";
    if (!need_more(cursor, &array) || !read_unsigned(cursor, &kind))
        return false;
    cursor->field = NULL;
    const struct schema *schema = schema_find(kind);
    *known = schema;
    if (!schema)
        return skip_rest(cursor, &array);

    struct schema_base base = decoder->base;
    record->kind = (enum log_kind)kind;
    cursor->record = schema->record;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct schema_field *field = &schema->fields[i];
        size_t at = cursor->at;
        bool follows;
        cursor->field = field->name;
        if (!cursor_more(cursor, &array, &follows))
            return false;
        if (follows) {
            if (!read_field(decoder, &base, field, (char *)record))
                return false;
        } else if (leave_out(field, (char *)record)) {
            /* The end of an indefinite array has been taken. */
            array = (struct cursor_container){0};
        } else {
            return cursor_corrupt(cursor, at, "this field", "the end of the record");
        }
    }
    cursor->field = NULL;
    if (!skip_rest(cursor, &array))
        return false;
    decoder->base = base;
    return true;
}

/* ---- Header ---- */

static bool read_entry(struct decoder *decoder, struct cursor_container *map,
                       struct log_header *header)
{
    struct cursor *cursor = &decoder->cursor;
    struct log_text key;
    cursor->field = NULL;
    if (!cursor_string(cursor, true, &key) || !need_more(cursor, map))
        return false;
    for (size_t i = 0; i < schema_header.field_count; i++) {
        const struct schema_field *field = &schema_header.fields[i];
        if (key.size == strlen(field->name) && memcmp(key.data, field->name, key.size) == 0) {
            cursor->field = field->name;
            return read_field(decoder, &decoder->base, field, (char *)header);
        }
    }
    return cursor_skip(cursor);
}

static bool not_ours(struct cursor *cursor, const char *why)
{
    return cursor_fail(cursor, error_format(ERROR_FORMAT, "not an allocptrace log: %s", why));
}

/* That bytes are missing is passed on; whatever else is wrong here means another kind of file. */
static bool foreign(struct cursor *cursor, const char *why)
{
    if (cursor->state == CURSOR_INCOMPLETE)
        return false;
    error_free(cursor->error);
    return not_ours(cursor, why);
}

static bool read_preamble(struct cursor *cursor, struct cursor_container *array, uint64_t *version)
{
    static const char no_cbor[] = "it is not self-described CBOR (RFC 8949)";
    static const char other[] = "it is CBOR of another kind";
    struct item tag;
    struct log_text magic;
    if (!cursor_item(cursor, &tag))
        return foreign(cursor, no_cbor);
    if (tag.type != ITEM_TAG || tag.value != SCHEMA_SELF_DESCRIBED_TAG)
        return not_ours(cursor, no_cbor);
    if (!cursor_begin(cursor, false, array) || !need_more(cursor, array) ||
        !cursor_string(cursor, true, &magic))
        return foreign(cursor, other);
    if (magic.size != strlen(LOG_MAGIC) || memcmp(magic.data, LOG_MAGIC, magic.size) != 0)
        return not_ours(cursor, other);
    cursor->field = "version";
    return need_more(cursor, array) && read_unsigned(cursor, version);
}

bool decode_header(struct decoder *decoder, struct log_header *header)
{
    struct cursor *cursor = &decoder->cursor;
    struct cursor_container array, map;
    *header = (struct log_header){0};
    cursor->record = schema_header.record;
    if (!read_preamble(cursor, &array, &header->version))
        return false;
    if (header->version > LOG_VERSION)
        return cursor_fail(cursor, error_format(ERROR_FORMAT,
                                                "log version %" PRIu64
                                                " is newer than this program reads (%d)",
                                                header->version, LOG_VERSION));
    if (!header->version)
        return cursor_corrupt(cursor, cursor->at, "a version from 1 upwards", "0");
    cursor->field = "fields";
    if (!need_more(cursor, &array) || !cursor_begin(cursor, true, &map))
        return false;
    for (;;) {
        bool follows;
        if (!cursor_more(cursor, &map, &follows))
            return false;
        if (!follows)
            return skip_rest(cursor, &array);
        if (!read_entry(decoder, &map, header))
            return false;
    }
}
