/* SPDX-License-Identifier: MIT */
#include "output/log/writer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "output/log/encode.h"
#include "output/log/sink.h"

struct log_writer {
    struct sink sink;
    struct encoder encoder;
    bool finished;
};

struct error *log_writer_open(const char *path, const struct log_header *header,
                              struct log_writer **out)
{
    struct log_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return error_no_memory();
    writer->finished = false;
    struct error *error = sink_open(&writer->sink, path);
    if (error) {
        free(writer);
        return error;
    }
    writer->encoder = (struct encoder){.sink = &writer->sink};
    encode_header(&writer->encoder, header);
    sink_flush(&writer->sink);
    if (writer->sink.error)
        return log_writer_close(writer);
    *out = writer;
    return NULL;
}

void log_writer_put(struct log_writer *writer, const struct log_record *record)
{
    if (!writer->sink.error && !writer->finished)
        encode_record(&writer->encoder, record);
}

void log_writer_flush(struct log_writer *writer)
{
    sink_flush(&writer->sink);
}

const struct error *log_writer_error(const struct log_writer *writer)
{
    return writer->sink.error;
}

uint64_t log_writer_stalled_ns(const struct log_writer *writer)
{
    return sink_stalled_ns(&writer->sink);
}

uint64_t log_writer_bytes_encoded(const struct log_writer *writer)
{
    return writer->sink.encoded + writer->sink.used;
}

uint64_t log_writer_bytes_written(const struct log_writer *writer)
{
    return writer->sink.written;
}

const char *log_writer_path(const struct log_writer *writer)
{
    return writer->sink.path;
}

void log_writer_finish(struct log_writer *writer)
{
    if (!writer->finished)
        sink_finish(&writer->sink);
    writer->finished = true;
}

struct error *log_writer_close(struct log_writer *writer)
{
    log_writer_finish(writer);
    struct error *error = sink_release(&writer->sink);
    free(writer);
    return error;
}
