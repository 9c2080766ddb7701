/* SPDX-License-Identifier: MIT */
/* What the writer wrote, the reader gives back; and the bytes between are those of the format. */
#include <stdlib.h>
#include <string.h>

#include "output/log/reader.h"
#include "output/log/schema.h"
#include "output/log/writer.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"
#include "tests/unit/log_samples.h"

static void assert_samples_come_back(const char *path)
{
    struct log_reader *reader;
    struct log_record record;
    write_samples(path);
    assert_no_error(log_reader_open(path, &reader));
    assert_same_header(&log_samples_header, log_reader_header(reader));
    for (size_t i = 0; i < log_samples_count; i++) {
        /* What the reader does not set must not come from the record before. */
        memset(&record, 0xa5, sizeof record);
        assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
        assert_same_record(&log_samples[i], &record);
    }
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_END);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_END);
    assert_null(log_reader_error(reader));
    log_reader_close(reader);
}

static void every_kind_comes_back_from_a_plain_log(void **state)
{
    (void)state;
    assert_samples_come_back(log_path("samples.cbor"));
}

static void every_kind_comes_back_from_a_compressed_log(void **state)
{
    (void)state;
    assert_samples_come_back(log_path("samples.cbor.zst"));
    size_t size;
    unsigned char *bytes = file_bytes(log_path("samples.cbor.zst"), &size);
    assert_memory_equal(bytes, "\x28\xb5\x2f\xfd", 4);
    free(bytes);
}

static void the_samples_hold_every_kind(void **state)
{
    (void)state;
    for (uint64_t kind = 0; kind < 64; kind++) {
        bool found = false;
        for (size_t i = 0; i < log_samples_count; i++)
            found = found || log_samples[i].kind == kind;
        assert_int_equal(found, schema_find(kind) != NULL);
    }
}

static void an_empty_header_comes_back(void **state)
{
    (void)state;
    struct log_writer *writer;
    struct log_reader *reader;
    struct log_record record;
    const struct log_header header = {.version = LOG_VERSION};
    assert_no_error(log_writer_open(log_path("empty.cbor"), &header, &writer));
    assert_no_error(log_writer_close(writer));
    assert_no_error(log_reader_open(log_path("empty.cbor"), &reader));
    assert_same_header(&header, log_reader_header(reader));
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_TRUNCATED);
    log_reader_close(reader);
}

/*
 * Encoded by hand from RFC 8949: section 3 for the heads, section 3.4.6 for the tag. The first
 * address is 16, so the difference to 8 is -8, whose argument is 7 (0x27).
 */
static const unsigned char golden_header[] = "\xd9\xd9\xf7"
                                             "\x83"
                                             "\x6f"
                                             "allocptrace-log"
                                             "\x01"
                                             "\xa9"
                                             "\x67tick_ns"
                                             "\x19\x03\xe8"
                                             "\x6astarted_ns"
                                             "\x1b\x00\x00\x00\x01\x00\x00\x00\x00"
                                             "\x69page_size"
                                             "\x19\x10\x00"
                                             "\x65"
                                             "depth"
                                             "\x18\x40"
                                             "\x68"
                                             "attached"
                                             "\xf5"
                                             "\x68mappings"
                                             "\xf4"
                                             "\x64tool"
                                             "\x61t"
                                             "\x64"
                                             "arch"
                                             "\x60"
                                             "\x67"
                                             "command"
                                             "\x82\x62ls\x41\xff";
static const unsigned char golden_records[] =
    "\x86\x10\x0a\x01\x10\x18\x18\x02"             /* alloc */
    "\x87\x10\x00\x01\x00\x11\x02\x07"             /* alloc with slack */
    "\x87\x10\x00\x01\x00\x18\x18\x02\x00"         /* alloc without any */
    "\x84\x11\x05\x01\x27"                         /* free without a stack */
    "\x85\x11\x00\x01\x00\x03"                     /* free with one */
    "\x87\x12\x01\x01\x08\x18\xf0\x19\x01\x00\x02" /* realloc */
    "\x88\x12\x00\x01\x00\x00\x08\x02\x10"         /* realloc with slack */
    "\x82\x0b\x63\xe2\x82\xac"                     /* note */
    "\x83\x07\x09\x81\x83\x61"                     /* symbol */
    "f\x60\x0c"
    "\x84\x03\x01\x60\x42\x00\xff"               /* module */
    "\x84\x09\x01\x18\x63\x21"                   /* process_end */
    "\x83\x17\x1a\x00\x01\x00\x00\xa1\x61x\x05"; /* end */

