/* SPDX-License-Identifier: MIT */
/*
 * fuzz_analyze.c - a libFuzzer entry: the whole analyzer, from the log's bytes to each report.
 *
 * Run it with a folder of logs as its corpus: fuzz_analyze FOLDER. Its mutator changes records and
 * the numbers in them, for most other changes of a log do not get past the decoder.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "output/analyze/load.h"
#include "output/analyze/options.h"
#include "output/analyze/report.h"
#include "output/log/reader.h"

#define MOST_RECORDS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* ---- The analyzer ---- */

/* A database wants an empty regular file. */
static void export_database(const struct report *report)
{
    static FILE *file;
    if (!file)
        file = fdopen(memfd_create("database", MFD_CLOEXEC), "w");
    if (!file || ftruncate(fileno(file), 0) < 0)
        abort();
    error_free(export_sqlite(report, file));
}

/* As the program's main() combines them. */
static void print_all(const struct report *report, enum replay_split split, FILE *out)
{
    error_free(report_summary(report, out));
    error_free(report_leaks(report, out));
    error_free(report_unfreed(report, out));
    error_free(report_leak_summary(report, out));
    error_free(report_leak_checks(report, out));
    error_free(report_json(report, out));
    if (split != REPLAY_BY_PROCESS)
        return;
    error_free(report_folded(report, out));
    error_free(report_flamegraph(report, out));
    error_free(report_top_down(report, out));
    error_free(report_bottom_up(report, out));
    if (split == REPLAY_BY_THREAD)
        export_database(report);
    error_free(export_pprof(report, out));
    error_free(export_speedscope(report, out));
    error_free(export_valgrind_xml(report, out));
}

