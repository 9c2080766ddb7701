/* SPDX-License-Identifier: MIT */
#include "output/log/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Somebody who puts a file back each time that it has been removed is not followed for ever. */
#define MOST_TRIES 16

#define WRITING (O_WRONLY | O_CLOEXEC | O_NOCTTY)

/* What is to be created, for messages. */
struct request {
    const char *path, *what;
};

static struct error *system_error(const struct request *request)
{
    return error_errno(errno, "cannot write %s to %s", request->what, request->path);
}

static struct error *refusal(const struct request *request, const char *why)
{
    return error_format(ERROR_DENIED, "cannot write %s to %s: %s", request->what, request->path,
                        why);
}

/* The descriptor that a path stands for, -1 if it is a path like others. */
static int inherited_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) != 0 || !isdigit((unsigned char)path[length]))
            continue;
        char *end;
        errno = 0;
        long number = strtol(path + length, &end, 10);
        if (!*end && !errno && number <= INT_MAX)
            return (int)number;
    }
    return -1;
}

/*
 * Opens what exists under the path and was looked at through an O_PATH descriptor, which opening
 * by /proc then reaches whatever the path has come to mean since (proc(5)).
 */
static struct error *reopen(const struct request *request, int looked_at, int *fd)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", looked_at);
    *fd = open(name, WRITING);
    return *fd < 0 ? system_error(request) : NULL;
}

/* *fd stays -1 if there is nothing under the path any more: a file may be created there. */
static struct error *open_existing(const struct request *request, int looked_at, int *fd)
{
    struct stat status;
    if (fstat(looked_at, &status) < 0)
        return system_error(request);
    switch (status.st_mode & S_IFMT) {
    case S_IFREG: {
        /* A file that must not be written to is not to be replaced either. */
        struct error *error = reopen(request, looked_at, fd);
        if (error)
            return error;
        close(*fd);
        *fd = -1;
        if (unlink(request->path) < 0 && errno != ENOENT)
            return error_errno(errno, "cannot replace %s", request->path);
        return NULL;
    }
    case S_IFLNK:
        return refusal(request, "it is a symbolic link; name its target");
    case S_IFIFO:
        /* As the kernel's fs.protected_fifos does, which may be switched off. */
        if (status.st_uid != geteuid())
            return refusal(request, "it is a named pipe of another user's");
        return reopen(request, looked_at, fd);
    case S_IFCHR:
        return reopen(request, looked_at, fd);
    case S_IFDIR:
        errno = EISDIR;
        return system_error(request);
    default:
        return refusal(request, "it is neither a regular file nor a pipe nor a character device");
    }
}

struct error *file_create(const char *path, const char *what, int *fd)
{
    const struct request request = {.path = path, .what = what};
    int inherited = inherited_descriptor(path);
    if (inherited >= 0) {
        *fd = fcntl(inherited, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return *fd < 0 ? system_error(&request) : NULL;
    }
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        *fd = open(path, WRITING | O_CREAT | O_EXCL, 0600);
        if (*fd >= 0)
            return NULL;
        if (errno != EEXIST)
            return system_error(&request);
        int looked_at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (looked_at < 0 && errno == ENOENT)
            continue;
        if (looked_at < 0)
            return system_error(&request);
        struct error *error = open_existing(&request, looked_at, fd);
        close(looked_at);
        if (error || *fd >= 0)
            return error;
    }
    errno = EEXIST;
    return system_error(&request);
}
