/* SPDX-License-Identifier: MIT */
/*
 * bench_reach - how long reach_decide() takes for a heap of BLOCKS blocks in BYTES bytes:
 * bench_reach [BLOCKS BYTES [SHAPE...]], a million in half a GiB if none are given.
 *
 * The heap is laid out as glibc's would be, in a mapping of our own that is read as another
 * process's memory is. Each shape gives the seconds of processor time, and how many times as long
 * that is as a plain sum of all words, and as reading all bytes with process_vm_readv(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tracer/leaks/large_array.h"
#include "tracer/leaks/leak_memory.h"
#include "tracer/leaks/live_blocks.h"
#include "tracer/leaks/reach.h"

#define HEAD 16 /* bytes in front of each block */
#define PIECE ((size_t)4 << 20)

struct bench {
    size_t count, bytes;
    uint8_t *memory;
    struct live_block *blocks;
    uint32_t *order; /* a permutation of the blocks */
    uint64_t random;
    double sum_seconds, read_seconds;
    uint64_t root; /* the only one */
    size_t reads;
    struct leak_memory reader;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_reach: %s\n", what);
    exit(1);
}

/* Of processor time: others share the machine. */
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Knuth's MMIX generator. */
static uint64_t next_random(struct bench *bench)
{
    bench->random = bench->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return bench->random >> 32;
}

/* Sizes from 16 bytes up that fill the heap. */
static void lay_out(struct bench *bench)
{
    uint64_t at = (uint64_t)(uintptr_t)bench->memory;
    uint64_t most = bench->bytes / bench->count - HEAD;
    if (most < 16)
        die("too many blocks for so few bytes");
    for (size_t i = 0; i < bench->count; i++) {
        /* Half of the mean, or up to one and a half times of it. */
        uint64_t size = 16 + next_random(bench) % (2 * (most - 16) + 1);
        bench->blocks[i] = (struct live_block){.address = at + HEAD, .size = size};
        at += HEAD + ((size + 15) & ~UINT64_C(15));
        if (at + HEAD > (uint64_t)(uintptr_t)bench->memory + bench->bytes) {
            bench->count = i;
            break;
        }
    }
    for (size_t i = 0; i < bench->count; i++) {
        size_t other = next_random(bench) % (i + 1);
        bench->order[i] = bench->order[other];
        bench->order[other] = (uint32_t)i;
    }
}

static uint64_t *words_of(const struct bench *bench, size_t block)
{
    return (uint64_t *)(bench->memory +
                        (bench->blocks[block].address - (uint64_t)(uintptr_t)bench->memory));
}

/* What no pointer is written into: text, numbers. */
static void fill(struct bench *bench)
{
    uint64_t *words = (uint64_t *)bench->memory;
    for (size_t i = 0; i < bench->bytes / sizeof *words; i++)
        words[i] = i % 3 ? 0x6f77206f6c6c6568 ^ i : i;
}

/* ---- Shapes ---- */

static uint64_t address_of(const struct bench *bench, size_t number)
{
    return bench->blocks[number % bench->count].address;
}

/* Each fourth word is a pointer to any block. */
static void make_random(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        for (size_t k = 0; k < bench->blocks[i].size / 8; k += 4)
            words_of(bench, i)[k] = address_of(bench, next_random(bench));
    }
    bench->root = address_of(bench, 0);
}

static void make_list(struct bench *bench)
{
    for (size_t i = 0; i + 1 < bench->count; i++)
        words_of(bench, i)[0] = address_of(bench, i + 1);
    bench->root = address_of(bench, 0);
}

/* As lists become that grow at their front. */
static void make_backward_list(struct bench *bench)
{
    for (size_t i = 1; i < bench->count; i++)
        words_of(bench, i)[0] = address_of(bench, i - 1);
    bench->root = address_of(bench, bench->count - 1);
}

/* A list through the heap in no order, doubly linked. */
static void make_shuffled_list(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        uint64_t *words = words_of(bench, bench->order[i]);
        if (i + 1 < bench->count)
            words[0] = address_of(bench, bench->order[i + 1]);
        if (i)
            words[1] = address_of(bench, bench->order[i - 1]);
    }
    bench->root = address_of(bench, bench->order[0]);
}

/* Two children and the parent, anywhere. */
static void make_tree(struct bench *bench)
{
    bench->root = address_of(bench, bench->order[0]);
    for (size_t i = 0; i < bench->count; i++) {
        uint64_t *words = words_of(bench, bench->order[i]);
        words[0] = address_of(bench, bench->order[(2 * i + 1) % bench->count]);
        words[1] = address_of(bench, bench->order[(2 * i + 2) % bench->count]);
    }
}

/* The same without a root: all in one cycle. */
static void make_lost_tree(struct bench *bench)
{
    make_tree(bench);
    bench->root = 0;
}

/* Pairs of neighbours that point to each other, and nothing else does. */
static void make_lost_pairs(struct bench *bench)
{
    for (size_t i = 0; i < bench->count; i++)
        words_of(bench, i)[0] = address_of(bench, i ^ 1);
    bench->root = 0;
}

