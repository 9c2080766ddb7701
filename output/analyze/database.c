/* SPDX-License-Identifier: MIT */
#include "output/analyze/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/analyze/sqlite_file.h"
#include "output/log/text.h"

struct database {
    sqlite3 *sqlite;
    sqlite3_stmt *insert;
    int parameter; /* the next one's number, from 1 */
    int fd;
    const char *path; /* for messages */
    struct error *error;
};

/* The same file, to be read as well: pages that do not fit in memory are read again. */
static struct error *reopen(int fd, const char *path, int *reopened)
{
    char name[32];
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size)
        return error_format(ERROR_UNSUPPORTED,
                            "cannot write a database to %s: it must be a regular file of its own",
                            path);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    *reopened = open(name, O_RDWR | O_CLOEXEC);
    return *reopened < 0 ? error_errno(errno, "cannot write the database %s", path) : NULL;
}

static void check(struct database *database, int code)
{
    if (database->error || code == SQLITE_OK || code == SQLITE_DONE)
        return;
    int why = sqlite_file_errno();
    if (code == SQLITE_NOMEM)
        database->error = error_no_memory();
    else if (why)
        database->error = error_errno(why, "cannot write the database %s", database->path);
    else
        database->error = error_format(ERROR_SYSTEM, "cannot write the database %s: %s",
                                       database->path, sqlite3_errmsg(database->sqlite));
}

struct error *database_create(int fd, const char *path, struct database **database)
{
    struct database *created = calloc(1, sizeof *created);
    if (!created)
        return error_no_memory();
    created->fd = -1;
    created->path = path;
    struct error *error = reopen(fd, path, &created->fd);
    if (!error)
        error = sqlite_file_open(created->fd, &created->sqlite);
    if (error) {
        if (created->fd >= 0)
            close(created->fd);
        free(created);
        return error;
    }
    *database = created;
    database_run(created, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
    return NULL;
}

struct error *database_finish(struct database *database)
{
    sqlite3_finalize(database->insert);
    database_run(database, "COMMIT");
    struct error *error = database->error;
    sqlite_file_close(database->sqlite);
    /* Some file systems tell of a full disk only here (close(2)). */
    if (close(database->fd) < 0 && !error)
        error = error_errno(errno, "cannot write the database %s", database->path);
    free(database);
    return error;
}

bool database_failed(const struct database *database)
{
    return database->error != NULL;
}

void database_run(struct database *database, const char *sql)
{
    if (!database->error)
        check(database, sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL));
}

void database_prepare(struct database *database, const char *insert)
{
    sqlite3_finalize(database->insert);
    database->insert = NULL;
    database->parameter = 1;
    if (!database->error)
        check(database, sqlite3_prepare_v2(database->sqlite, insert, -1, &database->insert, NULL));
}

void database_put_signed(struct database *database, int64_t number)
{
    if (!database->error)
        check(database, sqlite3_bind_int64(database->insert, database->parameter++, number));
}

void database_put(struct database *database, uint64_t number)
{
    database_put_signed(database, number > INT64_MAX ? INT64_MAX : (int64_t)number);
}

void database_put_real(struct database *database, double number)
{
    if (!database->error)
        check(database, sqlite3_bind_double(database->insert, database->parameter++, number));
}

void database_put_null(struct database *database)
{
    if (!database->error)
        check(database, sqlite3_bind_null(database->insert, database->parameter++));
}

void database_put_id(struct database *database, uint32_t id)
{
    if (id)
        database_put(database, id);
    else
        database_put_null(database);
}

void database_put_text(struct database *database, const char *text)
{
    if (!text) {
        database_put_null(database);
        return;
    }
    if (database->error)
        return;
    char *clean = text_neutralized(text);
    if (clean)
        check(database, sqlite3_bind_text64(database->insert, database->parameter++, clean,
                                            strlen(clean), free, SQLITE_UTF8));
    else
        database->error = error_no_memory();
}

void database_put_row(struct database *database)
{
    database->parameter = 1;
    if (database->error)
        return;
    check(database, sqlite3_step(database->insert));
    sqlite3_reset(database->insert);
}