static void bytes_are_those_of_rfc_8949(void **state)
{
    (void)state;
    static const struct log_text command[] = {{"ls", 2}, {"\xff", 1}};
    const struct log_header header = {.tick_ns = 1000,
                                      .started_ns = UINT64_C(1) << 32,
                                      .page_size = 4096,
                                      .depth = 64,
                                      .attached = true,
                                      .tool = {"t", 1},
                                      .command_count = 2,
                                      .command = command};
    static const struct log_location location[] = {{.function = {"f", 1}, .line = 12}};
    static const struct log_count count[] = {{.name = {"x", 1}, .value = 5}};
    const struct log_record records[] = {
        {.kind = LOG_ALLOC, .alloc = {10, 1, 16, 24, 2, 0, false}},
        {.kind = LOG_ALLOC, .alloc = {10, 1, 16, 17, 2, 7, true}},
        {.kind = LOG_ALLOC, .alloc = {10, 1, 16, 24, 2, 0, true}},
        {.kind = LOG_FREE, .free = {15, 1, 8, 0}},
        {.kind = LOG_FREE, .free = {15, 1, 8, 3}},
        {.kind = LOG_REALLOC, .realloc = {16, 1, 16, 256, 256, 2, 0, false}},
        {.kind = LOG_REALLOC, .realloc = {16, 1, 256, 256, 8, 2, 16, true}},
        {.kind = LOG_NOTE, .note = {{"\xe2\x82\xac", 3}}},
        {.kind = LOG_SYMBOL, .symbol = {9, 1, location}},
        {.kind = LOG_MODULE, .module = {1, {"", 0}, {"\0\xff", 2}}},
        {.kind = LOG_PROCESS_END, .process_end = {1, 99, -2}},
        {.kind = LOG_END, .end = {65536, 1, count}},
    };
    struct log_writer *writer;
    assert_no_error(log_writer_open(log_path("golden.cbor"), &header, &writer));
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        log_writer_put(writer, &records[i]);
    size_t header_size = sizeof golden_header - 1;
    size_t records_size = sizeof golden_records - 1;
    assert_int_equal(log_writer_bytes_encoded(writer), header_size + records_size);
    assert_no_error(log_writer_close(writer));

    size_t size;
    unsigned char *bytes = file_bytes(log_path("golden.cbor"), &size);
    assert_int_equal(size, header_size + records_size);
    assert_memory_equal(bytes, golden_header, header_size);
    assert_memory_equal(bytes + header_size, golden_records, records_size);
    free(bytes);
}

static void a_record_of_no_kind_is_not_written(void **state)
{
    (void)state;
    const struct log_header header = {0};
    struct log_writer *writer;
    assert_no_error(log_writer_open(log_path("kinds.cbor"), &header, &writer));
    uint64_t before = log_writer_bytes_encoded(writer);
    log_writer_put(writer, &(struct log_record){.kind = (enum log_kind)12});
    log_writer_put(writer, &(struct log_record){.kind = (enum log_kind)1000});
    assert_int_equal(log_writer_bytes_encoded(writer), before);
    assert_no_error(log_writer_close(writer));
}

/* Ten million bytes of arguments, each of one byte; and one text of that length. */
static void a_record_too_large_for_the_reader_is_cut_and_comes_back(void **state)
{
    (void)state;
    const size_t huge = 10u << 20;
    char *text = malloc(huge);
    struct log_text *arguments = calloc(huge, sizeof *arguments);
    assert_non_null(text);
    assert_non_null(arguments);
    memset(text, 'a', huge);
    for (size_t i = 0; i < huge; i++)
        arguments[i] = (struct log_text){.data = text, .size = 1};
    const struct log_record records[] = {
        {.kind = LOG_PROCESS, .process = {.argument_count = huge, .arguments = arguments}},
        {.kind = LOG_NOTE, .note = {.text = {.data = text, .size = huge}}},
        {.kind = LOG_END},
    };
    const struct log_header header = {0};
    struct log_writer *writer;
    assert_no_error(log_writer_open(log_path("huge.cbor"), &header, &writer));
    for (size_t i = 0; i < 3; i++)
        log_writer_put(writer, &records[i]);
    assert_no_error(log_writer_close(writer));

    struct log_reader *reader;
    struct log_record record;
    assert_no_error(log_reader_open(log_path("huge.cbor"), &reader));
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_in_range(record.process.argument_count, 100000, huge - 1);
    for (size_t i = 0; i < record.process.argument_count; i++)
        assert_int_equal(record.process.arguments[i].size, 1);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_in_range(record.note.text.size, 1u << 20, huge - 1);
    assert_memory_equal(record.note.text.data, text, record.note.text.size);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.kind, LOG_END);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_END);
    log_reader_close(reader);
    free(arguments);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_from_a_plain_log),
        cmocka_unit_test(every_kind_comes_back_from_a_compressed_log),
        cmocka_unit_test(the_samples_hold_every_kind),
        cmocka_unit_test(an_empty_header_comes_back),
        cmocka_unit_test(bytes_are_those_of_rfc_8949),
        cmocka_unit_test(a_record_of_no_kind_is_not_written),
        cmocka_unit_test(a_record_too_large_for_the_reader_is_cut_and_comes_back),
    };
    return cmocka_run_group_tests(tests, log_folder_create, log_folder_remove);
}
