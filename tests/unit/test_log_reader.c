/* SPDX-License-Identifier: MIT */
/* The reader on logs that were cut off, damaged, written by others, or made to harm it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/log/reader.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"
#include "tests/unit/log_samples.h"

#define HEADER                                                                                     \
    "\xd9\xd9\xf7\x83\x6f"                                                                         \
    "allocptrace-log"                                                                              \
    "\x01\xa0"
#define HEADER_SIZE (sizeof HEADER - 1)
#define END "\x83\x17\x00\xa0"

/* A log in memory, from string literals that may hold zeros. */
#define LOG(bytes) memory_file(HEADER bytes, HEADER_SIZE + sizeof(bytes) - 1)
#define RAW(bytes) memory_file(bytes, sizeof(bytes) - 1)

static struct log_reader *open_log(const char *path)
{
    struct log_reader *reader;
    assert_no_error(log_reader_open(path, &reader));
    return reader;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* ---- Files that are no logs ---- */

static void assert_refused(const char *path, enum error_code code, const char *part)
{
    struct log_reader *reader;
    struct error *error = log_reader_open(path, &reader);
    assert_non_null(error);
    assert_int_equal(error->code, code);
    assert_contains(error->message, part);
    assert_contains(error->message, path);
    error_free(error);
}

static void other_files_are_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused(RAW(""), ERROR_FORMAT, "the file is empty");
    assert_refused(RAW("\x7f"
                       "ELF\x02\x01\x01"),
                   ERROR_FORMAT, "not self-described CBOR");
    assert_refused(RAW("# heaptrack"), ERROR_FORMAT, "not self-described CBOR");
    assert_refused(RAW("\xff\xff\xff\xff"), ERROR_FORMAT, "not self-described CBOR");
    assert_refused(RAW("\xd9\xd9\xf7\xa0"), ERROR_FORMAT, "CBOR of another kind");
    assert_refused(RAW("\xd9\xd9\xf7\x80"), ERROR_FORMAT, "CBOR of another kind");
    assert_refused(RAW("\xd9\xd9\xf7\x81\x01"), ERROR_FORMAT, "CBOR of another kind");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x65other\x01\xa0"), ERROR_FORMAT, "CBOR of another kind");
    assert_refused(log_path("missing.cbor"), ERROR_SYSTEM, "No such file");
    assert_refused("/", ERROR_SYSTEM, "Is a directory");
}

static void other_versions_are_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x02\xf6"),
                   ERROR_FORMAT, "log version 2 is newer than this program reads (1)");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
                   ERROR_FORMAT, "log version 18446744073709551615 is newer");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x00\xa0"),
                   ERROR_CORRUPT, "field version");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x61"
                       "1\xa0"),
                   ERROR_CORRUPT,
                   "field version: expected an unsigned integer, found a text string");
}

static void a_header_that_is_cut_off_is_refused_at_every_byte(void **state)
{
    (void)state;
    for (size_t size = 1; size < HEADER_SIZE; size++)
        assert_refused(memory_file(HEADER, size), ERROR_FORMAT,
                       "the file ends within the log's header");
}

static void unknown_header_entries_are_passed_over(void **state)
{
    (void)state;
    struct log_reader *reader = open_log(RAW("\xd9\xd9\xf7\x84\x6f"
                                             "allocptrace-log"
                                             "\x01\xa4"
                                             "\x61z\x82\xa1\x01\x02\xf6"
                                             "\x65"
                                             "depth\x05"
                                             "\x41x\xf9\x3c\x00"
                                             "\x63zzz\xd8\x20\x61u"
                                             "\x82\x01\x02" END));
    struct log_record record;
    assert_int_equal(log_reader_header(reader)->depth, 5);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.kind, LOG_END);
    log_reader_close(reader);
}

