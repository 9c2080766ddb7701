/* SPDX-License-Identifier: MIT */
#include "symbols/debug_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBUG_DIRECTORY "/usr/lib/debug"

/* What a candidate must match. */
struct identity {
    const uint8_t *build_id;
    size_t build_id_size;
    const char *link; /* .gnu_debuglink's file name or NULL */
    GElf_Word crc;
};

/* CRC-32 of IEEE 802.3, as gdb's manual gives it for .gnu_debuglink. */
static void fill_crc_table(uint32_t table[256])
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        table[byte] = value;
    }
}

static bool has_crc(int fd, GElf_Word wanted)
{
    uint8_t buffer[64 * 1024];
    uint32_t table[256];
    uint32_t crc = UINT32_MAX;
    fill_crc_table(table);
    off_t offset = 0;
    ssize_t got;
    while ((got = pread(fd, buffer, sizeof buffer, offset)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            crc = crc >> 8 ^ table[(crc ^ buffer[i]) & 0xff];
        offset += got;
    }
    return got == 0 && (crc ^ UINT32_MAX) == wanted;
}

static bool has_build_id(int fd, const struct identity *identity)
{
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    if (!elf)
        return false;
    const void *id;
    ssize_t size = dwelf_elf_gnu_build_id(elf, &id);
    bool same = size > 0 && (size_t)size == identity->build_id_size &&
                memcmp(id, identity->build_id, (size_t)size) == 0;
    elf_end(elf);
    return same;
}

static int try_candidate(const struct identity *identity, const char *path)
{
    /* Without O_NONBLOCK a FIFO that the target put there would hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    struct stat status;
    bool match =
        fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (identity->build_id_size ? has_build_id(fd, identity) : has_crc(fd, identity->crc));
    if (!match) {
        close(fd);
        return -1;
    }
    return fd;
}

static int try_build_id(const struct identity *identity, const char *root)
{
    char path[PATH_MAX];
    char hex[2 * 64 + 1];
    if (identity->build_id_size < 2 || identity->build_id_size > 64)
        return -1;
    for (size_t i = 0; i < identity->build_id_size; i++)
        snprintf(hex + 2 * i, 3, "%02x", identity->build_id[i]);
    int length = snprintf(path, sizeof path, "%s" DEBUG_DIRECTORY "/.build-id/%.2s/%s.debug", root,
                          hex, hex + 2);
    return length < (int)sizeof path ? try_candidate(identity, path) : -1;
}

static int try_link(const struct identity *identity, const char *elf_path, const char *root)
{
    const char *slash = strrchr(elf_path, '/');
    if (!identity->link || strchr(identity->link, '/') || elf_path[0] != '/' || !slash)
        return -1;
    int directory = (int)(slash - elf_path);
    const struct {
        const char *before, *after;
    } places[] = {{"", "/"}, {"", "/.debug/"}, {DEBUG_DIRECTORY, "/"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s%s%.*s%s%s", root, places[i].before, directory,
                              elf_path, places[i].after, identity->link);
        int fd = length < (int)sizeof path ? try_candidate(identity, path) : -1;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

int debug_file_open(Elf *elf, const char *path, const char *root)
{
    struct identity identity = {0};
    const void *id;
    ssize_t size = dwelf_elf_gnu_build_id(elf, &id);
    if (size > 0) {
        identity.build_id = id;
        identity.build_id_size = (size_t)size;
    }
    identity.link = dwelf_elf_gnu_debuglink(elf, &identity.crc);
    const char *const roots[] = {root, ""};
    size_t count = *root ? 2 : 1;
    int fd = -1;
    for (size_t i = 0; i < count && fd < 0; i++)
        fd = try_build_id(&identity, roots[i]);
    for (size_t i = 0; i < count && fd < 0; i++)
        fd = try_link(&identity, path, roots[i]);
    return fd;
}
