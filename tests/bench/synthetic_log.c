/* SPDX-License-Identifier: MIT */
#include "tests/bench/synthetic_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/log/writer.h"

enum { DEPTH = 12, SHARED = 8 };

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

static void write_frames(struct log_writer *writer, uint32_t count)
{
    for (uint32_t id = 1; id <= count; id++) {
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
static void write_stacks(struct log_writer *writer, const struct synthetic_log *log,
                         uint32_t *leaves)
{
    uint32_t next = 1;
    uint32_t trunk = 0;
    uint64_t random = 1;
    for (uint32_t i = 0; i < log->stacks; i++) {
        bool new_trunk = i % 100 == 0;
        uint32_t parent = new_trunk ? 0 : trunk;
        for (int depth = new_trunk ? 0 : SHARED; depth < DEPTH; depth++) {
            log_writer_put(
                writer,
                &(struct log_record){
                    .kind = LOG_STACK,
                    .stack = {.stack = next,
                              .parent = parent,
                              .frame = (uint32_t)(next_random(&random) % log->frames) + 1}});
            parent = next++;
            if (depth == SHARED - 1)
                trunk = parent;
        }
        leaves[i] = parent;
    }
}

static void write_events(struct log_writer *writer, const struct synthetic_log *log,
                         const uint32_t *leaves, bool *live)
{
    uint64_t random = 2;
    for (uint64_t i = 0; i < log->events; i++) {
        uint64_t slot = next_random(&random) % log->live;
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
                                              .stack = leaves[next_random(&random) % log->stacks]};
        }
        live[slot] = !live[slot];
        log_writer_put(writer, &record);
    }
    log_writer_put(writer, &(struct log_record){.kind = LOG_END, .end = {.time = log->events}});
}

struct error *synthetic_log_write(const char *path, const struct synthetic_log *log)
{
    struct log_header header = {.version = LOG_VERSION,
                                .tick_ns = 1000,
                                .page_size = 4096,
                                .depth = DEPTH,
                                .tool = text_of("synthetic_log"),
                                .arch = text_of("x86_64")};
    uint32_t *leaves = calloc(log->stacks, sizeof *leaves);
    bool *live = calloc(log->live, sizeof *live);
    struct log_writer *writer;
    struct error *error =
        leaves && live ? log_writer_open(path, &header, &writer) : error_no_memory();
    if (error) {
        free(leaves);
        free(live);
        return error;
    }
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
    write_frames(writer, log->frames);
    write_stacks(writer, log, leaves);
    write_events(writer, log, leaves, live);
    free(leaves);
    free(live);
    return log_writer_close(writer);
}