static void make_lost_singles(struct bench *bench)
{
    bench->root = 0;
}

/* The tree by pointers into the middle: each is looked at by the heuristics. */
static void make_possible(struct bench *bench)
{
    make_tree(bench);
    for (size_t i = 0; i < bench->count; i++) {
        words_of(bench, i)[0] += 12;
        words_of(bench, i)[1] += 8;
    }
}

static const struct shape {
    const char *name;
    void (*make)(struct bench *bench);
} shapes[] = {
    {"random", make_random},
    {"list", make_list},
    {"backward", make_backward_list},
    {"shuffled", make_shuffled_list},
    {"tree", make_tree},
    {"possible", make_possible},
    {"lost-singles", make_lost_singles},
    {"lost-pairs", make_lost_pairs},
    {"lost-tree", make_lost_tree},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

/* ---- Measuring ---- */

static void measure_memory(struct bench *bench)
{
    const volatile uint64_t *words = (const volatile uint64_t *)bench->memory;
    uint64_t sum = 0;
    double start = now();
    for (size_t i = 0; i < bench->bytes / sizeof *words; i++)
        sum += words[i];
    bench->sum_seconds = now() - start;
    uint8_t *buffer = malloc(PIECE);
    if (!buffer || sum == 1)
        die("no memory");
    start = now();
    for (size_t at = 0; at < bench->bytes; at += PIECE) {
        size_t size = bench->bytes - at < PIECE ? bench->bytes - at : PIECE;
        struct reach_piece piece = {.address = (uint64_t)(uintptr_t)bench->memory + at,
                                    .size = size};
        if (leak_memory_read(&piece, 1, buffer, &bench->reader))
            die("the heap cannot be read");
    }
    bench->read_seconds = now() - start;
    free(buffer);
}

static uint64_t count_read(const struct reach_piece *pieces, size_t count, void *out, void *data)
{
    struct bench *bench = data;
    bench->reads++;
    return leak_memory_read(pieces, count, out, &bench->reader);
}

static long peak_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static void measure(struct bench *bench, const struct shape *shape)
{
    fill(bench);
    shape->make(bench);
    struct reach_register root = {.value = bench->root};
    struct reach_input input = {
        .blocks = bench->blocks,
        .block_count = bench->count,
        .registers = &root,
        .register_count = 1,
        .heuristics = true,
        .read = count_read,
        .data = bench,
    };
    struct reach_result result;
    bench->reads = 0;
    long before = peak_mib();
    double start = now();
    if (reach_decide(&input, &result))
        die("no memory");
    double seconds = now() - start;
    size_t kinds[LOG_REACH_KINDS] = {0};
    for (size_t i = 0; i < bench->count; i++)
        kinds[result.verdicts[i].reach]++;
    printf("%-12s %7.2f s %6.2f GiB/s %6.1f x sum %6.1f x read %9zu reads %5ld MiB more: "
           "%zu reachable, %zu possible, %zu indirect, %zu definite\n",
           shape->name, seconds, (double)bench->bytes / seconds / (1 << 30),
           seconds / bench->sum_seconds, seconds / bench->read_seconds, bench->reads,
           peak_mib() - before, kinds[LOG_REACHABLE], kinds[LOG_POSSIBLY_LOST],
           kinds[LOG_INDIRECTLY_LOST], kinds[LOG_DEFINITELY_LOST]);
    fflush(stdout);
    reach_result_deinit(&result);
}

int main(int argc, char **argv)
{
    struct bench bench = {.count = 1000000, .bytes = (size_t)512 << 20, .random = 1};
    if (argc >= 3) {
        bench.count = strtoull(argv[1], NULL, 10);
        bench.bytes = strtoull(argv[2], NULL, 10) & ~(size_t)4095;
    }
    if (!bench.count || !bench.bytes)
        die("usage: bench_reach [BLOCKS BYTES [SHAPE...]]");
    bench.memory =
        mmap(NULL, bench.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bench.blocks = large_array(bench.count, sizeof *bench.blocks);
    bench.order = malloc(bench.count * sizeof *bench.order);
    if (bench.memory == MAP_FAILED || !bench.blocks || !bench.order)
        die("no memory");
    struct proc_maps maps;
    if (proc_maps_read(getpid(), &maps))
        die("no mappings");
    leak_memory_init(&bench.reader, getpid(), &maps);
    fill(&bench);
    lay_out(&bench);
    measure_memory(&bench);
    printf("%zu blocks, %.2f GiB: sum %.2f s, read %.2f s\n", bench.count,
           (double)bench.bytes / (1 << 30), bench.sum_seconds, bench.read_seconds);
    for (size_t i = 0; i < SHAPES; i++) {
        bool wanted = argc <= 3;
        for (int k = 3; k < argc; k++)
            wanted = wanted || strcmp(argv[k], shapes[i].name) == 0;
        if (wanted)
            measure(&bench, &shapes[i]);
    }
    leak_memory_deinit(&bench.reader);
    proc_maps_deinit(&maps);
    free(bench.blocks);
    free(bench.order);
    return 0;
}
