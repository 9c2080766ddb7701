/* SPDX-License-Identifier: MIT */
#include "output/analyze/pprof_writer.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"
#include "output/log/text.h"

struct pprof_text {
    int64_t index;
    UT_hash_handle hh; /* by the text */
};

struct pprof_function {
    struct {
        int64_t name, file;
    } key;
    uint64_t id;
    UT_hash_handle hh;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    gzip_write(((struct pprof_writer *)buffer)->gzip, data, size);
}

struct error *pprof_writer_init(struct pprof_writer *writer, FILE *out)
{
    *writer = (struct pprof_writer){.buffer.append = append};
    struct error *error = gzip_create(out, &writer->gzip);
    if (!error)
        pprof_text(writer, ""); /* element 0 */
    return error;
}

struct error *pprof_writer_finish(struct pprof_writer *writer)
{
    struct pprof_text *text;
    struct pprof_function *function;
    while ((text = writer->texts)) {
        HASH_DEL(writer->texts, text);
        free(text);
    }
    while ((function = writer->functions)) {
        HASH_DEL(writer->functions, function);
        free(function);
    }
    gzip_destroy(writer->gzip);
    writer->gzip = NULL;
    return writer->failed ? error_no_memory() : NULL;
}

void pprof_write(struct pprof_writer *writer, const Pprof__Profile *part)
{
    if (!writer->failed)
        pprof__profile__pack_to_buffer(part, &writer->buffer);
}

static void write_text(struct pprof_writer *writer, const char *text)
{
    char *clean = text_neutralized(text);
    if (!clean) {
        writer->failed = true;
        return;
    }
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_string_table = 1;
    part.string_table = &clean;
    pprof_write(writer, &part);
    free(clean);
}

int64_t pprof_text(struct pprof_writer *writer, const char *text)
{
    struct pprof_text *entry;
    text = text ? text : "";
    size_t length = strlen(text);
    HASH_FIND(hh, writer->texts, text, length, entry);
    if (entry)
        return entry->index;
    entry = calloc(1, sizeof *entry);
    if (entry) {
        entry->index = (int64_t)HASH_COUNT(writer->texts);
        HASH_ADD_KEYPTR(hh, writer->texts, text, length, entry);
    }
    if (!entry || !entry->hh.tbl) {
        free(entry);
        writer->failed = true;
        return 0;
    }
    write_text(writer, text);
    return entry->index;
}

uint64_t pprof_function(struct pprof_writer *writer, const char *name, const char *file)
{
    struct pprof_function wanted = {
        .key = {.name = pprof_text(writer, name), .file = pprof_text(writer, file)}};
    struct pprof_function *entry;
    HASH_FIND(hh, writer->functions, &wanted.key, sizeof wanted.key, entry);
    if (entry)
        return entry->id;
    entry = malloc(sizeof *entry);
    if (entry) {
        *entry = wanted;
        entry->id = HASH_COUNT(writer->functions) + 1;
        HASH_ADD(hh, writer->functions, key, sizeof entry->key, entry);
    }
    if (!entry || !entry->hh.tbl) {
        free(entry);
        writer->failed = true;
        return 0;
    }
    Pprof__Function function = PPROF__FUNCTION__INIT;
    function.id = entry->id;
    function.name = function.system_name = entry->key.name;
    function.filename = entry->key.file;
    Pprof__Function *functions = &function;
    Pprof__Profile part = PPROF__PROFILE__INIT;
    part.n_function = 1;
    part.function = &functions;
    pprof_write(writer, &part);
    return entry->id;
}
