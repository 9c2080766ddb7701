/* SPDX-License-Identifier: MIT */
/* The ring between the tracing and the recording thread: nothing lost, nothing torn, in order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tracer/queue.h"

#define RING 4096
#define ITEMS 200000

static void empty_ring_has_no_item(void **state)
{
    (void)state;
    struct queue *queue;
    size_t size;
    assert_null(queue_create(RING, &queue));
    assert_null(queue_peek(queue, &size));
    queue_destroy(queue);
}

static void unpublished_reservation_is_not_seen_and_reused(void **state)
{
    (void)state;
    struct queue *queue;
    size_t size;
    assert_null(queue_create(RING, &queue));
    memset(queue_reserve(queue, 100), 'a', 100);
    assert_null(queue_peek(queue, &size));
    char *item = queue_reserve(queue, 8);
    memcpy(item, "12345678", 8);
    queue_publish(queue, 8);
    char *got = queue_peek(queue, &size);
    assert_non_null(got);
    assert_int_equal(size, 8);
    assert_memory_equal(got, "12345678", 8);
    queue_pop(queue);
    assert_null(queue_peek(queue, &size));
    queue_destroy(queue);
}

static void less_may_be_published_than_reserved(void **state)
{
    (void)state;
    struct queue *queue;
    size_t size;
    assert_null(queue_create(RING, &queue));
    memcpy(queue_reserve(queue, 1000), "first", 6);
    queue_publish(queue, 6);
    memcpy(queue_reserve(queue, 1000), "second", 7);
    queue_publish(queue, 7);
    assert_string_equal(queue_peek(queue, &size), "first");
    queue_pop(queue);
    assert_string_equal(queue_peek(queue, &size), "second");
    queue_destroy(queue);
}

static bool count_down(void *data)
{
    int *times = data;
    return --*times == 0;
}

static void full_ring_is_waited_for_until_the_producer_gives_up(void **state)
{
    (void)state;
    struct queue *queue;
    size_t size;
    int times = 3;
    assert_null(queue_create(RING, &queue));
    queue_set_give_up(queue, count_down, &times);
    memcpy(queue_reserve(queue, RING / 2 - 8), "one", 4);
    queue_publish(queue, RING / 2 - 8);
    memcpy(queue_reserve(queue, RING / 2 - 8), "two", 4);
    queue_publish(queue, RING / 2 - 8);
    assert_int_equal(times, 3);
    assert_null(queue_reserve(queue, 8));
    assert_int_equal(times, 0);
    assert_int_equal(queue_full_count(queue), 1);
    /* What was published stays, and room that comes is given out again. */
    assert_string_equal(queue_peek(queue, &size), "one");
    queue_pop(queue);
    memcpy(queue_reserve(queue, 8), "three", 6);
    queue_publish(queue, 8);
    assert_string_equal(queue_peek(queue, &size), "two");
    queue_pop(queue);
    assert_string_equal(queue_peek(queue, &size), "three");
    queue_destroy(queue);
}

/* Sizes that leave every kind of rest at the ring's end. */
static size_t size_of(uint32_t number)
{
    return 8 + (number * 2654435761U >> 7) % 1200;
}

static void *produce(void *argument)
{
    struct queue *queue = argument;
    for (uint32_t i = 0; i < ITEMS; i++) {
        size_t size = size_of(i);
        uint8_t *item = queue_reserve(queue, size);
        memset(item, (int)(i & 0xff), size);
        memcpy(item, &i, sizeof i);
        queue_publish(queue, size);
    }
    return NULL;
}

static void items_cross_threads_whole_and_in_order(void **state)
{
    (void)state;
    struct queue *queue;
    pthread_t producer;
    assert_null(queue_create(RING, &queue));
    assert_int_equal(pthread_create(&producer, NULL, produce, queue), 0);
    for (uint32_t i = 0; i < ITEMS;) {
        size_t size;
        const uint8_t *item = queue_peek(queue, &size);
        if (!item) {
            queue_nap(queue, 100000);
            continue;
        }
        uint32_t number;
        memcpy(&number, item, sizeof number);
        assert_int_equal(number, i);
        assert_true(size >= size_of(i) && size < size_of(i) + 8);
        assert_int_equal(item[size_of(i) - 1], size_of(i) > 4 ? (i & 0xff) : 0);
        queue_pop(queue);
        i++;
    }
    pthread_join(producer, NULL);
    queue_destroy(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_ring_has_no_item),
        cmocka_unit_test(unpublished_reservation_is_not_seen_and_reused),
        cmocka_unit_test(less_may_be_published_than_reserved),
        cmocka_unit_test(full_ring_is_waited_for_until_the_producer_gives_up),
        cmocka_unit_test(items_cross_threads_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
