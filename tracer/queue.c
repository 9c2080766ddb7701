/* SPDX-License-Identifier: MIT */
#include "tracer/queue.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Each item begins with its size in bytes, header included; a size with this bit is a filler up to
 * the end of the ring, so that no item is split. */
#define FILLER (UINT64_C(1) << 63)
#define HEADER sizeof(uint64_t)
#define FIRST_NAP_NS 50000

struct queue {
    char *ring;
    size_t size;
    /* Positions count bytes for ever; the ring's index is the position modulo its size. */
    _Alignas(64) _Atomic uint64_t written; /* by the producer */
    uint64_t reserved_at;
    uint64_t read_seen; /* the producer's last look at read */
    uint64_t full;
    bool (*give_up)(void *data);
    void *give_up_data;
    _Alignas(64) _Atomic uint64_t read; /* by the consumer */
    long nap_ns;
    _Alignas(64) _Atomic uint32_t bell; /* futex word: counts queue_wake() */
};

struct error *queue_create(size_t size, struct queue **out)
{
    struct queue *queue = aligned_alloc(64, sizeof *queue);
    if (!queue)
        return error_no_memory();
    *queue = (struct queue){.size = size, .nap_ns = FIRST_NAP_NS};
    queue->ring = aligned_alloc(64, size);
    if (!queue->ring) {
        free(queue);
        return error_no_memory();
    }
    /* Touched now, so that no page of it is first met while a tracee waits. */
    memset(queue->ring, 0, size);
    *out = queue;
    return NULL;
}

void queue_destroy(struct queue *queue)
{
    if (!queue)
        return;
    free(queue->ring);
    free(queue);
}

static void sleep_ns(long ns)
{
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    nanosleep(&time, NULL);
}

void queue_set_give_up(struct queue *queue, bool (*give_up)(void *data), void *data)
{
    queue->give_up = give_up;
    queue->give_up_data = data;
}

static bool wait_for_room(struct queue *queue, uint64_t end)
{
    if (end - queue->read_seen <= queue->size)
        return true;
    queue->read_seen = atomic_load_explicit(&queue->read, memory_order_acquire);
    if (end - queue->read_seen <= queue->size)
        return true;
    queue->full++;
    queue_wake(queue);
    do {
        if (queue->give_up && queue->give_up(queue->give_up_data))
            return false;
        sleep_ns(FIRST_NAP_NS);
        queue->read_seen = atomic_load_explicit(&queue->read, memory_order_acquire);
    } while (end - queue->read_seen > queue->size);
    return true;
}

void *queue_reserve(struct queue *queue, size_t size)
{
    uint64_t at = atomic_load_explicit(&queue->written, memory_order_relaxed);
    size_t need = HEADER + ((size + 7) & ~(size_t)7);
    size_t to_end = queue->size - (at & (queue->size - 1));
    if (need > to_end) {
        if (!wait_for_room(queue, at + to_end))
            return NULL;
        *(uint64_t *)(queue->ring + (at & (queue->size - 1))) = FILLER | to_end;
        at += to_end;
        atomic_store_explicit(&queue->written, at, memory_order_release);
    }
    if (!wait_for_room(queue, at + need))
        return NULL;
    queue->reserved_at = at;
    return queue->ring + (at & (queue->size - 1)) + HEADER;
}

void queue_publish(struct queue *queue, size_t used)
{
    uint64_t need = HEADER + ((used + 7) & ~(size_t)7);
    *(uint64_t *)(queue->ring + (queue->reserved_at & (queue->size - 1))) = need;
    atomic_store_explicit(&queue->written, queue->reserved_at + need, memory_order_release);
}

void queue_wake(struct queue *queue)
{
    atomic_fetch_add_explicit(&queue->bell, 1, memory_order_release);
    syscall(SYS_futex, &queue->bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

uint64_t queue_full_count(const struct queue *queue)
{
    return queue->full;
}

void *queue_peek(struct queue *queue, size_t *size)
{
    for (;;) {
        uint64_t at = atomic_load_explicit(&queue->read, memory_order_relaxed);
        if (at == atomic_load_explicit(&queue->written, memory_order_acquire))
            return NULL;
        char *item = queue->ring + (at & (queue->size - 1));
        uint64_t need = *(uint64_t *)item;
        if (!(need & FILLER)) {
            *size = need - HEADER;
            return item + HEADER;
        }
        atomic_store_explicit(&queue->read, at + (need & ~FILLER), memory_order_release);
    }
}

void queue_pop(struct queue *queue)
{
    uint64_t at = atomic_load_explicit(&queue->read, memory_order_relaxed);
    uint64_t need = *(uint64_t *)(queue->ring + (at & (queue->size - 1)));
    atomic_store_explicit(&queue->read, at + need, memory_order_release);
    queue->nap_ns = FIRST_NAP_NS;
}

void queue_nap(struct queue *queue, long max_ns)
{
    uint32_t bell = atomic_load_explicit(&queue->bell, memory_order_acquire);
    if (atomic_load_explicit(&queue->read, memory_order_relaxed) !=
        atomic_load_explicit(&queue->written, memory_order_acquire))
        return;
    struct timespec time = {.tv_sec = queue->nap_ns / 1000000000,
                            .tv_nsec = queue->nap_ns % 1000000000};
    syscall(SYS_futex, &queue->bell, FUTEX_WAIT_PRIVATE, bell, &time, NULL, 0);
    queue->nap_ns = queue->nap_ns * 2 < max_ns ? queue->nap_ns * 2 : max_ns;
}