static void analyze(char *path, enum replay_split split, FILE *out)
{
    static char *const groups[] = {[REPLAY_BY_STACK] = "--group-by=line",
                                   [REPLAY_BY_THREAD] = "--group-by=thread",
                                   [REPLAY_BY_PROCESS] = "--group-by=process"};
    char *words[] = {"fuzz", "-vvv", "--limit=50", groups[split], "--leaks=full", path, NULL};
    struct options options;
    struct log_reader *reader;
    struct replay replay;
    struct suppressions suppressions = {0};
    optind = 0; /* getopt(3): begin anew */
    struct error *error = options_parse(6, words, &options);
    if (error)
        abort();
    error = log_reader_open(path, &reader);
    if (!error) {
        const struct replay_options how = {
            .split = split,
            .needs = REPLAY_NEEDS_PATHS,
            .pid = -1,
            .tid = -1,
            .from = options.from,
            .to = options.to,
            .check = split == REPLAY_BY_THREAD ? LEAK_SHOW_ALL : LEAK_SHOW_LAST,
        };
        error = replay_init(&replay, &how, log_reader_header(reader));
        if (!error) {
            struct report report = {.options = &options,
                                    .replay = &replay,
                                    .header = log_reader_header(reader),
                                    .suppressions = &suppressions};
            error = load_log(reader, path, &replay, &report.truncated);
            if (!error)
                error = suppressions_add_built_in(&suppressions);
            if (!error)
                error = suppressions_apply(&suppressions, &replay, true);
            if (!error)
                print_all(&report, split, out);
            replay_deinit(&replay);
        }
        log_reader_close(reader);
    }
    error_free(error);
    suppressions_deinit(&suppressions);
    options_deinit(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static FILE *out;
    char path[64];
    if (fd < 0) {
        fd = memfd_create("log", MFD_CLOEXEC);
        out = fopen("/dev/null", "w");
    }
    if (fd < 0 || !out || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    /* One of the three by the input itself, so that a finding can be repeated. */
    const enum replay_split splits[] = {REPLAY_BY_STACK, REPLAY_BY_THREAD, REPLAY_BY_PROCESS};
    analyze(path, splits[size % 3], out);
    return 0;
}

/* ---- The mutator ---- */

/* The bytes of the CBOR item at data, 0 if it is none or is cut off; its own head's at *head. */
static size_t item_size(const uint8_t *data, size_t size, int depth, size_t *head)
{
    if (!size || depth > 16)
        return 0;
    unsigned information = data[0] & 31;
    size_t extra = information < 24 ? 0 : (size_t)1 << (information - 24);
    uint64_t number = information;
    if (information > 27 || 1 + extra > size)
        return 0;
    if (extra)
        number = 0;
    for (size_t i = 0; i < extra; i++)
        number = number << 8 | data[1 + i];
    *head = 1 + extra;
    unsigned major = data[0] >> 5;
    if (major == 2 || major == 3)
        return number <= size - *head ? *head + (size_t)number : 0;
    uint64_t items = major == 4 ? number : major == 5 ? number * 2 : major == 6;
    size_t at = *head;
    for (uint64_t i = 0; i < items; i++) {
        size_t inner;
        size_t next = item_size(data + at, size - at, depth + 1, &inner);
        if (!next)
            return 0;
        at += next;
    }
    return at;
}

static size_t find_records(const uint8_t *data, size_t size, size_t *starts)
{
    size_t count = 0;
    for (size_t at = 0; at < size && count + 1 < MOST_RECORDS;) {
        size_t head;
        size_t next = item_size(data + at, size - at, 0, &head);
        starts[count++] = at;
        starts[count] = at + next;
        if (!next)
            break;
        at += next;
    }
    return count;
}

/* Replaces size bytes at at; the new size of all, or 0 if that is more than there is room for. */
static size_t splice(uint8_t *data, size_t total, size_t most, size_t at, size_t size,
                     const uint8_t *with, size_t with_size)
{
    if (total - size + with_size > most)
        return 0;
    memmove(data + at + with_size, data + at + size, total - at - size);
    if (with_size)
        memcpy(data + at, with, with_size);
    return total - size + with_size;
}

/* Another number in place of one of a record's. */
static size_t change_number(uint8_t *data, size_t total, size_t most, size_t start, size_t end)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       23,
                                       24,
                                       255,
                                       65536,
                                       1U << 31,
                                       UINT32_MAX,
                                       1ULL << 57,
                                       1ULL << 63,
                                       UINT64_MAX,
                                       UINT64_MAX - 15};
    size_t places[64];
    size_t count = 0;
    size_t head;
    for (size_t at = start; at < end && count < 64;) {
        size_t size = item_size(data + at, end - at, 0, &head);
        unsigned major = data[at] >> 5;
        if (!size)
            break;
        if (major <= 1)
            places[count++] = at;
        at += major <= 3 ? size : head; /* into arrays, maps and tags */
    }
    if (!count)
        return 0;
    size_t place = places[(size_t)rand() % count];
    uint64_t number = numbers[(size_t)rand() % (sizeof numbers / sizeof *numbers)];
    if (rand() % 2)
        number = (uint64_t)rand() % 64;
    uint8_t bytes[9] = {(uint8_t)((data[place] & 0xe0) | 27)};
    for (int i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(number >> (56 - 8 * i));
    size_t old = item_size(data + place, total - place, 0, &head);
    return splice(data, total, most, place, old, bytes, sizeof bytes);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static size_t starts[MOST_RECORDS + 1];
    uint8_t copy[4096];
    srand(seed);
    size_t count = find_records(data, size, starts);
    size_t made = 0;
    if (count > 2) {
        size_t one = 1 + (size_t)rand() % (count - 1);
        size_t other = 1 + (size_t)rand() % (count - 1);
        size_t length = starts[one + 1] - starts[one];
        if (length <= sizeof copy)
            memcpy(copy, data + starts[one], length);
        switch (rand() % 8) {
        case 0: /* one record fewer */
            made = splice(data, size, most, starts[one], length, NULL, 0);
            break;
        case 1: /* one more, somewhere */
            made = length <= sizeof copy ? splice(data, size, most, starts[other], 0, copy, length)
                                         : 0;
            break;
        case 2: /* in place of another */
            made = length <= sizeof copy ? splice(data, size, most, starts[other],
                                                  starts[other + 1] - starts[other], copy, length)
                                         : 0;
            break;
        case 3:
            break;
        default:
            made = change_number(data, size, most, starts[one], starts[one + 1]);
            break;
        }
    }
    return made ? made : LLVMFuzzerMutate(data, size, most);
}
