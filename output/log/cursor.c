/* SPDX-License-Identifier: MIT */
#include "output/log/cursor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Most arrays and maps within each other in what is skipped. */
#define NESTING_MAX 64

/* What an allocation costs beyond its bytes. */
#define ALLOCATION_COST 16

/* A string that stands in chunks in the file, joined. */
struct cursor_string {
    struct cursor_string *next;
    char data[];
};

static void release_strings(struct cursor *cursor)
{
    while (cursor->strings) {
        struct cursor_string *next = cursor->strings->next;
        free(cursor->strings);
        cursor->strings = next;
    }
    cursor->memory = 0;
}

void cursor_start(struct cursor *cursor, const unsigned char *data, size_t size, uint64_t offset)
{
    if (cursor->strings || cursor->memory)
        release_strings(cursor);
    cursor->data = data;
    cursor->size = size;
    cursor->at = 0;
    cursor->offset = offset;
    cursor->record = "record";
    cursor->field = NULL;
}

void cursor_deinit(struct cursor *cursor)
{
    release_strings(cursor);
}

/* ---- Failure ---- */

bool cursor_fail(struct cursor *cursor, struct error *error)
{
    cursor->state = CURSOR_FAILED;
    cursor->error = error;
    return false;
}

bool cursor_corrupt(struct cursor *cursor, size_t at, const char *wanted, const char *found)
{
    return cursor_fail(
        cursor,
        error_format(ERROR_CORRUPT, "byte offset %" PRIu64 ": %s%s%s: expected %s, found %s",
                     cursor->offset + at, cursor->record, cursor->field ? ": field " : "",
                     cursor->field ? cursor->field : "", wanted, found));
}

bool cursor_too_large(struct cursor *cursor)
{
    return cursor_fail(cursor, error_format(ERROR_CORRUPT,
                                            "byte offset %" PRIu64 ": %s: larger than any real one",
                                            cursor->offset, cursor->record));
}

bool cursor_charge(struct cursor *cursor, size_t size)
{
    if (size > CURSOR_HALF - cursor->memory)
        return cursor_too_large(cursor);
    cursor->memory += size;
    return true;
}

static bool incomplete(struct cursor *cursor, size_t missing)
{
    if (missing > CURSOR_HALF - cursor->size)
        return cursor_too_large(cursor);
    cursor->state = CURSOR_INCOMPLETE;
    cursor->wanted = cursor->size + missing;
    return false;
}

/* ---- Items and containers ---- */

bool cursor_item(struct cursor *cursor, struct item *item)
{
    size_t left = cursor->size - cursor->at;
    size_t length;
    switch (item_read(cursor->data + cursor->at, left, item, &length)) {
    case ITEM_FOUND:
        cursor->at += length;
        return true;
    case ITEM_INCOMPLETE:
        /* A string length near 2^64 has wrapped around if the sum is not more than what is there.
         */
        return length > left ? incomplete(cursor, length - left) : cursor_too_large(cursor);
    case ITEM_MALFORMED:
        break;
    }
    return cursor_corrupt(cursor, cursor->at, "a CBOR data item", "a byte that begins none");
}

bool cursor_begin(struct cursor *cursor, bool map, struct cursor_container *container)
{
    size_t at = cursor->at;
    struct item item;
    if (!cursor_item(cursor, &item))
        return false;
    enum item_type definite = map ? ITEM_MAP : ITEM_ARRAY;
    enum item_type indefinite = map ? ITEM_MAP_START : ITEM_ARRAY_START;
    if (item.type != definite && item.type != indefinite)
        return cursor_corrupt(cursor, at, item_type_name(definite), item_type_name(item.type));
    /* Each element takes a byte at least. */
    if (item.value > CURSOR_HALF)
        return cursor_too_large(cursor);
    *container = (struct cursor_container){
        .indefinite = item.type == indefinite,
        .map = map,
        .left = map ? item.value * 2 : item.value,
    };
    return true;
}

