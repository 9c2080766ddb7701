/* SPDX-License-Identifier: MIT */
/*
 * bench_analyze - how many events a second the analyzer reads and replays, and with how much
 * memory: bench_analyze [EVENTS...], 1 and 10 million if none are given.
 *
 * Each log has 10,000 stacks of 12 frames and up to 100,000 live blocks, in random order, so that
 * only the number of events differs. It is written to a file in the current folder, which is
 * removed at once, and read in a process of its own, so that writing does not count.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "output/analyze/load.h"
#include "output/log/writer.h"

enum { STACKS = 10000, DEPTH = 12, SHARED = 8, LIVE = 100000, FRAMES = 20000 };

static void die(struct error *error)
{
    if (!error)
        return;
    fprintf(stderr, "bench_analyze: %s\n", error->message);
    exit(1);
}

static struct log_text text_of(const char *string)
{
    return (struct log_text){.data = string, .size = strlen(string)};
}

/* Knuth's MMIX generator: the same log each time, whatever the C library. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void write_frames(struct log_writer *writer)
{
    for (uint32_t id = 1; id <= FRAMES; id++) {
        char name[32];
        snprintf(name, sizeof name, "function_%u", id);
        struct log_location location = {
            .function = text_of(name), .file = text_of("/src/file.c"), .line = id};
        log_writer_put(
            writer,
            &(struct log_record){.kind = LOG_FRAME,
                                 .frame = {.frame = id, .module = 1, .address = 0x1000 + id * 16}});
        log_writer_put(writer,
                       &(struct log_record){
                           .kind = LOG_SYMBOL,
                           .symbol = {.frame = id, .location_count = 1, .locations = &location}});
    }
}

/* The innermost node of each stack; the outer frames are shared, as they are in programs. */
static void write_stacks(struct log_writer *writer, uint32_t *leaves)
{
    uint32_t next = 1;
    uint32_t trunk = 0;
    uint64_t random = 1;
    for (uint32_t i = 0; i < STACKS; i++) {
        bool new_trunk = i % 100 == 0;
        uint32_t parent = new_trunk ? 0 : trunk;
        for (int depth = new_trunk ? 0 : SHARED; depth < DEPTH; depth++) {
            log_writer_put(writer,
                           &(struct log_record){
                               .kind = LOG_STACK,
                               .stack = {.stack = next,
                                         .parent = parent,
                                         .frame = (uint32_t)(next_random(&random) % FRAMES) + 1}});
            parent = next++;
            if (depth == SHARED - 1)
                trunk = parent;
        }
        leaves[i] = parent;
    }
}

static void write_events(struct log_writer *writer, const uint32_t *leaves, uint64_t events)
{
    static bool live[LIVE];
    uint64_t random = 2;
    memset(live, 0, sizeof live);
    for (uint64_t i = 0; i < events; i++) {
        uint64_t slot = next_random(&random) % LIVE;
        uint64_t address = UINT64_C(0x555555560000) + slot * 64;
        struct log_record record = {.kind = LOG_ALLOC};
        if (live[slot]) {
            record.kind = LOG_FREE;
            record.free = (struct log_free){.time = i, .thread = 1, .address = address};
        } else {
            record.alloc = (struct log_alloc){.time = i,
                                              .thread = 1,
                                              .address = address,
                                              .size = next_random(&random) % 1000,
                                              .stack = leaves[next_random(&random) % STACKS]};
        }
        live[slot] = !live[slot];
        log_writer_put(writer, &record);
    }
    log_writer_put(writer, &(struct log_record){.kind = LOG_END, .end = {.time = events}});
}

static void write_log(const char *path, uint64_t events)
{
    static uint32_t leaves[STACKS];
    struct log_header header = {.version = LOG_VERSION,
                                .tick_ns = 1000,
                                .page_size = 4096,
                                .depth = DEPTH,
                                .tool = text_of("bench_analyze"),
                                .arch = text_of("x86_64")};
    struct log_writer *writer;
    die(log_writer_open(path, &header, &writer));
    log_writer_put(
        writer,
        &(struct log_record){
            .kind = LOG_PROCESS,
            .process = {.process = 1, .pid = 100, .executable = text_of("/bin/synthetic")}});
    log_writer_put(
        writer,
        &(struct log_record){
            .kind = LOG_THREAD,
            .thread = {.thread = 1, .process = 1, .tid = 100, .name = text_of("synthetic")}});
    log_writer_put(
        writer, &(struct log_record){.kind = LOG_MODULE,
                                     .module = {.module = 1, .path = text_of("/bin/synthetic")}});
    write_frames(writer);
    write_stacks(writer, leaves);
    write_events(writer, leaves, events);
    die(log_writer_close(writer));
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_log(const char *path)
{
    struct log_reader *reader;
    struct replay replay;
    struct replay_options options = {.pid = -1, .tid = -1, .from = -INFINITY, .to = INFINITY};
    struct rusage usage;
    struct stat status;
    bool truncated;
    double start = now();
    die(log_reader_open(path, &reader));
    die(replay_init(&replay, &options, log_reader_header(reader)));
    die(load_log(reader, path, &replay, &truncated));
    double seconds = now() - start;
    getrusage(RUSAGE_SELF, &usage);
    if (stat(path, &status) != 0 || truncated || unlink(path) != 0)
        exit(1);
    double processor = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
                       (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    printf("%11llu events, %6.1f MB of log: %6.2f s, %6.2f s of processor, %5.2f million events/s, "
           "peak RSS %ld KiB\n",
           (unsigned long long)replay.totals.events, (double)status.st_size / 1e6, seconds,
           processor, (double)replay.totals.events / processor / 1e6, usage.ru_maxrss);
    replay_deinit(&replay);
    log_reader_close(reader);
    exit(0);
}

static int bench(uint64_t events)
{
    char path[64];
    int status;
    snprintf(path, sizeof path, "bench_analyze.%d.cbor", (int)getpid());
    write_log(path, events);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        read_log(path);
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
        WEXITSTATUS(status) == 0)
        return 0;
    fprintf(stderr, "bench_analyze: the reading process failed\n");
    unlink(path);
    return 1;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= bench(strtoull(argv[i], NULL, 10));
    if (argc == 1)
        failed = bench(1000000) | bench(10000000);
    return failed;
}
