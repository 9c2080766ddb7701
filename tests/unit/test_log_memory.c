/* SPDX-License-Identifier: MIT */
/*
 * Makes the first allocation fail, then the second, and so on until nothing is left to fail: each
 * time the operation says that memory is out and loses none (which AddressSanitizer sees). The
 * linker puts the functions named __wrap_ before the real ones.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/log/reader.h"
#include "output/log/stack_trie.h"
#include "output/log/writer.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"
#include "tests/unit/log_samples.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);

static size_t countdown; /* the allocation that fails; 0: none */
static bool failed;

static bool fails(void)
{
    if (!countdown || --countdown)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = fails() ? NULL : __real_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static const char *path;

static struct error *write_them(void)
{
    struct log_writer *writer;
    struct error *error = log_writer_open(path, &log_samples_header, &writer);
    if (error)
        return error;
    for (size_t i = 0; i < log_samples_count; i++)
        log_writer_put(writer, &log_samples[i]);
    return log_writer_close(writer);
}

static struct error *read_them(void)
{
    struct log_reader *reader;
    struct log_record record;
    enum log_read result;
    struct error *error = log_reader_open(path, &reader);
    if (error)
        return error;
    while ((result = log_reader_next(reader, &record)) == LOG_READ_RECORD)
        ;
    if (result == LOG_READ_ERROR) {
        bool memory = log_reader_error(reader)->code == ERROR_MEMORY;
        error = memory ? error_no_memory()
                       : error_format(ERROR_CORRUPT, "%s", log_reader_error(reader)->message);
    } else if (result != LOG_READ_END) {
        error = error_format(ERROR_CORRUPT, "result %d", (int)result);
    }
    log_reader_close(reader);
    return error;
}

static struct error *intern_stacks(void)
{
    struct stack_trie *trie = stack_trie_create();
    if (!trie)
        return error_no_memory();
    struct error *error = NULL;
    for (uint32_t i = 1; i <= 5000 && !error; i++) {
        bool is_new;
        uint32_t id = stack_trie_child(trie, i - 1, 1, &is_new);
        /* What was there before the failure stays. */
        if (!id)
            error = stack_trie_child(trie, 0, 1, &is_new) == 1 && !is_new
                        ? error_no_memory()
                        : error_format(ERROR_CORRUPT, "a stack was lost");
    }
    stack_trie_destroy(trie);
    return error;
}

static void assert_survives(struct error *(*operation)(void), size_t least)
{
    size_t failures = 0;
    do {
        failed = false;
        countdown = failures + 1;
        struct error *error = operation();
        countdown = 0;
        if (failed && !error)
            fail_msg("the failure of allocation %zu went unnoticed", failures + 1);
        if (error && error->code != ERROR_MEMORY)
            fail_msg("allocation %zu: %s", failures + 1, error->message);
        error_free(error);
        failures += failed;
    } while (failed);
    assert_in_range(failures, least, 1000);
}

static void a_writer_reports_it(void **state)
{
    (void)state;
    path = log_path("memory.cbor");
    assert_survives(write_them, 3);
    path = log_path("memory.cbor.zst");
    assert_survives(write_them, 4);
}

static void a_reader_reports_it(void **state)
{
    (void)state;
    path = log_path("memory.cbor");
    assert_no_error(write_them());
    assert_survives(read_them, 5);
    path = log_path("memory.cbor.zst");
    assert_no_error(write_them());
    assert_survives(read_them, 6);
}

static void joined_strings_report_it(void **state)
{
    (void)state;
    static const char log[] = "\xd9\xd9\xf7\x83\x6f"
                              "allocptrace-log"
                              "\x01\xa0"
                              "\x82\x0b\x7f\x61"
                              "a\x61"
                              "b\xff\x83\x17\x00\xa0";
    path = memory_file(log, sizeof log - 1);
    assert_survives(read_them, 6);
}

static void a_stack_trie_reports_it_and_keeps_its_stacks(void **state)
{
    (void)state;
    assert_survives(intern_stacks, 4);
}

static void errors_fall_back_to_the_static_object(void **state)
{
    (void)state;
    /* The object, the formatted text and its neutralized copy. */
    for (size_t i = 1; i <= 3; i++) {
        countdown = i;
        struct error *none = error_format(ERROR_CORRUPT, "text");
        countdown = 0;
        assert_ptr_equal(none, error_no_memory());
    }

    struct error *error = error_format(ERROR_CORRUPT, "text");
    countdown = 1;
    error_prefix(error, "prefix");
    countdown = 0;
    assert_string_equal(error->message, "text");
    error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_reports_it),
        cmocka_unit_test(a_reader_reports_it),
        cmocka_unit_test(joined_strings_report_it),
        cmocka_unit_test(a_stack_trie_reports_it_and_keeps_its_stacks),
        cmocka_unit_test(errors_fall_back_to_the_static_object),
    };
    return cmocka_run_group_tests(tests, log_folder_create, log_folder_remove);
}
