/* SPDX-License-Identifier: MIT */
/*
 * fuzz_reader.c - a libFuzzer entry: the reader ends in one of its results whatever the bytes are.
 *
 * Run it with a folder of logs as its corpus: fuzz_reader FOLDER.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "output/log/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where touched bytes go, so that touching them is not optimized away. */
extern unsigned long checksum;
unsigned long checksum;

/* Reads each byte of the text, so that a sanitizer sees a length that is wrong. */
static unsigned touch(struct log_text text)
{
    unsigned sum = 0;
    for (size_t i = 0; i < text.size; i++)
        sum += (unsigned char)text.data[i];
    return sum;
}

static unsigned touch_record(const struct log_record *record)
{
    unsigned sum = 0;
    if (record->kind == LOG_NOTE)
        sum += touch(record->note.text);
    if (record->kind == LOG_MODULE)
        sum += touch(record->module.path) + touch(record->module.build_id);
    if (record->kind == LOG_PROCESS) {
        for (size_t i = 0; i < record->process.argument_count; i++)
            sum += touch(record->process.arguments[i]);
    }
    if (record->kind == LOG_SYMBOL) {
        for (size_t i = 0; i < record->symbol.location_count; i++)
            sum += touch(record->symbol.locations[i].function) +
                   touch(record->symbol.locations[i].file);
    }
    if (record->kind == LOG_END) {
        for (size_t i = 0; i < record->end.count_count; i++)
            sum += touch(record->end.counts[i].name);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    char path[64];
    if (fd < 0)
        fd = memfd_create("log", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    struct log_reader *reader;
    struct log_record record;
    struct error *error = log_reader_open(path, &reader);
    if (error) {
        error_free(error);
        return 0;
    }
    uint64_t offset = log_reader_offset(reader);
    while (log_reader_next(reader, &record) == LOG_READ_RECORD) {
        if (log_reader_offset(reader) <= offset)
            abort();
        offset = log_reader_offset(reader);
        checksum += touch_record(&record);
    }
    log_reader_close(reader);
    return 0;
}
