/* SPDX-License-Identifier: MIT */
#include "output/log/reader.h"

#include <stdlib.h>
#include <string.h>

#include "output/log/decode.h"
#include "output/log/source.h"

/* Above this size an incomplete record must grow by a quarter before it is decoded again, so that
 * the work stays in proportion to its size even if the bytes come in small pieces. */
#define SMALL_RECORD (64u << 10)

struct log_reader {
    struct source source;
    struct decoder decoder;
    struct log_header header;
    char *header_text; /* what the header's text points into */
    struct log_text *command;
    struct error *error;
    bool end_seen; /* a LOG_END record was returned */
};

/* ---- Header ---- */

static void move_text(struct log_text *text, char **out)
{
    if (text->size)
        memcpy(*out, text->data, text->size);
    text->data = *out;
    *out += text->size;
}

/* The header outlives the window that it was decoded from. */
static bool keep_header(struct log_reader *reader)
{
    struct log_header *header = &reader->header;
    size_t size = header->tool.size + header->arch.size;
    for (size_t i = 0; i < header->command_count; i++)
        size += header->command[i].size;
    reader->header_text = malloc(size + 1);
    reader->command = calloc(header->command_count + 1, sizeof *reader->command);
    if (!reader->header_text || !reader->command)
        return false;
    char *out = reader->header_text;
    move_text(&header->tool, &out);
    move_text(&header->arch, &out);
    for (size_t i = 0; i < header->command_count; i++) {
        reader->command[i] = header->command[i];
        move_text(&reader->command[i], &out);
    }
    header->command = reader->command;
    return true;
}

static void start_cursor(struct log_reader *reader)
{
    struct source *source = &reader->source;
    cursor_start(&reader->decoder.cursor, source_data(source), source_unread(source),
                 source->offset);
}

/* Gets more bytes for an item that is not whole; *ended if there are none. */
static struct error *refill(struct log_reader *reader, bool *ended)
{
    size_t unread = source_unread(&reader->source);
    size_t wanted = reader->decoder.cursor.wanted;
    size_t least = unread + unread / 4;
    if (least > CURSOR_HALF)
        least = CURSOR_HALF;
    if (unread > SMALL_RECORD && wanted < least)
        wanted = least;
    return source_fill(&reader->source, wanted, ended);
}

static struct error *read_header(struct log_reader *reader)
{
    struct cursor *cursor = &reader->decoder.cursor;
    for (;;) {
        start_cursor(reader);
        if (decode_header(&reader->decoder, &reader->header))
            break;
        if (cursor->state == CURSOR_FAILED)
            return cursor->error;
        bool ended;
        struct error *error = refill(reader, &ended);
        if (error)
            return error;
        if (ended)
            return error_format(ERROR_FORMAT, source_unread(&reader->source)
                                                  ? "the file ends within the log's header"
                                                  : "the file is empty");
    }
    if (!keep_header(reader))
        return error_no_memory();
    source_consume(&reader->source, cursor->at);
    return NULL;
}

struct error *log_reader_open(const char *path, struct log_reader **out)
{
    struct log_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_no_memory();
    struct error *error = source_open(&reader->source, path);
    if (error) {
        free(reader);
        return error;
    }
    error = read_header(reader);
    if (error) {
        error_prefix(error, "%s", reader->source.path);
        log_reader_close(reader);
        return error;
    }
    *out = reader;
    return NULL;
}

const struct log_header *log_reader_header(const struct log_reader *reader)
{
    return &reader->header;
}

/* ---- Records ---- */

static enum log_read fail(struct log_reader *reader, struct error *error)
{
    reader->error = error_prefix(error, "%s", reader->source.path);
    return LOG_READ_ERROR;
}

static enum log_read after_end(struct log_reader *reader)
{
    bool ended = false;
    if (!source_unread(&reader->source)) {
        struct error *error = source_fill(&reader->source, 1, &ended);
        if (error)
            return fail(reader, error);
    }
    if (ended)
        return LOG_READ_END;
    start_cursor(reader);
    cursor_corrupt(&reader->decoder.cursor, 0, "the end of the file", "data after the end record");
    return fail(reader, reader->decoder.cursor.error);
}

enum log_read log_reader_next(struct log_reader *reader, struct log_record *record)
{
    struct cursor *cursor = &reader->decoder.cursor;
    if (reader->error)
        return LOG_READ_ERROR;
    if (reader->end_seen)
        return after_end(reader);
    for (;;) {
        start_cursor(reader);
        bool known;
        if (decode_record(&reader->decoder, record, &known)) {
            source_consume(&reader->source, cursor->at);
            if (!known)
                continue;
            reader->end_seen = record->kind == LOG_END;
            return LOG_READ_RECORD;
        }
        if (cursor->state == CURSOR_FAILED)
            return fail(reader, cursor->error);
        bool ended;
        struct error *error = refill(reader, &ended);
        if (error)
            return fail(reader, error);
        if (ended)
            return LOG_READ_TRUNCATED;
    }
}

const struct error *log_reader_error(const struct log_reader *reader)
{
    return reader->error;
}

uint64_t log_reader_offset(const struct log_reader *reader)
{
    return reader->source.offset;
}

double log_reader_fraction(const struct log_reader *reader)
{
    return source_fraction(&reader->source);
}

void log_reader_close(struct log_reader *reader)
{
    error_free(reader->error);
    decoder_deinit(&reader->decoder);
    source_close(&reader->source);
    free(reader->header_text);
    free(reader->command);
    free(reader);
}
