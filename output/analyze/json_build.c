/* SPDX-License-Identifier: MIT */
#include "output/analyze/json_build.h"

#include <stdlib.h>
#include <string.h>

#include "output/log/text.h"
#include "output/log/utf8.h"

struct json_build json_begin(void)
{
    json_t *json = json_object();
    return (struct json_build){.json = json, .failed = !json};
}

void json_put(struct json_build *object, const char *key, json_t *value)
{
    object->failed = json_object_set_new(object->json, key, value) != 0 || object->failed;
}

json_t *json_of_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (value)
        return value;
    unsigned long size = text_sanitize(NULL, 0, text) + 1;
    char *clean = malloc(size);
    if (clean)
        text_sanitize(clean, size, text);
    value = clean ? json_string(clean) : NULL;
    free(clean);
    return value;
}

json_t *json_of_number(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

void json_put_text(struct json_build *object, const char *key, const char *text)
{
    json_put(object, key, json_of_text(text));
}

void json_put_number(struct json_build *object, const char *key, uint64_t number)
{
    json_put(object, key, json_of_number(number));
}

/* JSON escapes C0 only: other characters that are not for a terminal (text.h), all of which stand
 * in strings and have a code point of four digits, are escaped here. */
static void print_dump(FILE *out, const char *dump)
{
    for (size_t left = strlen(dump); left;) {
        bool safe;
        size_t length = text_character(dump, left, &safe);
        while (safe && length < left && dump[length] >= ' ' && dump[length] <= '~')
            length++;
        if (safe || *dump == '\n')
            fwrite(dump, 1, length, out);
        else
            fprintf(out, "\\u%04x", utf8_code_point(dump, length));
        dump += length;
        left -= length;
    }
}

struct error *json_print_value(FILE *out, json_t *value, size_t flags)
{
    char *dump = value ? json_dumps(value, flags | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (!dump)
        return error_no_memory();
    print_dump(out, dump);
    free(dump);
    return NULL;
}

struct error *json_print(FILE *out, struct json_build object, size_t flags)
{
    if (!object.failed)
        return json_print_value(out, object.json, flags);
    json_decref(object.json);
    return error_no_memory();
}
