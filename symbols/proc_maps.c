/* SPDX-License-Identifier: MIT */
#include "symbols/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* One field: a number in base 10 or 16, ended by the character `end`. */
static bool parse_field(char **text, int base, char end, uint64_t *value)
{
    uint64_t limit = UINT64_MAX / (unsigned)base;
    uint64_t result = 0;
    char *digit = *text;
    for (;; digit++) {
        unsigned int unit;
        if (*digit >= '0' && *digit <= '9')
            unit = (unsigned int)(*digit - '0');
        else if (base == 16 && *digit >= 'a' && *digit <= 'f')
            unit = (unsigned int)(*digit - 'a' + 10);
        else
            break;
        if (result > limit || result * (unsigned)base > UINT64_MAX - unit)
            return false;
        result = result * (unsigned)base + unit;
    }
    if (digit == *text || *digit != end)
        return false;
    *text = digit + 1;
    *value = result;
    return true;
}

static bool parse_flag(char **text, char set, char clear, bool *flag)
{
    char given = **text;
    if (given != set && given != clear)
        return false;
    *flag = given == set;
    ++*text;
    return true;
}

/* The kernel writes a newline in a path as \012 and nothing else in octal. */
static void unescape(char *path)
{
    char *out = path;
    for (const char *in = path; *in; out++) {
        if (strncmp(in, "\\012", 4) == 0) {
            *out = '\n';
            in += 4;
        } else {
            *out = *in++;
        }
    }
    *out = '\0';
}

static bool parse_line(char *line, struct proc_mapping *mapping)
{
    uint64_t major, minor;
    if (!parse_field(&line, 16, '-', &mapping->start) ||
        !parse_field(&line, 16, ' ', &mapping->end) || mapping->start >= mapping->end)
        return false;
    if (!parse_flag(&line, 'r', '-', &mapping->readable) ||
        !parse_flag(&line, 'w', '-', &mapping->writable) ||
        !parse_flag(&line, 'x', '-', &mapping->executable) ||
        !parse_flag(&line, 's', 'p', &mapping->shared) || *line++ != ' ')
        return false;
    if (!parse_field(&line, 16, ' ', &mapping->offset) || !parse_field(&line, 16, ':', &major) ||
        !parse_field(&line, 16, ' ', &minor) || major > UINT32_MAX || minor > UINT32_MAX)
        return false;
    mapping->dev_major = (uint32_t)major;
    mapping->dev_minor = (uint32_t)minor;
    /* A mapping without a name has nothing, or one blank, behind the inode. */
    size_t rest = strcspn(line, " ");
    mapping->path = "";
    if (!line[rest])
        return parse_field(&line, 10, '\0', &mapping->inode);
    if (!parse_field(&line, 10, ' ', &mapping->inode))
        return false;
    line += strspn(line, " ");
    size_t length = strlen(line);
    size_t suffix = sizeof DELETED - 1;
    if (mapping->inode && length > suffix && strcmp(line + length - suffix, DELETED) == 0) {
        mapping->deleted = true;
        line[length - suffix] = '\0';
    }
    unescape(line);
    mapping->path = line;
    return true;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (const char *at = text; *at; count++) {
        const char *newline = strchr(at, '\n');
        if (!newline)
            return count + 1;
        at = newline + 1;
    }
    return count;
}

struct error *proc_maps_parse(char *text, struct proc_maps *maps)
{
    *maps = (struct proc_maps){.text = text};
    size_t lines = count_lines(text);
    maps->mappings = calloc(lines ? lines : 1, sizeof *maps->mappings);
    if (!maps->mappings) {
        proc_maps_deinit(maps);
        return error_no_memory();
    }
    uint64_t previous_end = 0;
    for (char *line = text; maps->count < lines; maps->count++) {
        char *next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        struct proc_mapping *mapping = &maps->mappings[maps->count];
        if (!parse_line(line, mapping) || mapping->start < previous_end) {
            struct error *error =
                error_format(ERROR_FORMAT, "line %zu of a process's memory map is not understood",
                             maps->count + 1);
            proc_maps_deinit(maps);
            return error;
        }
        previous_end = mapping->end;
        line = next;
    }
    return NULL;
}

static struct error *read_error(const char *name)
{
    int number = errno;
    if (number == ENOENT || number == ESRCH)
        return error_format(ERROR_GONE, "%s: the process is gone", name);
    if (number == EACCES || number == EPERM)
        return error_format(ERROR_DENIED, "%s: %s", name, strerror(number));
    return error_errno(number, "cannot read %s", name);
}

/* The whole of a file whose size is not known beforehand, terminated. */
static struct error *read_text(int fd, const char *name, char **text)
{
    size_t size = 0, capacity = 16 * 1024;
    char *buffer = malloc(capacity);
    while (buffer) {
        ssize_t got = read(fd, buffer + size, capacity - 1 - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            struct error *error = read_error(name);
            free(buffer);
            return error;
        }
        size += (size_t)got;
        if (got == 0) {
            buffer[size] = '\0';
            *text = buffer;
            return NULL;
        }
        if (capacity - 1 - size < 4096) {
            char *larger = realloc(buffer, capacity *= 2);
            if (!larger)
                free(buffer);
            buffer = larger;
        }
    }
    return error_no_memory();
}

struct error *proc_maps_read(int pid, struct proc_maps *maps)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    *maps = (struct proc_maps){0};
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return read_error(name);
    char *text = NULL;
    struct error *error = read_text(fd, name, &text);
    close(fd);
    return error ? error : proc_maps_parse(text, maps);
}

void proc_maps_deinit(struct proc_maps *maps)
{
    free(maps->mappings);
    free(maps->text);
    *maps = (struct proc_maps){0};
}

size_t proc_maps_from(const struct proc_maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps->mappings[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct proc_mapping *proc_maps_find(const struct proc_maps *maps, uint64_t address)
{
    size_t i = proc_maps_from(maps, address);
    return i < maps->count && address >= maps->mappings[i].start ? &maps->mappings[i] : NULL;
}
