/* SPDX-License-Identifier: MIT */
/*
 * replay_fixture.h - a replay fed with records written by hand: one module, and as many frames,
 * stacks (each one frame on top of its parent), processes and threads as a test asks for. A
 * process's pid is 100 more than its id, a thread's tid 200 more.
 */
#ifndef TESTS_REPLAY_FIXTURE_H
#define TESTS_REPLAY_FIXTURE_H

#include <math.h>
#include <string.h>

#include "output/analyze/replay.h"

static inline struct log_text fixture_text(const char *string)
{
    return (struct log_text){.data = string, .size = strlen(string)};
}

static inline void fixture_feed(struct replay *replay, struct log_record record)
{
    struct error *error = replay_record(replay, &record);
    if (error)
        fail_msg("%s", error->message);
}

static inline void fixture_process(struct replay *replay, uint32_t id, uint32_t parent,
                                   enum log_process_origin origin)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_PROCESS,
                                             .process = {.process = id,
                                                         .parent = parent,
                                                         .origin = origin,
                                                         .pid = 100 + id,
                                                         .executable = fixture_text("/bin/prog")}});
}

static inline void fixture_thread(struct replay *replay, uint32_t id, uint32_t process)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_THREAD,
                                             .thread = {.thread = id,
                                                        .process = process,
                                                        .tid = 200 + id,
                                                        .name = fixture_text("worker")}});
}

/* Stack id: frame id, in function name at line id, called from stack parent. */
static inline void fixture_stack(struct replay *replay, uint32_t id, uint32_t parent,
                                 uint32_t flags, const char *name)
{
    struct log_location location = {
        .function = fixture_text(name), .file = fixture_text("/src/a.c"), .line = id};
    fixture_feed(replay,
                 (struct log_record){
                     .kind = LOG_FRAME,
                     .frame = {.frame = id, .module = 1, .address = 0x1000 + id, .flags = flags}});
    fixture_feed(replay, (struct log_record){
                             .kind = LOG_SYMBOL,
                             .symbol = {.frame = id, .location_count = 1, .locations = &location}});
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_STACK,
                                     .stack = {.stack = id, .parent = parent, .frame = id}});
}

static inline struct replay_options fixture_options(enum replay_split split)
{
    return (struct replay_options){
        .split = split, .pid = -1, .tid = -1, .from = -INFINITY, .to = INFINITY};
}

/* Begins with module 1, process 1 and its thread 1. */
static inline void fixture_begin_with(struct replay *replay, struct replay_options options)
{
    struct log_header header = {.version = 1, .tick_ns = 1000};
    struct error *error = replay_init(replay, &options, &header);
    if (error)
        fail_msg("%s", error->message);
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_MODULE,
                                     .module = {.module = 1, .path = fixture_text("/bin/prog")}});
    fixture_process(replay, 1, 0, LOG_ORIGIN_LAUNCH);
    fixture_thread(replay, 1, 1);
}

static inline void fixture_begin(struct replay *replay, enum replay_split split)
{
    fixture_begin_with(replay, fixture_options(split));
}

static inline void fixture_finish(struct replay *replay)
{
    struct error *error = replay_finish(replay);
    if (error)
        fail_msg("%s", error->message);
}

static inline void fixture_end_process(struct replay *replay, uint32_t process, int64_t status)
{
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_PROCESS_END,
                                     .process_end = {.process = process, .status = status}});
}

static inline void fixture_realloc_begin(struct replay *replay, uint32_t thread, uint64_t address)
{
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_REALLOC_BEGIN,
                                     .realloc_begin = {.thread = thread, .address = address}});
}

/* Times are ticks, which are microseconds here. */
static inline void fixture_alloc_at(struct replay *replay, uint64_t time, uint32_t thread,
                                    uint64_t address, uint64_t size, uint32_t stack)
{
    fixture_feed(
        replay,
        (struct log_record){
            .kind = LOG_ALLOC,
            .alloc = {
                .time = time, .thread = thread, .address = address, .size = size, .stack = stack}});
}

static inline void fixture_free_at(struct replay *replay, uint64_t time, uint32_t thread,
                                   uint64_t address)
{
    fixture_feed(replay,
                 (struct log_record){.kind = LOG_FREE,
                                     .free = {.time = time, .thread = thread, .address = address}});
}

static inline void fixture_end_process_at(struct replay *replay, uint64_t time, uint32_t process)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_PROCESS_END,
                                             .process_end = {.process = process, .time = time}});
}

static inline void fixture_alloc(struct replay *replay, uint32_t thread, uint64_t address,
                                 uint64_t size, uint32_t stack)
{
    fixture_alloc_at(replay, 0, thread, address, size, stack);
}

static inline void fixture_free(struct replay *replay, uint32_t thread, uint64_t address)
{
    fixture_free_at(replay, 0, thread, address);
}

static inline void fixture_realloc(struct replay *replay, uint32_t thread, uint64_t from,
                                   uint64_t to, uint64_t size, uint32_t stack)
{
    fixture_feed(replay, (struct log_record){.kind = LOG_REALLOC,
                                             .realloc = {.thread = thread,
                                                         .old_address = from,
                                                         .new_address = to,
                                                         .size = size,
                                                         .stack = stack}});
}

#endif
