/* SPDX-License-Identifier: MIT */
/*
 * queue.h - the ring of bytes that carries stops from the tracing thread to the recording thread.
 *
 * One producer, one consumer. An item is reserved, filled in place (a stack snapshot is read from
 * the tracee straight into the ring) and then published or dropped. The producer never makes a
 * system call unless the ring is full: the consumer naps and looks again by itself, so that a
 * stop costs no wake-up. A full ring makes the producer, and so the tracee, wait: nothing is lost
 * and memory stays bounded. How long it waits at most is its own affair.
 */
#ifndef ALLOCPTRACE_TRACER_QUEUE_H
#define ALLOCPTRACE_TRACER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/log/error.h"

struct queue;

struct error *queue_create(size_t size, struct queue **queue); /* size: bytes, a power of two */
void queue_destroy(struct queue *queue);

/* What a waiting producer asks again and again, before the first item: whether to wait no longer.
 */
void queue_set_give_up(struct queue *queue, bool (*give_up)(void *data), void *data);

/* Producer. Room for size bytes (8-byte aligned), waiting for it if need be; size is at most half
 * the ring. The room stays the producer's until it calls publish, with the size really used. NULL
 * if the producer is to wait no longer. */
void *queue_reserve(struct queue *queue, size_t size);
void queue_publish(struct queue *queue, size_t used);
/* Wakes a napping consumer, for when the producer is going to wait for it. */
void queue_wake(struct queue *queue);
/* How often queue_reserve() found no room. */
uint64_t queue_full_count(const struct queue *queue);

/* Consumer. The oldest item, or NULL if the ring is empty; it stays valid until queue_pop(). */
void *queue_peek(struct queue *queue, size_t *size);
void queue_pop(struct queue *queue);
/* Sleeps until the ring may have an item, at most for a time that doubles from call to call up to
 * max_ns nanoseconds and starts anew after each item. */
void queue_nap(struct queue *queue, long max_ns);

#endif