static void header_entries_of_a_wrong_type_are_corrupt(void **state)
{
    (void)state;
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x01\xa1\x65"
                       "depth\x60"),
                   ERROR_CORRUPT, "byte offset 28: header: field depth");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x01\x80"),
                   ERROR_CORRUPT, "expected a map, found an array");
    assert_refused(RAW("\xd9\xd9\xf7\x83\x6f"
                       "allocptrace-log"
                       "\x01\xbf\x65"
                       "depth\xff"),
                   ERROR_CORRUPT, "header: expected a key's value, found a break");
}

/* ---- Truncation ---- */

/* Reads all of the log; the count of its records before the result, which is no record. */
static enum log_read read_all(const char *path, size_t *count)
{
    struct log_reader *reader;
    struct log_record record;
    enum log_read result;
    *count = 0;
    struct error *error = log_reader_open(path, &reader);
    if (error) {
        error_free(error);
        return LOG_READ_ERROR;
    }
    while ((result = log_reader_next(reader, &record)) == LOG_READ_RECORD)
        ++*count;
    assert_true((result == LOG_READ_ERROR) == (log_reader_error(reader) != NULL));
    log_reader_close(reader);
    return result;
}

static void a_log_cut_off_at_any_byte_gives_its_whole_records(void **state)
{
    (void)state;
    write_samples(log_path("samples.cbor"));
    size_t size;
    unsigned char *bytes = file_bytes(log_path("samples.cbor"), &size);

    /* Where each record ends. */
    size_t ends[64];
    size_t records = 0;
    struct log_record record;
    struct log_reader *reader = open_log(log_path("samples.cbor"));
    size_t header_end = log_reader_offset(reader);
    while (log_reader_next(reader, &record) == LOG_READ_RECORD)
        ends[records++] = log_reader_offset(reader);
    log_reader_close(reader);
    assert_int_equal(records, log_samples_count);
    assert_int_equal(ends[records - 1], size);

    for (size_t cut = header_end; cut < size; cut++) {
        size_t whole = 0;
        while (ends[whole] <= cut)
            whole++;
        size_t count;
        assert_int_equal(read_all(memory_file(bytes, cut), &count), LOG_READ_TRUNCATED);
        assert_int_equal(count, whole);
    }
    free(bytes);
}

static void a_compressed_log_cut_off_at_any_byte_is_truncated_or_has_no_header(void **state)
{
    (void)state;
    write_samples(log_path("samples.cbor.zst"));
    size_t size;
    unsigned char *bytes = file_bytes(log_path("samples.cbor.zst"), &size);
    size_t truncated = 0;
    for (size_t cut = 4; cut < size; cut++) {
        size_t count;
        enum log_read result = read_all(memory_file(bytes, cut), &count);
        truncated += result == LOG_READ_TRUNCATED;
        /* All records may be there when only the frame's checksum is missing. */
        assert_true(result == LOG_READ_TRUNCATED || (result == LOG_READ_ERROR && count == 0) ||
                    (result == LOG_READ_END && count == log_samples_count));
    }
    assert_true(truncated > 0);
    free(bytes);
}

static void a_log_that_grows_is_read_on(void **state)
{
    (void)state;
    static const char first[] = HEADER "\x82\x0b\x61"
                                       "a"
                                       "\x82\x0b\x65"
                                       "bc";
    static const char second[] = "def" END;
    const char *path = log_path("growing.cbor");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, first, sizeof first - 1), sizeof first - 1);
    struct log_reader *reader = open_log(path);
    struct log_record record;
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_TRUNCATED);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_TRUNCATED);
    assert_int_equal(write(fd, second, sizeof second - 1), sizeof second - 1);
    close(fd);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.note.text.size, 5);
    assert_memory_equal(record.note.text.data, "bcdef", 5);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_END);
    log_reader_close(reader);
}

/* ---- Other writers ---- */

static void assert_next_note(struct log_reader *reader, const char *text)
{
    struct log_record record;
    if (log_reader_next(reader, &record) != LOG_READ_RECORD)
        fail_msg("no record: %s",
                 log_reader_error(reader) ? log_reader_error(reader)->message : "");
    assert_int_equal(record.kind, LOG_NOTE);
    assert_int_equal(record.note.text.size, strlen(text));
    assert_memory_equal(record.note.text.data, text, strlen(text));
}

