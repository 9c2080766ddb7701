/* SPDX-License-Identifier: MIT */
/* Files are created so that nothing that somebody planted under their name is written to. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/log/file.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_file.h"

#define OTHER_USER 12345

static void make_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static void assert_content(int fd, const char *expected)
{
    char content[64] = "";
    assert_true(pread(fd, content, sizeof content - 1, 0) >= 0);
    assert_string_equal(content, expected);
}

static void create(const char *path, const char *content)
{
    int fd;
    assert_no_error(file_create(path, "the log", &fd));
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void assert_refused(const char *path, int errno_value, const char *part)
{
    int fd;
    struct error *error = file_create(path, "the log", &fd);
    assert_non_null(error);
    if (error->errno_value != errno_value || !strstr(error->message, path) ||
        !strstr(error->message, part))
        fail_msg("%s", error->message);
    error_free(error);
}

static void a_new_file_takes_the_place_of_an_old_one(void **state)
{
    (void)state;
    const char *path = log_path("old");
    make_file(path, "old content");
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    create(path, "new");
    /* Who had opened the old one, which was open to all, sees nothing of the new one. */
    assert_content(reader, "old content");
    close(reader);
    reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_content(reader, "new");
    struct stat status;
    assert_int_equal(fstat(reader, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    close(reader);
}

static void a_hard_link_is_not_written_through(void **state)
{
    (void)state;
    char precious[256];
    strcpy(precious, log_path("precious"));
    make_file(precious, "precious");
    assert_int_equal(link(precious, log_path("planted")), 0);
    create(log_path("planted"), "log");
    int fd = open(precious, O_RDONLY | O_CLOEXEC);
    assert_content(fd, "precious");
    close(fd);
}

static void symbolic_links_are_refused(void **state)
{
    (void)state;
    char target[256];
    strcpy(target, log_path("target"));
    make_file(target, "target");
    assert_int_equal(symlink(target, log_path("link")), 0);
    assert_refused(log_path("link"), 0, "symbolic link");
    assert_int_equal(symlink("nowhere", log_path("dangling")), 0);
    assert_refused(log_path("dangling"), 0, "symbolic link");
    assert_int_equal(access(log_path("nowhere"), F_OK), -1);
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    assert_content(fd, "target");
    close(fd);
}

static char flipped[256], flip_target[256];
static atomic_bool flipping;

/* Puts a symbolic link and a file of ours in each other's place all the time. */
static void *flip(void *argument)
{
    char temporary[sizeof flipped + 4];
    snprintf(temporary, sizeof temporary, "%s.new", flipped);
    while (atomic_load(&flipping)) {
        if (symlink(flip_target, temporary) == 0)
            rename(temporary, flipped);
        int fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        rename(temporary, flipped);
    }
    return argument;
}

static void a_link_that_comes_and_goes_is_never_followed(void **state)
{
    (void)state;
    pthread_t thread;
    strcpy(flipped, log_path("flipped"));
    strcpy(flip_target, log_path("flip-target"));
    make_file(flip_target, "target");
    atomic_store(&flipping, true);
    assert_int_equal(pthread_create(&thread, NULL, flip, NULL), 0);
    for (int i = 0; i < 2000; i++) {
        int fd;
        struct error *error = file_create(flipped, "the log", &fd);
        if (!error) {
            assert_int_equal(write(fd, "log", 3), 3);
            close(fd);
        }
        error_free(error);
    }
    atomic_store(&flipping, false);
    pthread_join(thread, NULL);
    int fd = open(flip_target, O_RDONLY | O_CLOEXEC);
    assert_content(fd, "target");
    close(fd);
}

static void a_pipe_of_another_user_is_refused_without_waiting(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkfifo(log_path("fifo"), 0666), 0);
    assert_int_equal(chown(log_path("fifo"), OTHER_USER, OTHER_USER), 0);
    assert_refused(log_path("fifo"), 0, "another user");
}

/* The kernel's fs.protected_regular would refuse to open it; removing it is what the folder's
 * sticky bit forbids. */
static void a_file_of_another_user_in_a_shared_folder_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    char path[256];
    assert_int_equal(mkdir(log_path("shared"), 0700), 0);
    assert_int_equal(chmod(log_path("shared"), 01777), 0);
    strcpy(path, log_path("shared/planted"));
    make_file(path, "planted");
    assert_int_equal(chown(path, OTHER_USER, OTHER_USER), 0);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(log_path("."), 0755), 0);
    assert_int_equal(seteuid(OTHER_USER + 1), 0);
    int fd;
    struct error *error = file_create(path, "the log", &fd);
    assert_int_equal(seteuid(0), 0);
    assert_non_null(error);
    assert_true(error->errno_value == EACCES || error->errno_value == EPERM);
    error_free(error);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_content(fd, "planted");
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(log_path("shared")), 0);
}

static void descriptors_are_taken_as_they_are(void **state)
{
    (void)state;
    int fds[2];
    char path[64], content[8] = "";
    assert_int_equal(pipe(fds), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fds[1]);
    create(path, "one");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fds[1]);
    create(path, "two");
    assert_int_equal(read(fds[0], content, sizeof content), 6);
    assert_string_equal(content, "onetwo");
    close(fds[0]);
    close(fds[1]);
    assert_refused(path, EBADF, "descriptor");
    assert_refused("/dev/fd/99999999999999999999", ENOENT, "No such");
}

static void devices_are_written_to(void **state)
{
    (void)state;
    create("/dev/null", "log");
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_takes_the_place_of_an_old_one),
        cmocka_unit_test(a_hard_link_is_not_written_through),
        cmocka_unit_test(symbolic_links_are_refused),
        cmocka_unit_test(a_link_that_comes_and_goes_is_never_followed),
        cmocka_unit_test(a_pipe_of_another_user_is_refused_without_waiting),
        cmocka_unit_test(a_file_of_another_user_in_a_shared_folder_is_refused),
        cmocka_unit_test(descriptors_are_taken_as_they_are),
        cmocka_unit_test(devices_are_written_to),
    };
    return cmocka_run_group_tests(tests, log_folder_create, log_folder_remove);
}
