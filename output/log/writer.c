/* SPDX-License-Identifier: MIT */
#include "output/log/writer.h"

#include <stdlib.h>

#include "output/log/encode.h"
#include "output/log/sink.h"

struct log_writer {
    struct sink sink;
    struct encoder encoder;
};

struct error *log_writer_open(const char *path, const struct log_header *header,
                              struct log_writer **out)
{
    struct log_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return error_no_memory();
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
    if (!writer->sink.error)
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

struct error *log_writer_close(struct log_writer *writer)
{
    struct error *error = sink_close(&writer->sink);
    free(writer);
    return error;
}
