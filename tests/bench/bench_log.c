/* SPDX-License-Identifier: MIT */
/*
 * bench_log.c - events a second and bytes an event of the log's encoder and decoder, and the cost
 * of looking up a stack.
 *
 * The events are allocations and frees of a program that keeps some thousand blocks: sizes,
 * stacks and addresses vary as they do in practice, by a fixed pseudo-random sequence. Times are
 * CPU seconds of this process, so that a busy machine counts less.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output/log/reader.h"
#include "output/log/stack_trie.h"
#include "output/log/writer.h"

#define LIVE 4096
#define STACKS 5000
#define DEPTH 20

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003). */
static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void check(struct error *error)
{
    if (!error)
        return;
    fprintf(stderr, "bench_log: %s\n", error->message);
    exit(1);
}

/* Fills events with the sequence; it ends with the blocks of its last phase alive. */
static void make_events(struct log_record *events, size_t count)
{
    static uint64_t live[LIVE];
    uint64_t time = 0;
    for (size_t i = 0; i < count; i++) {
        size_t slot = next_random() % LIVE;
        uint32_t thread = 1 + (uint32_t)(next_random() % 4);
        uint32_t stack = 1 + (uint32_t)(next_random() % STACKS);
        time += 5 + next_random() % 30;
        if (live[slot]) {
            events[i] = (struct log_record){
                .kind = LOG_FREE, .free = {.time = time, .thread = thread, .address = live[slot]}};
            live[slot] = 0;
        } else {
            live[slot] = UINT64_C(0x7f0012340010) + 16 * (next_random() % (1u << 20));
            events[i] = (struct log_record){.kind = LOG_ALLOC,
                                            .alloc = {.time = time,
                                                      .thread = thread,
                                                      .address = live[slot],
                                                      .size = 8 + next_random() % 500,
                                                      .stack = stack}};
        }
    }
}

static void write_log(const char *path, const struct log_record *events, size_t count)
{
    const struct log_header header = {.tick_ns = 1000, .page_size = 4096, .depth = 64};
    struct log_writer *writer;
    double start = cpu_seconds();
    check(log_writer_open(path, &header, &writer));
    for (size_t i = 0; i < count; i++)
        log_writer_put(writer, &events[i]);
    struct log_record end = {.kind = LOG_END};
    log_writer_put(writer, &end);
    log_writer_flush(writer);
    uint64_t written = log_writer_bytes_written(writer);
    uint64_t encoded = log_writer_bytes_encoded(writer);
    check(log_writer_close(writer));
    double seconds = cpu_seconds() - start;
    printf("encode%s: %.2f million events/s, %.2f bytes/event encoded, %.2f written\n",
           strstr(path, ".zst") ? " zstd" : "", (double)count / seconds / 1e6,
           (double)encoded / (double)count, (double)written / (double)count);
}

static void read_log(const char *path, size_t count)
{
    struct log_reader *reader;
    struct log_record record;
    enum log_read result;
    size_t read = 0;
    double start = cpu_seconds();
    check(log_reader_open(path, &reader));
    while ((result = log_reader_next(reader, &record)) == LOG_READ_RECORD)
        read += record.kind != LOG_END;
    log_reader_close(reader);
    double seconds = cpu_seconds() - start;
    if (result != LOG_READ_END || read != count) {
        fprintf(stderr, "bench_log: %zu of %zu events read\n", read, count);
        exit(1);
    }
    printf("decode%s: %.2f million events/s\n", strstr(path, ".zst") ? " zstd" : "",
           (double)count / seconds / 1e6);
}

static void look_up_stacks(uint32_t stacks)
{
    struct stack_trie *trie = stack_trie_create();
    if (!trie)
        check(error_no_memory());
    const unsigned rounds = 100;
    double start = cpu_seconds();
    for (unsigned round = 0; round < rounds; round++) {
        for (uint32_t stack = 0; stack < stacks; stack++) {
            uint32_t node = 0;
            bool is_new;
            for (uint32_t depth = 0; depth < DEPTH; depth++)
                node = stack_trie_child(trie, node, 1 + depth + stack % (depth * 40 + 1), &is_new);
        }
    }
    double seconds = cpu_seconds() - start;
    printf("stack trie: %.1f ns a lookup, %" PRIu32 " nodes\n",
           seconds * 1e9 / ((double)rounds * stacks * DEPTH), stack_trie_count(trie));
    stack_trie_destroy(trie);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 4000000;
    struct log_record *events = calloc(count ? count : 1, sizeof *events);
    char folder[] = "bench_log.XXXXXX";
    if (!events)
        check(error_no_memory());
    if (!mkdtemp(folder))
        check(error_errno(errno, "cannot make a folder here"));
    make_events(events, count);
    static const char *const names[] = {"plain.cbor", "compressed.cbor.zst"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[sizeof folder + 32];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        write_log(path, events, count);
        read_log(path, count);
        unlink(path);
    }
    rmdir(folder);
    free(events);
    look_up_stacks(500);
    look_up_stacks(STACKS);
    return 0;
}
