/* SPDX-License-Identifier: MIT */
#include "output/analyze/sqlite_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "allocptrace"

/* The open file of SQLite's for the database. */
struct open_file {
    sqlite3_file base;
    int fd;
};

static struct {
    sqlite3_vfs vfs;   /* the default one but for the opening of files */
    sqlite3_vfs *base; /* the default one */
    int fd;
    int errno_value;
} state;

static int fail(int code)
{
    state.errno_value = errno;
    return code;
}

static int close_file(sqlite3_file *file)
{
    (void)file; /* the descriptor is not ours */
    return SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    const struct open_file *open = (const struct open_file *)file;
    char *next = data;
    while (size > 0) {
        ssize_t got = pread(open->fd, next, (size_t)size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(SQLITE_IOERR_READ);
        if (got == 0) {
            /* What lies beyond the end is to read as zeros. */
            memset(next, 0, (size_t)size);
            return SQLITE_IOERR_SHORT_READ;
        }
        next += got;
        offset += got;
        size -= (int)got;
    }
    return SQLITE_OK;
}

static int write_file(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    const struct open_file *open = (const struct open_file *)file;
    const char *next = data;
    while (size > 0) {
        ssize_t put = pwrite(open->fd, next, (size_t)size, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail(errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE);
        next += put;
        offset += put;
        size -= (int)put;
    }
    return SQLITE_OK;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    const struct open_file *open = (const struct open_file *)file;
    return ftruncate(open->fd, size) < 0 ? fail(SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int sync_file(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int size_of_file(sqlite3_file *file, sqlite3_int64 *size)
{
    const struct open_file *open = (const struct open_file *)file;
    struct stat status;
    if (fstat(open->fd, &status) < 0)
        return fail(SQLITE_IOERR_FSTAT);
    *size = status.st_size;
    return SQLITE_OK;
}

static int change_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int check_lock(sqlite3_file *file, int *locked)
{
    (void)file;
    *locked = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = change_lock,
    .xUnlock = change_lock,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *opened_as)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return state.base->xOpen(state.base, name, file, flags, opened_as);
    struct open_file *open = (struct open_file *)file;
    *open = (struct open_file){.base = {.pMethods = &methods}, .fd = state.fd};
    if (opened_as)
        *opened_as = flags;
    return SQLITE_OK;
}

struct error *sqlite_file_open(int fd, sqlite3 **database)
{
    sqlite3_initialize();
    state.base = sqlite3_vfs_find(NULL);
    if (!state.base)
        return error_format(ERROR_UNSUPPORTED, "SQLite has no file system");
    state.vfs = *state.base;
    state.vfs.zName = NAME;
    state.vfs.pNext = NULL;
    state.vfs.xOpen = open_file;
    if (state.vfs.szOsFile < (int)sizeof(struct open_file))
        state.vfs.szOsFile = sizeof(struct open_file);
    state.fd = fd;
    state.errno_value = 0;
    if (sqlite3_vfs_register(&state.vfs, 0) != SQLITE_OK)
        return error_no_memory();
    /* The name is never looked up. */
    if (sqlite3_open_v2(NAME, database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NAME) ==
        SQLITE_OK)
        return NULL;
    sqlite_file_close(*database);
    return error_no_memory();
}

void sqlite_file_close(sqlite3 *database)
{
    sqlite3_close(database);
    sqlite3_vfs_unregister(&state.vfs);
}

int sqlite_file_errno(void)
{
    return state.errno_value;
}
