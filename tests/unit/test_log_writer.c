/* SPDX-License-Identifier: MIT */
/* The writer and its file: what it opens, what it refuses, and what it does when writing fails. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "output/log/reader.h"
#include "output/log/writer.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"
#include "tests/unit/log_samples.h"

static const struct log_record note = {.kind = LOG_NOTE, .note = {.text = {"some text", 9}}};

static struct log_writer *open_writer(const char *path)
{
    struct log_writer *writer;
    assert_no_error(log_writer_open(path, &log_samples_header, &writer));
    return writer;
}

static void assert_refused(const char *path, enum error_code code)
{
    struct log_writer *writer;
    struct error *error = log_writer_open(path, &log_samples_header, &writer);
    assert_non_null(error);
    if (error->code != code || !strstr(error->message, path))
        fail_msg("code %d: %s", (int)error->code, error->message);
    error_free(error);
}

static size_t count_records(const char *path, enum log_read *result)
{
    struct log_reader *reader;
    struct log_record record;
    size_t count = 0;
    assert_no_error(log_reader_open(path, &reader));
    while ((*result = log_reader_next(reader, &record)) == LOG_READ_RECORD)
        count++;
    log_reader_close(reader);
    return count;
}

/* ---- Opening ---- */

static void a_new_log_is_for_its_owner_only(void **state)
{
    (void)state;
    struct stat status;
    mode_t mask = umask(0);
    assert_no_error(log_writer_close(open_writer(log_path("mode.cbor"))));
    umask(mask);
    assert_int_equal(stat(log_path("mode.cbor"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void an_existing_file_is_replaced(void **state)
{
    (void)state;
    write_samples(log_path("twice.cbor"));
    assert_no_error(log_writer_close(open_writer(log_path("twice.cbor"))));
    enum log_read result;
    assert_int_equal(count_records(log_path("twice.cbor"), &result), 0);
    assert_int_equal(result, LOG_READ_TRUNCATED);
}

static void a_symbolic_link_is_refused_and_its_target_kept(void **state)
{
    (void)state;
    char target[256];
    strcpy(target, log_path("target.cbor"));
    write_samples(target);
    assert_int_equal(symlink(target, log_path("link.cbor")), 0);
    assert_refused(log_path("link.cbor"), ERROR_DENIED);
    enum log_read result;
    assert_int_equal(count_records(target, &result), log_samples_count);
}

static void a_folder_is_refused(void **state)
{
    (void)state;
    assert_refused("/", ERROR_SYSTEM);
}

static void a_socket_is_refused(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = log_path("socket");
    assert_true(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_refused(path, ERROR_DENIED);
    close(fd);
}

static void the_null_device_takes_a_log(void **state)
{
    (void)state;
    write_samples("/dev/null");
}

static void a_fifo_takes_a_log(void **state)
{
    (void)state;
    const char *path = log_path("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_true(fd >= 0);
    write_samples(path);
    char bytes[3];
    assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes, "\xd9\xd9\xf7", sizeof bytes);
    close(fd);
}

static void a_dash_is_standard_output_which_stays_open(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    int saved = dup(STDOUT_FILENO);
    dup2(fds[1], STDOUT_FILENO);
    struct log_writer *writer;
    struct error *error = log_writer_open("-", &log_samples_header, &writer);
    if (!error)
        error = log_writer_close(writer);
    bool open_still = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_no_error(error);
    assert_true(open_still);
    char bytes[3];
    assert_int_equal(read(fds[0], bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes, "\xd9\xd9\xf7", sizeof bytes);
    close(fds[0]);
    close(fds[1]);
}

/* ---- Flushing ---- */

static void assert_readable_after_flush(const char *path)
{
    struct log_writer *writer = open_writer(path);
    enum log_read result;
    /* The header is there at once. */
    assert_int_equal(count_records(path, &result), 0);
    for (size_t i = 1; i <= 3; i++) {
        log_writer_put(writer, &note);
        log_writer_flush(writer);
        assert_int_equal(count_records(path, &result), i);
        assert_int_equal(result, LOG_READ_TRUNCATED);
    }
    log_writer_put(writer, &(struct log_record){.kind = LOG_END});
    assert_no_error(log_writer_close(writer));
    assert_int_equal(count_records(path, &result), 4);
    assert_int_equal(result, LOG_READ_END);
}

static void what_was_flushed_can_be_read(void **state)
{
    (void)state;
    assert_readable_after_flush(log_path("flushed.cbor"));
    assert_readable_after_flush(log_path("flushed.cbor.zst"));
}

static void bytes_are_counted_before_and_after_compression(void **state)
{
    (void)state;
    struct stat status;
    struct log_writer *writer = open_writer(log_path("counted.cbor.zst"));
    for (size_t i = 0; i < 100000; i++)
        log_writer_put(writer, &note);
    log_writer_flush(writer);
    assert_int_equal(stat(log_path("counted.cbor.zst"), &status), 0);
    assert_int_equal(log_writer_bytes_written(writer), status.st_size);
    assert_true(log_writer_bytes_encoded(writer) > 100000 * 12);
    assert_true(log_writer_bytes_written(writer) < log_writer_bytes_encoded(writer) / 10);
    assert_no_error(log_writer_close(writer));
}

/* ---- Failure ---- */

static void a_full_disk_at_the_header_is_an_error_at_once(void **state)
{
    (void)state;
    struct log_writer *writer;
    struct error *error = log_writer_open("/dev/full", &log_samples_header, &writer);
    assert_non_null(error);
    assert_int_equal(error->errno_value, ENOSPC);
    error_free(error);
}

/* A limit on the file's size stands for a full disk: the write that reaches it is short, the next
 * one fails (setrlimit(2), RLIMIT_FSIZE). */
static void assert_cut_off_at(const char *path, rlim_t limit)
{
    struct rlimit saved, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
    small = (struct rlimit){.rlim_cur = limit, .rlim_max = saved.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    struct log_writer *writer = open_writer(path);
    setrlimit(RLIMIT_FSIZE, &small);
    for (uint64_t i = 0; i < 1000000; i++)
        log_writer_put(writer,
                       &(struct log_record){.kind = LOG_ALLOC,
                                            .alloc = {.time = i,
                                                      .thread = 1,
                                                      .address = i * i * i * 0x9e3779b97f4a7c15,
                                                      .size = i,
                                                      .stack = 1}});
    log_writer_flush(writer);
    setrlimit(RLIMIT_FSIZE, &saved);

    const struct error *first = log_writer_error(writer);
    assert_non_null(first);
    assert_int_equal(first->errno_value, EFBIG);
    uint64_t written = log_writer_bytes_written(writer);
    assert_int_equal(written, limit);

    /* There is room again, but bytes are missing in between: nothing more is written. */
    log_writer_put(writer, &note);
    log_writer_flush(writer);
    assert_int_equal(log_writer_bytes_written(writer), written);
    assert_ptr_equal(log_writer_error(writer), first);
    struct error *error = log_writer_close(writer);
    assert_ptr_equal(error, first);
    error_free(error);

    struct stat status;
    enum log_read result;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, limit);
    assert_in_range(count_records(path, &result), 1, 999999);
    assert_int_equal(result, LOG_READ_TRUNCATED);
}

static void a_full_disk_leaves_a_log_that_is_cut_off(void **state)
{
    (void)state;
    assert_cut_off_at(log_path("full.cbor"), 300001);
    assert_cut_off_at(log_path("full.cbor.zst"), 300001);
}

static void a_closed_pipe_is_a_failure_like_others(void **state)
{
    (void)state;
    const char *path = log_path("closed");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct log_writer *writer = open_writer(path);
    close(fd);
    signal(SIGPIPE, SIG_IGN);
    log_writer_put(writer, &note);
    assert_null(log_writer_error(writer));
    log_writer_flush(writer);
    assert_non_null(log_writer_error(writer));
    assert_int_equal(log_writer_error(writer)->errno_value, EPIPE);
    log_writer_put(writer, &note);
    error_free(log_writer_close(writer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_log_is_for_its_owner_only),
        cmocka_unit_test(an_existing_file_is_replaced),
        cmocka_unit_test(a_symbolic_link_is_refused_and_its_target_kept),
        cmocka_unit_test(a_folder_is_refused),
        cmocka_unit_test(a_socket_is_refused),
        cmocka_unit_test(the_null_device_takes_a_log),
        cmocka_unit_test(a_fifo_takes_a_log),
        cmocka_unit_test(a_dash_is_standard_output_which_stays_open),
        cmocka_unit_test(what_was_flushed_can_be_read),
        cmocka_unit_test(bytes_are_counted_before_and_after_compression),
        cmocka_unit_test(a_full_disk_at_the_header_is_an_error_at_once),
        cmocka_unit_test(a_full_disk_leaves_a_log_that_is_cut_off),
        cmocka_unit_test(a_closed_pipe_is_a_failure_like_others),
    };
    return cmocka_run_group_tests(tests, log_folder_create, log_folder_remove);
}
