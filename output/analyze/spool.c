/* SPDX-License-Identifier: MIT */
#include "output/analyze/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* For file systems without O_TMPFILE: open(2). */
static int open_and_unlink(const char *folder)
{
    char *path;
    if (asprintf(&path, "%s/allocptrace-XXXXXX", folder) < 0)
        return -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

static struct error *failure(const struct spool *spool, const char *what)
{
    return error_errno(errno, "cannot %s a temporary file in %s", what, spool->folder);
}

struct error *spool_open(struct spool *spool)
{
    const char *folder = getenv("TMPDIR");
    *spool = (struct spool){.folder = folder && *folder ? folder : "/tmp"};
    int fd = open(spool->folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_and_unlink(spool->folder);
    if (fd < 0)
        return failure(spool, "make");
    spool->stream = fdopen(fd, "w+");
    if (spool->stream)
        return NULL;
    close(fd);
    return error_no_memory();
}

void spool_close(struct spool *spool)
{
    if (spool->stream)
        fclose(spool->stream);
    spool->stream = NULL;
}

struct error *spool_check(const struct spool *spool)
{
    return ferror(spool->stream) ? failure(spool, "use") : NULL;
}

struct error *spool_rewind(const struct spool *spool)
{
    /* What is still in the buffer is written first. */
    return fseek(spool->stream, 0, SEEK_SET) != 0 ? failure(spool, "use") : NULL;
}

struct error *spool_copy(struct spool *spool, FILE *out)
{
    char buffer[1 << 16];
    size_t size;
    struct error *error = spool_rewind(spool);
    if (error)
        return error;
    while (!ferror(out) && (size = fread(buffer, 1, sizeof buffer, spool->stream)) > 0)
        fwrite(buffer, 1, size, out);
    return spool_check(spool);
}
