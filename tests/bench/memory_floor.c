/* SPDX-License-Identifier: MIT */
/*
 * The floor under a look at all memory of a process: how fast one thread reads memory of its own,
 * how long it takes to fork so much of it, and how fast process_vm_readv(2) reads the child's,
 * which is stopped meanwhile, into a buffer that is used again and again.
 *
 * Usage: bench_memory_floor [GIB]; fractions are allowed, 1 if not given. So much is used once: the
 * child shares it.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 3
#define MOST_GIB 1024.0
#define GIB (1024.0 * 1024 * 1024)
#define LARGEST_BUFFER ((size_t)1 << 20)

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_memory_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t sum_of(const uint64_t *words, size_t size)
{
    /* Several sums do not wait for each other's additions. */
    uint64_t sums[8] = {0};
    for (size_t i = 0; i + 8 <= size / sizeof *words; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += words[i + k];
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

/* Whoever would leave out a sum has to know that nobody looks at it. */
static void use(uint64_t number)
{
    __asm__ volatile("" : : "r"(number));
}

static void print_speed(const char *what, size_t size, double seconds)
{
    printf("%-42s %7.2f GiB/s %9.1f ms\n", what, (double)size / GIB / seconds, seconds * 1e3);
}

static void least(double *best, double seconds)
{
    if (*best <= 0 || seconds < *best)
        *best = seconds;
}

static void measure_sum(const uint64_t *words, size_t size)
{
    double best = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        use(sum_of(words, size));
        least(&best, now() - start);
    }
    print_speed("one thread sums its own memory", size, best);
}

/* A child that waits to be killed, with the seconds that fork(2) took. */
static pid_t fork_timed(double *seconds)
{
    double start = now();
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        for (;;)
            pause();
    }
    *seconds = now() - start;
    return child;
}

static void end(pid_t child)
{
    if (kill(child, SIGKILL) || waitpid(child, NULL, 0) != child)
        die("kill");
}

static void measure_fork(size_t size)
{
    double best = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double seconds;
        end(fork_timed(&seconds));
        least(&best, seconds);
    }
    print_speed("fork", size, best);
}

/* Reads all of the child's copy, piece by piece, and sums it up if that is asked for. */
static double read_all(pid_t child, const char *memory, size_t size, uint64_t *buffer, size_t piece,
                       int summed)
{
    double start = now();
    for (size_t at = 0; at < size; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        struct iovec local = {.iov_base = buffer, .iov_len = length};
        struct iovec remote = {.iov_base = (void *)(uintptr_t)(memory + at), .iov_len = length};
        if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t)length)
            die("process_vm_readv");
        if (summed)
            use(sum_of(buffer, length));
    }
    return now() - start;
}

static void measure_reads(const char *memory, size_t size)
{
    static const size_t pieces[] = {(size_t)4 << 10, (size_t)64 << 10, LARGEST_BUFFER};
    double seconds;
    uint64_t *buffer = malloc(LARGEST_BUFFER);
    if (!buffer)
        die("malloc");
    memset(buffer, 1, LARGEST_BUFFER);
    pid_t child = fork_timed(&seconds);
    for (size_t i = 0; i < 2 * sizeof pieces / sizeof *pieces; i++) {
        size_t piece = pieces[i / 2];
        int summed = (int)(i % 2);
        double best = 0;
        for (int round = 0; round < ROUNDS; round++)
            least(&best, read_all(child, memory, size, buffer, piece, summed));
        char what[64];
        snprintf(what, sizeof what, "process_vm_readv, %zu KiB a call%s", piece >> 10,
                 summed ? " and sum" : "");
        print_speed(what, size, best);
    }
    end(child);
    free(buffer);
}

/* Whether memory has large pages decides what fork costs. */
static void print_pages(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && fgets(line, sizeof line, file) && strncmp(line, "AnonHugePages:", 14) != 0)
        line[0] = 0;
    if (file)
        fclose(file);
    printf("%-42s %7.2f GiB\n", "in huge pages",
           line[0] ? strtod(line + 14, NULL) * 1024 / GIB : 0.0);
}

int main(int argc, char **argv)
{
    char none[] = "";
    char *rest = none;
    double gib = argc > 1 ? strtod(argv[1], &rest) : 1;
    if (argc > 2 || *rest || !(gib > 0 && gib <= MOST_GIB)) {
        fprintf(stderr, "usage: bench_memory_floor [GIB]\n");
        return 2;
    }
    size_t size = (size_t)(gib * GIB) & ~(size_t)4095;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        die("mmap");
    memset(memory, 0x5a, size);
    print_pages();
    measure_sum((const uint64_t *)(const void *)memory, size);
    measure_fork(size);
    measure_reads(memory, size);
    return 0;
}
