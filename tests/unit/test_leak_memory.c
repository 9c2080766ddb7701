/* SPDX-License-Identifier: MIT */
/* Reads a child's memory: four pages with numbers in them, of which the third cannot be read, and a
 * gibibyte of which one page has been touched. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracer/leaks/leak_memory.h"
#include "tracer/ptrace_io.h"

#define PAGE 4096
#define HUGE_SIZE (UINT64_C(1) << 30)

static struct child {
    pid_t pid;
    uint64_t pages, huge;
    struct proc_maps maps;
    struct leak_memory memory;
} child;

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static int set_up(void **state)
{
    (void)state;
    uint8_t *pages = map(4 * PAGE), *huge = map(HUGE_SIZE);
    madvise(huge, HUGE_SIZE, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < 4 * PAGE; i++)
        pages[i] = (uint8_t)(1 + i / PAGE);
    huge[HUGE_SIZE / 2] = 1;
    mprotect(pages + 2 * (size_t)PAGE, PAGE, PROT_NONE);
    child = (struct child){.pages = (uint64_t)(uintptr_t)pages, .huge = (uint64_t)(uintptr_t)huge};
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        for (;;)
            pause();
    }
    munmap(pages, 4 * (size_t)PAGE);
    munmap(huge, HUGE_SIZE);
    assert_null(proc_maps_read(child.pid, &child.maps));
    leak_memory_init(&child.memory, child.pid, &child.maps);
    return 0;
}

static void end_child(void)
{
    kill(child.pid, SIGKILL);
    waitpid(child.pid, NULL, 0);
}

static int tear_down(void **state)
{
    (void)state;
    end_child();
    leak_memory_deinit(&child.memory);
    proc_maps_deinit(&child.maps);
    return 0;
}

/* Whether size bytes have the number of their page, or are 0 in the one that cannot be read. */
static void check_bytes(const uint8_t *bytes, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t page = (offset + i) / PAGE;
        assert_int_equal(bytes[i], page == 2 ? 0 : 1 + page);
    }
}

static void read_all_kinds(void)
{
    static uint8_t out[5 * PAGE];
    struct reach_piece pieces[] = {
        {.address = child.pages + 8, .size = 100},
        {.address = child.pages + PAGE - 50, .size = 2 * PAGE + 100}, /* around the third */
        {.address = child.pages + 2 * PAGE + 16, .size = 32},         /* within it */
        {.address = child.pages + 3 * PAGE, .size = PAGE},
    };
    memset(out, 0xff, sizeof out);
    uint64_t unreadable = leak_memory_read(pieces, 4, out, &child.memory);
    const uint8_t *at = out;
    for (size_t i = 0; i < 4; i++) {
        check_bytes(at, pieces[i].address - child.pages, pieces[i].size);
        at += pieces[i].size;
    }
    assert_int_equal(*at, 0xff);
    assert_int_equal(unreadable, PAGE + 32);
}

static void pages_that_cannot_be_read_are_zero(void **state)
{
    (void)state;
    read_all_kinds();
    assert_false(child.memory.refused);
}

static void file_of_memory_serves_too(void **state)
{
    (void)state;
    child.memory.refused = true;
    child.memory.fd = mem_open(child.pid);
    assert_true(child.memory.fd >= 0);
    /* This way even such a page is read: the kernel forces it for tracers. */
    uint64_t word;
    struct reach_piece piece = {.address = child.pages + 2 * PAGE, .size = sizeof word};
    assert_int_equal(leak_memory_read(&piece, 1, &word, &child.memory), 0);
    assert_int_equal(word & 0xff, 3);
    piece.address = child.huge + HUGE_SIZE - 4;
    uint64_t unreadable = leak_memory_read(&piece, 1, &word, &child.memory);
    assert_true(unreadable == 4 || unreadable == 0); /* what lies behind it is not ours to know */
}

static void many_pieces_are_read_in_their_order(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static struct reach_piece pieces[COUNT];
    static uint8_t out[COUNT * 2];
    for (size_t i = 0; i < COUNT; i++)
        pieces[i] = (struct reach_piece){.address = child.pages + i % 7 * 2000, .size = 2};
    uint64_t unreadable = leak_memory_read(pieces, COUNT, out, &child.memory);
    uint64_t expected = 0;
    for (size_t i = 0; i < COUNT; i++) {
        check_bytes(&out[i * 2], i % 7 * 2000, 2);
        expected += i % 7 * 2000 / PAGE == 2 ? 2 : 0;
    }
    assert_true(expected > 0);
    assert_int_equal(unreadable, expected);
}

static void nothing_is_read_of_what_is_gone(void **state)
{
    (void)state;
    uint8_t out[100];
    struct reach_piece pieces[] = {{.address = child.pages, .size = 60},
                                   {.address = child.pages + 100, .size = 40}};
    end_child();
    memset(out, 0xff, sizeof out);
    assert_int_equal(leak_memory_read(pieces, 2, out, &child.memory), 100);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0);
}

struct runs {
    uint64_t start, end;
    size_t count;
    uint64_t bytes;
};

static void count_run(uint64_t start, uint64_t end, void *data)
{
    struct runs *runs = data;
    assert_true(start < end);
    if (!runs->count)
        runs->start = start;
    runs->end = end;
    runs->count++;
    runs->bytes += end - start;
}

static void untouched_memory_is_left_out(void **state)
{
    (void)state;
    struct runs runs = {0};
    leak_memory_touched(child.huge + 8, child.huge + HUGE_SIZE, count_run, &runs, &child.memory);
    assert_int_equal(runs.count, 1);
    assert_int_equal(runs.start, child.huge + HUGE_SIZE / 2);
    assert_int_equal(runs.bytes, PAGE);
    /* Runs are cut to what was asked for. */
    runs = (struct runs){0};
    leak_memory_touched(child.pages + 100, child.pages + PAGE + 100, count_run, &runs,
                        &child.memory);
    assert_int_equal(runs.start, child.pages + 100);
    assert_int_equal(runs.end, child.pages + PAGE + 100);
    assert_int_equal(runs.bytes, PAGE);
}

static void memory_of_nobody_is_left_out(void **state)
{
    (void)state;
    struct runs runs = {0};
    leak_memory_touched(0x1000, 0x2000, count_run, &runs, &child.memory);
    assert_int_equal(runs.count, 0);
    leak_memory_touched(UINT64_MAX - 0x10000, UINT64_MAX, count_run, &runs, &child.memory);
    assert_int_equal(runs.count, 0);
}

/* A file's pages, too, that nobody has looked at yet. */
static void code_counts_as_touched(void **state)
{
    (void)state;
    const struct proc_mapping *code =
        proc_maps_find(&child.maps, (uint64_t)(uintptr_t)&leak_memory_read);
    assert_non_null(code);
    struct runs runs = {0};
    leak_memory_touched(code->start, code->end, count_run, &runs, &child.memory);
    assert_int_equal(runs.bytes, code->end - code->start);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(pages_that_cannot_be_read_are_zero),
        TEST(file_of_memory_serves_too),
        TEST(many_pieces_are_read_in_their_order),
        TEST(nothing_is_read_of_what_is_gone),
        TEST(untouched_memory_is_left_out),
        TEST(memory_of_nobody_is_left_out),
        TEST(code_counts_as_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
