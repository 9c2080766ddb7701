/* SPDX-License-Identifier: MIT */
#include "output/analyze/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output/log/text.h"

#define FIRST_AFTER 0.5 /* seconds */
#define INTERVAL 0.1
#define BAR_WIDTH 30

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void progress_begin(struct progress *progress, uint64_t events)
{
    double begun = now();
    *progress = (struct progress){.wanted = isatty(STDERR_FILENO) == 1,
                                  .begun = begun,
                                  .last = begun + FIRST_AFTER - INTERVAL,
                                  .first = events};
}

void progress_update(struct progress *progress, const struct log_reader *reader, const char *path,
                     uint64_t events)
{
    if (!progress->wanted)
        return;
    double time = now();
    if (time - progress->last < INTERVAL)
        return;
    progress->last = time;
    progress->shown = true;
    double fraction = log_reader_fraction(reader);
    double rate = (double)(events - progress->first) / (time - progress->begun);
    char bar[BAR_WIDTH + 1], name[64];
    const char *slash = strrchr(path, '/');
    text_sanitize(name, sizeof name, slash ? slash + 1 : path);
    int done = fraction > 0 ? (int)(fraction * BAR_WIDTH) : 0;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)done);
    bar[BAR_WIDTH] = 0;
    if (fraction >= 0)
        fprintf(stderr, "\r%s [%s] %3.0f%%", name, bar, fraction * 100);
    else
        fprintf(stderr, "\r%s", name);
    /* EL (ECMA-48 8.3.41): what a longer line left behind. */
    fprintf(stderr, " %.1f million events, %.1f million/s\x1b[K", (double)events / 1e6, rate / 1e6);
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\x1b[K", stderr);
}
