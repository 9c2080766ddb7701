/* SPDX-License-Identifier: MIT */
/*
 * json_build.h - JSON values of untrusted names and large numbers, built with jansson and printed.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_BUILD_H
#define ALLOCPTRACE_ANALYZE_JSON_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "output/log/error.h"

/* An object under construction; failed stays set once memory ran out. */
struct json_build {
    json_t *json;
    bool failed;
};

struct json_build json_begin(void);
/* Takes value over; NULL, out of memory, is found when the object is printed. */
void json_put(struct json_build *object, const char *key, json_t *value);
/* JSON texts are UTF-8: names that are not are neutralized first. NULL becomes null. */
void json_put_text(struct json_build *object, const char *key, const char *text);
void json_put_number(struct json_build *object, const char *key, uint64_t number);

/* The values themselves; NULL when out of memory. jansson's integers are signed: of larger numbers,
 * which no honest log has, the largest is kept. */
json_t *json_of_text(const char *text);
json_t *json_of_number(uint64_t number);

/* Prints with jansson's flags and takes the object over. A failed write is found by who opened out.
 */
struct error *json_print(FILE *out, struct json_build object, size_t flags);
/* The same of any value; NULL is out of memory. */
struct error *json_print_value(FILE *out, json_t *value, size_t flags);

#endif