static void indefinite_lengths_are_read(void **state)
{
    (void)state;
    struct log_reader *reader = open_log(LOG("\x9f\x0b\x61"
                                             "a\xff"
                                             "\x82\x0b\x7f\x62"
                                             "bc\x60\x61"
                                             "d\xff"
                                             "\x82\x0b\x5f\x41"
                                             "e\xff"
                                             "\x82\x0b\x7f\xff"
                                             "\x9f\x11\x01\x02\x03\xff"
                                             "\x83\x07\x04\x9f\x9f\x7f\x61"
                                             "f\xff\x60\x05\x06\xff\xff"
                                             "\x83\x17\x00\xbf\x61"
                                             "n\x07\xff"));
    struct log_record record;
    assert_next_note(reader, "a");
    assert_next_note(reader, "bcd");
    assert_next_note(reader, "e");
    assert_next_note(reader, "");
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.kind, LOG_FREE);
    assert_int_equal(record.free.stack, 0);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.symbol.location_count, 1);
    assert_int_equal(record.symbol.locations[0].function.size, 1);
    assert_int_equal(record.symbol.locations[0].line, 5);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.end.count_count, 1);
    assert_int_equal(record.end.counts[0].value, 7);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_END);
    log_reader_close(reader);
}

static void longer_heads_than_needed_are_read(void **state)
{
    (void)state;
    struct log_reader *reader = open_log(LOG(
        "\x9b\x00\x00\x00\x00\x00\x00\x00\x02\x19\x00\x0b\x7b\x00\x00\x00\x00\x00\x00\x00\x01z"));
    assert_next_note(reader, "z");
    log_reader_close(reader);
}

static void further_elements_are_passed_over_whatever_they_are(void **state)
{
    (void)state;
    struct log_reader *reader =
        open_log(LOG("\x82\x0b\x61"
                     "a"
                     "\x83\x0b\x61"
                     "b\x9f\xbf\x01\x5f\x41x\xff\xff\x80\xff"
                     "\x8b\x0b\x61"
                     "c\xc6\x01\xd4\xc1\x02\xe0\xf3\xf8\xff\xf9\x00\x00\xfa\x00\x00\x00\x00\x3b\xff"
                     "\xff\xff\xff\xff\xff\xff\xff\xf7"
                     "\x9f\x0b\x61"
                     "d\xa1\xf5\xf6\xff"));
    assert_next_note(reader, "a");
    assert_next_note(reader, "b");
    assert_next_note(reader, "c");
    assert_next_note(reader, "d");
    log_reader_close(reader);
}

static void records_of_unknown_kinds_are_passed_over(void **state)
{
    (void)state;
    struct log_reader *reader = open_log(LOG("\x81\x18\x63"
                                             "\x84\x00\x82\x01\x02\xa1\x01\x02\xf6"
                                             "\x9f\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff"
                                             "\x82\x0b\x61"
                                             "a"));
    assert_next_note(reader, "a");
    log_reader_close(reader);
}

/* ---- Corruption ---- */

static void assert_corrupt(const char *path, const char *part)
{
    struct log_reader *reader = open_log(path);
    struct log_record record;
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_ERROR);
    assert_int_equal(log_reader_error(reader)->code, ERROR_CORRUPT);
    assert_contains(log_reader_error(reader)->message, part);
    assert_contains(log_reader_error(reader)->message, path);
    /* It stays: nothing after it is given as if it were good. */
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_ERROR);
    log_reader_close(reader);
}

