/* SPDX-License-Identifier: MIT */
/*
 * json_fields.h - what the numbers of a replay are called in JSON, for writing and for reading.
 */
#ifndef ALLOCPTRACE_ANALYZE_JSON_FIELDS_H
#define ALLOCPTRACE_ANALYZE_JSON_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "output/analyze/replay.h"

/* A uint64_t of a struct. */
struct json_field {
    const char *name;
    size_t offset;
};

/* Of struct replay_totals, in the member "summary"; ended by a name of NULL. */
extern const struct json_field json_total_fields[];
/* Of the same, if blocks from before tracing are known. */
extern const struct json_field json_found_fields[];
/* Of the same, if leak checks are shown. */
extern const struct json_field json_leak_fields[];
/* Of struct replay_sums, of sites and of stacks; ended by a name of NULL. */
extern const struct json_field json_sum_fields[];

static inline uint64_t json_field_get(const struct json_field *field, const void *of)
{
    return *(const uint64_t *)((const char *)of + field->offset);
}

static inline void json_field_set(const struct json_field *field, void *of, uint64_t value)
{
    *(uint64_t *)((char *)of + field->offset) = value;
}

#define JSON_SCHEMA "allocptrace-profile"
#define JSON_SCHEMA_VERSION 1

#endif