bool cursor_more(struct cursor *cursor, struct cursor_container *container, bool *follows)
{
    if (!container->indefinite) {
        *follows = container->left > 0;
        container->left -= *follows;
        return true;
    }
    if (cursor->at == cursor->size)
        return incomplete(cursor, 1);
    *follows = cursor->data[cursor->at] != 0xff;
    if (!*follows) {
        if (container->map && container->left % 2)
            return cursor_corrupt(cursor, cursor->at, "a key's value", item_type_name(ITEM_BREAK));
        cursor->at++;
    }
    container->left += *follows;
    return true;
}

/* ---- Strings ---- */

/*
 * Passes the chunks of an indefinite string (RFC 8949 section 3.2.3) and its break. They are
 * copied to out unless that is NULL.
 */
static bool walk_chunks(struct cursor *cursor, enum item_type start, char *out, size_t *total)
{
    enum item_type chunk = start == ITEM_TEXT_START ? ITEM_TEXT : ITEM_BYTES;
    *total = 0;
    for (;;) {
        size_t at = cursor->at;
        struct item item;
        if (!cursor_item(cursor, &item))
            return false;
        if (item.type == ITEM_BREAK)
            return true;
        if (item.type != chunk)
            return cursor_corrupt(cursor, at, "a chunk of the same string",
                                  item_type_name(item.type));
        if (out && item.value)
            memcpy(out + *total, item.data, item.value);
        *total += item.value;
    }
}

static bool join_chunks(struct cursor *cursor, enum item_type start, struct log_text *text)
{
    size_t first = cursor->at;
    size_t total;
    *text = (struct log_text){.data = "", .size = 0};
    if (!walk_chunks(cursor, start, NULL, &total))
        return false;
    if (!total)
        return true;
    struct cursor_string *string;
    if (!cursor_charge(cursor, sizeof *string + total + ALLOCATION_COST))
        return false;
    string = malloc(sizeof *string + total);
    if (!string)
        return cursor_fail(cursor, error_no_memory());
    string->next = cursor->strings;
    cursor->strings = string;
    cursor->at = first;
    *text = (struct log_text){.data = string->data, .size = total};
    return walk_chunks(cursor, start, string->data, &total);
}

bool cursor_string(struct cursor *cursor, bool text, struct log_text *string)
{
    size_t at = cursor->at;
    struct item item;
    if (!cursor_item(cursor, &item))
        return false;
    if (item.type == ITEM_BYTES || (text && item.type == ITEM_TEXT)) {
        *string = (struct log_text){.data = item.data, .size = item.value};
        return true;
    }
    if (item.type == ITEM_BYTES_START || (text && item.type == ITEM_TEXT_START))
        return join_chunks(cursor, item.type, string);
    return cursor_corrupt(cursor, at, item_type_name(text ? ITEM_TEXT : ITEM_BYTES),
                          item_type_name(item.type));
}

/* ---- Skipping ---- */

/* Passes a data item that is no array or map; those are put on the stack of open ones. */
static bool skip_head(struct cursor *cursor, struct cursor_container *open, size_t *depth)
{
    size_t at;
    size_t total;
    struct item item;
    do {
        at = cursor->at;
        if (!cursor_item(cursor, &item))
            return false;
    } while (item.type == ITEM_TAG);
    switch (item.type) {
    case ITEM_BREAK:
        return cursor_corrupt(cursor, at, "a data item", item_type_name(item.type));
    case ITEM_BYTES_START:
    case ITEM_TEXT_START:
        return walk_chunks(cursor, item.type, NULL, &total);
    case ITEM_ARRAY:
    case ITEM_MAP:
    case ITEM_ARRAY_START:
    case ITEM_MAP_START:
        if (*depth == NESTING_MAX)
            return cursor_corrupt(cursor, at, "no deeper nesting", item_type_name(item.type));
        cursor->at = at;
        return cursor_begin(cursor, item.type == ITEM_MAP || item.type == ITEM_MAP_START,
                            &open[(*depth)++]);
    default:
        return true;
    }
}

bool cursor_skip(struct cursor *cursor)
{
    struct cursor_container open[NESTING_MAX];
    size_t depth = 0;
    if (!skip_head(cursor, open, &depth))
        return false;
    while (depth) {
        bool follows;
        if (!cursor_more(cursor, &open[depth - 1], &follows))
            return false;
        if (!follows)
            depth--;
        else if (!skip_head(cursor, open, &depth))
            return false;
    }
    return true;
}
