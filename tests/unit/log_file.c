/* SPDX-License-Identifier: MIT */
#include "tests/unit/log_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/log/writer.h"
#include "tests/unit/log_cmocka.h"
#include "tests/unit/log_samples.h"

static char folder[] = P_tmpdir "/allocptrace-log.XXXXXX";

int log_folder_create(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

int log_folder_remove(void **state)
{
    (void)state;
    DIR *entries = opendir(folder);
    if (!entries)
        return -1;
    struct dirent *entry;
    while ((entry = readdir(entries)))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    return rmdir(folder);
}

const char *log_path(const char *name)
{
    static char path[sizeof folder + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

unsigned char *file_bytes(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    *size = (size_t)status.st_size;
    unsigned char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(read(fd, data, *size), *size);
    close(fd);
    return data;
}

const char *memory_file(const void *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, data, size, 0), size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}

void write_samples(const char *path)
{
    struct log_writer *writer;
    assert_no_error(log_writer_open(path, &log_samples_header, &writer));
    for (size_t i = 0; i < log_samples_count; i++)
        log_writer_put(writer, &log_samples[i]);
    assert_no_error(log_writer_close(writer));
}