static void wrong_types_are_errors_at_their_byte_offset(void **state)
{
    (void)state;
    /* The header is 22 bytes. */
    assert_corrupt(LOG("\x01"), "byte offset 22: record: expected an array, found an unsigned");
    assert_corrupt(LOG("\x80"), "record: field kind: expected a further element");
    assert_corrupt(LOG("\x81\x61"
                       "a"),
                   "byte offset 23: record: field kind: expected an unsigned");
    assert_corrupt(
        LOG("\x82\x0b\x01"),
        "byte offset 24: record note: field text: expected a text string, found an unsigned");
    assert_corrupt(LOG("\x84\x03\x01\x60\x60"), "record module: field build_id: expected a byte");
    assert_corrupt(LOG("\x86\x10\x00\x01\x60\x00\x00"),
                   "field address: expected an integer, found a");
    assert_corrupt(LOG("\x86\x10\x20\x01\x00\x00\x00"),
                   "field time: expected an unsigned integer, found a negative");
    assert_corrupt(LOG("\x86\x10\xf6\x01\x00\x00\x00"), "field time");
    assert_corrupt(LOG("\x83\x07\x01\xa0"), "field locations: expected an array, found a map");
    assert_corrupt(LOG("\x83\x07\x01\x81\x01"),
                   "field locations: expected an array, found an unsigned");
    assert_corrupt(LOG("\x83\x07\x01\x81\x82\x60\x60"),
                   "field locations: expected a further element");
    assert_corrupt(LOG("\x83\x17\x00\x80"), "field counts: expected a map");
    assert_corrupt(LOG("\x83\x17\x00\xa1\x61x\x60"), "field counts: expected an unsigned integer");
}

static void records_with_too_few_elements_are_errors(void **state)
{
    (void)state;
    assert_corrupt(LOG("\x81\x0b"), "record note: field text: expected this field, found the end");
    assert_corrupt(LOG("\x85\x10\x01\x01\x01\x01"), "record alloc: field stack");
    assert_corrupt(LOG("\x9f\x10\x01\x01\xff"), "record alloc: field address");
    assert_corrupt(LOG("\x83\x11\x01\x01"), "record free: field address");
}

static void numbers_too_large_for_their_field_are_errors(void **state)
{
    (void)state;
    assert_corrupt(LOG("\x86\x10\x00\x1b\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"),
                   "field thread: expected an unsigned integer of 32 bits");
    assert_corrupt(LOG("\x86\x10\x00\x01\x1b\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
                   "field address");
    assert_corrupt(LOG("\x86\x10\x00\x01\x3b\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
                   "field address");
}

static void malformed_items_are_errors(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x82\x0b\x1c", "\x82\x0b\x7e", "\x82\x0b\xff", "\x82\x0b\xfc", "\x82\x0b\xf8", "\xff",
        "\xdf",
        /* In what is skipped: a break in a definite array, a map without a value, a chunk of
         * another type, a tag with nothing behind it, a simple value in two bytes. */
        "\x83\x0b\x60\x81\xff", "\x83\x0b\x60\xbf\x01\xff", "\x83\x0b\x60\x7f\x41x\xff",
        "\x83\x0b\x60\x9f\xc1\xff", "\x83\x0b\x60\xf8\x1f",
        /* The same in fields. */
        "\x82\x0b\x7f\x41x\xff", "\x82\x0b\x5f\x5f\xff\xff", "\x83\x17\x18\x01\xbf\x61x\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char log[64] = HEADER;
        strcpy(log + HEADER_SIZE, bad[i]);
        /* So that the last one is malformed rather than cut off. */
        memset(log + HEADER_SIZE + strlen(bad[i]), 0x01, 8);
        assert_corrupt(memory_file(log, HEADER_SIZE + strlen(bad[i]) + 8), "byte offset");
    }
}

static void data_after_the_end_record_is_an_error(void **state)
{
    (void)state;
    struct log_reader *reader = open_log(LOG(END "\x82\x0b\x60"));
    struct log_record record;
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_ERROR);
    assert_contains(log_reader_error(reader)->message, "byte offset 26");
    log_reader_close(reader);
}

