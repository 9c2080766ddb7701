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
#include "tests/bench/synthetic_log.h"

static void die(struct error *error)
{
    if (!error)
        return;
    fprintf(stderr, "bench_analyze: %s\n", error->message);
    exit(1);
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
    die(synthetic_log_write(
        path, &(struct synthetic_log){
                  .events = events, .stacks = 10000, .frames = 20000, .live = 100000}));
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
