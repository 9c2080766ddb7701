/* SPDX-License-Identifier: MIT */
#include "tests/unit/log_samples.h"

#include "tests/unit/log_cmocka.h"

#define TEXT(string)                                                                               \
    {                                                                                              \
        .data = (string), .size = sizeof(string) - 1                                               \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct log_text command[] = {TEXT("./prog"), TEXT("--name"), TEXT("na\xc3\xafve"),
                                          TEXT("\xff\xfe"), TEXT("")};

const struct log_header log_samples_header = {
    .version = LOG_VERSION,
    .tick_ns = 1000,
    .started_ns = UINT64_C(1700000000123456789),
    .page_size = 4096,
    .depth = 64,
    .attached = true,
    .mappings = true,
    .tool = TEXT("allocptrace 0.1.0"),
    .arch = TEXT("x86_64"),
    .command_count = COUNT(command),
    .command = command,
};

static const struct log_location locations[] = {
    {.function = TEXT("std::vector<int>::push_back"), .file = TEXT("vector.h"), .line = 1},
    {.function = TEXT(""), .file = TEXT(""), .line = 0},
    {.function = TEXT("\xc0\x80"), .file = TEXT("/src/\xe2\x82\xac.c"), .line = UINT64_MAX},
};

static const struct log_count counts[] = {
    {.name = TEXT("events"), .value = 12},
    {.name = TEXT("stops"), .value = UINT64_MAX},
    {.name = TEXT(""), .value = 0},
};

/* Each kind with ordinary values, then with extreme ones; the events' times go backwards and their
 * addresses wrap around where they can. */
const struct log_record log_samples[] = {
    {.kind = LOG_PROCESS,
     .process = {.process = 1,
                 .origin = LOG_ORIGIN_LAUNCH,
                 .pid = 4242,
                 .executable = TEXT("/usr/bin/prog"),
                 .argument_count = COUNT(command),
                 .arguments = command}},
    {.kind = LOG_PROCESS,
     .process = {.process = UINT32_MAX,
                 .parent = UINT32_MAX,
                 .origin = UINT32_MAX,
                 .pid = INT64_MIN,
                 .executable = TEXT("\x80")}},
    {.kind = LOG_THREAD, .thread = {.thread = 1, .process = 1, .tid = 4243, .name = TEXT("main")}},
    {.kind = LOG_THREAD,
     .thread = {.thread = UINT32_MAX, .process = UINT32_MAX, .tid = INT64_MAX, .name = TEXT("")}},
    {.kind = LOG_MODULE,
     .module = {.module = 1, .path = TEXT("/lib/libc.so.6"), .build_id = TEXT("\0\1\2\xff")}},
    {.kind = LOG_MODULE, .module = {.module = 24, .path = TEXT(""), .build_id = TEXT("")}},
    {.kind = LOG_MAP,
     .map = {.process = 1,
             .module = 1,
             .start = UINT64_C(0x7f0000000000),
             .end = UINT64_C(0x7f0000200000),
             .bias = UINT64_C(0x7f0000000000)}},
    {.kind = LOG_MAP,
     .map = {.process = UINT32_MAX,
             .module = UINT32_MAX,
             .start = UINT64_MAX,
             .end = UINT64_MAX,
             .bias = UINT64_MAX}},
    {.kind = LOG_UNMAP, .map = {.process = 1, .module = 1, .start = 0, .end = 23, .bias = 24}},
    {.kind = LOG_FRAME,
     .frame = {.frame = 1, .module = 1, .address = 0x1234, .flags = LOG_FRAME_ALLOCATOR}},
    {.kind = LOG_FRAME,
     .frame = {.frame = UINT32_MAX, .module = 0, .address = UINT64_MAX, .flags = UINT32_MAX}},
    {.kind = LOG_SYMBOL,
     .symbol = {.frame = 1, .location_count = COUNT(locations), .locations = locations}},
    {.kind = LOG_SYMBOL, .symbol = {.frame = UINT32_MAX}},
    {.kind = LOG_STACK, .stack = {.stack = 1, .parent = 0, .frame = 1}},
    {.kind = LOG_STACK, .stack = {.stack = UINT32_MAX, .parent = UINT32_MAX, .frame = UINT32_MAX}},
    {.kind = LOG_NOTE, .note = {.text = TEXT("function \"x\" was not found")}},
    {.kind = LOG_NOTE, .note = {.text = TEXT("")}},
    {.kind = LOG_ALLOC,
     .alloc = {.time = 10, .thread = 1, .address = UINT64_MAX, .size = 0, .stack = 1}},
    {.kind = LOG_ALLOC,
     .alloc = {.time = UINT64_MAX,
               .thread = UINT32_MAX,
               .address = 0,
               .size = UINT64_MAX,
               .stack = UINT32_MAX,
               .slack = UINT64_MAX,
               .has_slack = true}},
    {.kind = LOG_FREE,
     .free = {.time = 0, .thread = 1, .address = UINT64_C(0x8000000000000000), .stack = 0}},
    {.kind = LOG_FREE, .free = {.time = 5, .thread = 1, .address = 16, .stack = 65536}},
    {.kind = LOG_ALLOC,
     .alloc = {.time = 11, .thread = 1, .address = 16, .size = 24, .stack = 1, .has_slack = true}},
    {.kind = LOG_REALLOC,
     .realloc = {.time = 6,
                 .thread = 1,
                 .old_address = UINT64_C(0x555555550010),
                 .new_address = UINT64_C(0x555555550000),
                 .size = 256,
                 .stack = 1}},
    {.kind = LOG_REALLOC,
     .realloc = {.time = 6,
                 .thread = 1,
                 .old_address = 16,
                 .new_address = 16,
                 .size = 17,
                 .stack = 1,
                 .slack = 7,
                 .has_slack = true}},
    {.kind = LOG_REALLOC,
     .realloc = {.time = 6,
                 .thread = UINT32_MAX,
                 .old_address = UINT64_MAX,
                 .new_address = UINT64_C(0x7fffffffffffffff),
                 .size = UINT64_MAX,
                 .stack = UINT32_MAX}},
    {.kind = LOG_REALLOC_BEGIN,
     .realloc_begin = {.time = 7, .thread = 2, .address = UINT64_C(0x555555550000)}},
    {.kind = LOG_FAILED, .failed = {.time = 8, .thread = 2, .size = UINT64_MAX, .stack = 1}},
    {.kind = LOG_MMAP,
     .mmap =
         {.time = 9, .thread = 1, .address = UINT64_C(0x7f1234560000), .size = 4096, .stack = 1}},
    {.kind = LOG_MUNMAP,
     .munmap = {.time = 9, .thread = 1, .address = UINT64_C(0x7f1234560000), .size = 4096}},
    {.kind = LOG_FOUND, .found = {.process = 1, .address = 4096, .size = 24}},
    {.kind = LOG_FOUND, .found = {.process = UINT32_MAX, .address = 0, .size = UINT64_MAX}},
    {.kind = LOG_CHECK,
     .check = {.check = 1, .process = 1, .time = 98, .moment = LOG_MOMENT_REQUEST}},
    {.kind = LOG_ROOT,
     .root = {.root = 1,
              .check = 1,
              .kind = LOG_ROOT_GLOBAL,
              .module = 1,
              .address = 0x4040,
              .name = TEXT("cache+0x10")}},
    {.kind = LOG_ROOT,
     .root = {.root = UINT32_MAX,
              .check = UINT32_MAX,
              .kind = LOG_ROOT_REGISTER,
              .thread = UINT32_MAX,
              .address = UINT64_MAX,
              .name = TEXT("")}},
    {.kind = LOG_VERDICT,
     .verdict = {.check = 1,
                 .address = UINT64_C(0x555555550000),
                 .size = 24,
                 .stack = 1,
                 .thread = 1,
                 .reach = LOG_POSSIBLY_LOST,
                 .root = 1,
                 .holder = UINT64_C(0x555555540000)}},
    {.kind = LOG_VERDICT,
     .verdict = {.check = UINT32_MAX,
                 .address = UINT64_MAX,
                 .size = UINT64_MAX,
                 .stack = UINT32_MAX,
                 .thread = UINT32_MAX,
                 .reach = UINT32_MAX,
                 .root = UINT32_MAX,
                 .holder = 0}},
    {.kind = LOG_CHECK_END,
     .check_end = {.check = 1, .count_count = COUNT(counts), .counts = counts}},
    {.kind = LOG_CHECK_END, .check_end = {.check = UINT32_MAX}},
    {.kind = LOG_THREAD_END, .thread_end = {.thread = 1, .time = UINT64_MAX}},
    {.kind = LOG_PROCESS_END, .process_end = {.process = 1, .time = 99, .status = 0x8b}},
    {.kind = LOG_PROCESS_END, .process_end = {.process = 2, .time = 0, .status = -2}},
    {.kind = LOG_END, .end = {.time = 100, .count_count = COUNT(counts), .counts = counts}},
};
const size_t log_samples_count = COUNT(log_samples);

static void assert_same_text(struct log_text expected, struct log_text actual)
{
    assert_int_equal(actual.size, expected.size);
    if (expected.size)
        assert_memory_equal(actual.data, expected.data, expected.size);
}

static void assert_same_texts(const struct log_text *expected, size_t expected_count,
                              const struct log_text *actual, size_t actual_count)
{
    assert_int_equal(actual_count, expected_count);
    for (size_t i = 0; i < expected_count; i++)
        assert_same_text(expected[i], actual[i]);
}

#define SAME(member) assert_true(actual->member == expected->member)
#define SAME_TEXT(member) assert_same_text(expected->member, actual->member)

void assert_same_header(const struct log_header *expected, const struct log_header *actual)
{
    SAME(version);
    SAME(tick_ns);
    SAME(started_ns);
    SAME(page_size);
    SAME(depth);
    SAME(attached);
    SAME(mappings);
    SAME_TEXT(tool);
    SAME_TEXT(arch);
    assert_same_texts(expected->command, expected->command_count, actual->command,
                      actual->command_count);
}

static void assert_same_counts(const struct log_count *expected, size_t expected_count,
                               const struct log_count *actual, size_t actual_count)
{
    assert_int_equal(actual_count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        assert_same_text(expected[i].name, actual[i].name);
        assert_true(expected[i].value == actual[i].value);
    }
}

static void assert_same_definition(const struct log_record *expected,
                                   const struct log_record *actual)
{
    switch (expected->kind) {
    case LOG_PROCESS:
        SAME(process.process);
        SAME(process.parent);
        SAME(process.origin);
        SAME(process.pid);
        SAME_TEXT(process.executable);
        assert_same_texts(expected->process.arguments, expected->process.argument_count,
                          actual->process.arguments, actual->process.argument_count);
        break;
    case LOG_THREAD:
        SAME(thread.thread);
        SAME(thread.process);
        SAME(thread.tid);
        SAME_TEXT(thread.name);
        break;
    case LOG_MODULE:
        SAME(module.module);
        SAME_TEXT(module.path);
        SAME_TEXT(module.build_id);
        break;
    case LOG_MAP:
    case LOG_UNMAP:
        SAME(map.process);
        SAME(map.module);
        SAME(map.start);
        SAME(map.end);
        SAME(map.bias);
        break;
    case LOG_FRAME:
        SAME(frame.frame);
        SAME(frame.module);
        SAME(frame.address);
        SAME(frame.flags);
        break;
    case LOG_SYMBOL:
        SAME(symbol.frame);
        SAME(symbol.location_count);
        for (size_t i = 0; i < expected->symbol.location_count; i++) {
            SAME_TEXT(symbol.locations[i].function);
            SAME_TEXT(symbol.locations[i].file);
            SAME(symbol.locations[i].line);
        }
        break;
    case LOG_STACK:
        SAME(stack.stack);
        SAME(stack.parent);
        SAME(stack.frame);
        break;
    case LOG_PROCESS_END:
        SAME(process_end.process);
        SAME(process_end.time);
        SAME(process_end.status);
        break;
    case LOG_THREAD_END:
        SAME(thread_end.thread);
        SAME(thread_end.time);
        break;
    case LOG_NOTE:
        SAME_TEXT(note.text);
        break;
    case LOG_END:
        SAME(end.time);
        assert_same_counts(expected->end.counts, expected->end.count_count, actual->end.counts,
                           actual->end.count_count);
        break;
    case LOG_CHECK:
        SAME(check.check);
        SAME(check.process);
        SAME(check.time);
        SAME(check.moment);
        break;
    case LOG_ROOT:
        SAME(root.root);
        SAME(root.check);
        SAME(root.kind);
        SAME(root.thread);
        SAME(root.module);
        SAME(root.address);
        SAME_TEXT(root.name);
        break;
    case LOG_CHECK_END:
        SAME(check_end.check);
        assert_same_counts(expected->check_end.counts, expected->check_end.count_count,
                           actual->check_end.counts, actual->check_end.count_count);
        break;
    default:
        fail_msg("no such kind: %d", expected->kind);
    }
}

void assert_same_record(const struct log_record *expected, const struct log_record *actual)
{
    SAME(kind);
    switch (expected->kind) {
    case LOG_ALLOC:
        SAME(alloc.time);
        SAME(alloc.thread);
        SAME(alloc.address);
        SAME(alloc.size);
        SAME(alloc.stack);
        SAME(alloc.slack);
        SAME(alloc.has_slack);
        break;
    case LOG_FREE:
        SAME(free.time);
        SAME(free.thread);
        SAME(free.address);
        SAME(free.stack);
        break;
    case LOG_REALLOC:
        SAME(realloc.time);
        SAME(realloc.thread);
        SAME(realloc.old_address);
        SAME(realloc.new_address);
        SAME(realloc.size);
        SAME(realloc.stack);
        SAME(realloc.slack);
        SAME(realloc.has_slack);
        break;
    case LOG_REALLOC_BEGIN:
        SAME(realloc_begin.time);
        SAME(realloc_begin.thread);
        SAME(realloc_begin.address);
        break;
    case LOG_FAILED:
        SAME(failed.time);
        SAME(failed.thread);
        SAME(failed.size);
        SAME(failed.stack);
        break;
    case LOG_MMAP:
        SAME(mmap.time);
        SAME(mmap.thread);
        SAME(mmap.address);
        SAME(mmap.size);
        SAME(mmap.stack);
        break;
    case LOG_MUNMAP:
        SAME(munmap.time);
        SAME(munmap.thread);
        SAME(munmap.address);
        SAME(munmap.size);
        break;
    case LOG_FOUND:
        SAME(found.process);
        SAME(found.address);
        SAME(found.size);
        break;
    case LOG_VERDICT:
        SAME(verdict.check);
        SAME(verdict.address);
        SAME(verdict.size);
        SAME(verdict.stack);
        SAME(verdict.thread);
        SAME(verdict.reach);
        SAME(verdict.root);
        SAME(verdict.holder);
        break;
    default:
        assert_same_definition(expected, actual);
    }
}