static void lengths_that_promise_too_much_are_errors(void **state)
{
    (void)state;
    assert_corrupt(LOG("\x82\x0b\x7b\xff\xff\xff\xff\xff\xff\xff\xff"), "larger than any real one");
    assert_corrupt(LOG("\x82\x0b\x7b\xff\xff\xff\xff\xff\xff\xff\xf6"), "larger than any real one");
    assert_corrupt(LOG("\x82\x0b\x7a\xff\xff\xff\xff"), "larger than any real one");
    assert_corrupt(LOG("\x82\x0b\x7b\x7f\xff\xff\xff\xff\xff\xff\xff"), "larger than any real one");
    assert_corrupt(LOG("\x83\x07\x01\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), "larger than any real");
    assert_corrupt(LOG("\x83\x17\x01\xbb\x80\x00\x00\x00\x00\x00\x00\x01"), "larger than any real");
    assert_corrupt(LOG("\x82\x18\x63\xbb\x80\x00\x00\x00\x00\x00\x00\x00"), "larger than any real");
    assert_corrupt(LOG("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x0b"), "larger than any real");
}

static void deep_nesting_is_an_error_and_not_a_crash(void **state)
{
    (void)state;
    static const unsigned char openers[] = {0x81, 0x9f, 0xa1, 0xbf};
    const size_t depth = 1u << 20;
    for (size_t i = 0; i < sizeof openers; i++) {
        unsigned char *log = malloc(HEADER_SIZE + 3 + depth);
        assert_non_null(log);
        memcpy(log, HEADER "\x83\x0b\x60", HEADER_SIZE + 3);
        memset(log + HEADER_SIZE + 3, openers[i], depth);
        assert_corrupt(memory_file(log, HEADER_SIZE + 3 + depth), "no deeper nesting");
        free(log);
    }
}

static void tags_upon_tags_are_passed_over(void **state)
{
    (void)state;
    const size_t tags = 100000;
    char *log = malloc(HEADER_SIZE + 3 + tags + 1);
    assert_non_null(log);
    memcpy(log, HEADER "\x83\x0b\x60", HEADER_SIZE + 3);
    memset(log + HEADER_SIZE + 3, 0xc1, tags);
    log[HEADER_SIZE + 3 + tags] = 0;
    struct log_reader *reader = open_log(memory_file(log, HEADER_SIZE + 3 + tags + 1));
    assert_next_note(reader, "");
    log_reader_close(reader);
    free(log);
}

/* A list of empty texts takes 16 times as much memory as it takes in the file. */
static void a_list_that_would_take_too_much_memory_is_an_error(void **state)
{
    (void)state;
    static const char start[] = HEADER "\x87\x01\x01\x00\x00\x01\x60\x9f";
    const size_t count = 4u << 20;
    char *log = malloc(sizeof start + count);
    assert_non_null(log);
    memcpy(log, start, sizeof start - 1);
    memset(log + sizeof start - 1, 0x60, count);
    log[sizeof start - 1 + count] = (char)0xff;
    assert_corrupt(memory_file(log, sizeof start + count), "larger than any real one");
    free(log);
}

static void a_record_without_end_is_an_error_within_bounds(void **state)
{
    (void)state;
    static const char start[] = HEADER "\x9f\x0b\x60";
    const size_t count = LOG_READER_MAX_RECORD;
    char *log = calloc(1, sizeof start + count);
    assert_non_null(log);
    memcpy(log, start, sizeof start - 1);
    assert_corrupt(memory_file(log, sizeof start + count), "larger than any real one");
    free(log);
}

/* Every byte of the log, set to values that differ in one bit and to some that begin items. */
static void damage(const char *name, bool compressed)
{
    write_samples(log_path(name));
    size_t size;
    unsigned char *bytes = file_bytes(log_path(name), &size);
    for (size_t i = 0; i < size; i++) {
        unsigned char original = bytes[i];
        static const unsigned char others[] = {0x1b, 0x7b, 0x9f, 0xff};
        size_t count;
        for (unsigned bit = 0; bit < 8; bit += compressed ? 3 : 1) {
            bytes[i] = original ^ (unsigned char)(1u << bit);
            enum log_read result = read_all(memory_file(bytes, size), &count);
            assert_true(result != LOG_READ_RECORD && count <= log_samples_count * 4);
            /* The frame's checksum finds what passes as a log. */
            if (compressed && i >= 4)
                assert_true(result != LOG_READ_END || count == log_samples_count);
        }
        for (size_t k = 0; k < sizeof others; k++) {
            bytes[i] = others[k];
            assert_true(read_all(memory_file(bytes, size), &count) != LOG_READ_RECORD);
        }
        bytes[i] = original;
    }
    free(bytes);
}

static void damage_to_any_byte_never_crashes(void **state)
{
    (void)state;
    damage("samples.cbor", false);
}

static void damage_to_any_byte_of_a_compressed_log_never_crashes(void **state)
{
    (void)state;
    damage("samples.cbor.zst", true);
}

static void differences_of_a_record_that_is_cut_off_are_not_applied_twice(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    int saved = dup(STDIN_FILENO);
    assert_int_equal(dup2(pipe_fds[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(write(pipe_fds[1], HEADER "\x86\x10\x05\x01\x10", HEADER_SIZE + 5),
                     HEADER_SIZE + 5);
    struct log_reader *reader = open_log("-");
    assert_int_equal(write(pipe_fds[1], "\x08\x01\x84\x11\x01\x01\x00", 7), 7);
    close(pipe_fds[1]);
    struct log_record record;
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.alloc.time, 5);
    assert_int_equal(record.alloc.address, 16);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_RECORD);
    assert_int_equal(record.free.time, 6);
    assert_int_equal(record.free.address, 16);
    assert_int_equal(log_reader_next(reader, &record), LOG_READ_TRUNCATED);
    log_reader_close(reader);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipe_fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_files_are_refused_with_the_reason),
        cmocka_unit_test(other_versions_are_refused_with_the_reason),
        cmocka_unit_test(a_header_that_is_cut_off_is_refused_at_every_byte),
        cmocka_unit_test(unknown_header_entries_are_passed_over),
        cmocka_unit_test(header_entries_of_a_wrong_type_are_corrupt),
        cmocka_unit_test(a_log_cut_off_at_any_byte_gives_its_whole_records),
        cmocka_unit_test(a_compressed_log_cut_off_at_any_byte_is_truncated_or_has_no_header),
        cmocka_unit_test(a_log_that_grows_is_read_on),
        cmocka_unit_test(indefinite_lengths_are_read),
        cmocka_unit_test(longer_heads_than_needed_are_read),
        cmocka_unit_test(further_elements_are_passed_over_whatever_they_are),
        cmocka_unit_test(records_of_unknown_kinds_are_passed_over),
        cmocka_unit_test(wrong_types_are_errors_at_their_byte_offset),
        cmocka_unit_test(records_with_too_few_elements_are_errors),
        cmocka_unit_test(numbers_too_large_for_their_field_are_errors),
        cmocka_unit_test(malformed_items_are_errors),
        cmocka_unit_test(data_after_the_end_record_is_an_error),
        cmocka_unit_test(lengths_that_promise_too_much_are_errors),
        cmocka_unit_test(deep_nesting_is_an_error_and_not_a_crash),
        cmocka_unit_test(tags_upon_tags_are_passed_over),
        cmocka_unit_test(a_list_that_would_take_too_much_memory_is_an_error),
        cmocka_unit_test(a_record_without_end_is_an_error_within_bounds),
        cmocka_unit_test(damage_to_any_byte_never_crashes),
        cmocka_unit_test(damage_to_any_byte_of_a_compressed_log_never_crashes),
        cmocka_unit_test(differences_of_a_record_that_is_cut_off_are_not_applied_twice),
    };
    return cmocka_run_group_tests(tests, log_folder_create, log_folder_remove);
}
