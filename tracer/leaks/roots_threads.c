/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/roots_threads.h"

#include "tracer/ptrace_io.h"

#define PAGE 4096U
#define WORD sizeof(uint64_t)

/* No library's descriptor is longer. */
#define DESCRIPTOR_WORDS (PAGE / WORD)
/* And none of a thread with a stack of its own is shorter. */
#define DESCRIPTOR_LEAST 128U
/* A vector with more modules is none. */
#define VECTOR_MAX 65536U

struct descriptor {
    uint64_t address;
    const struct proc_mapping *mapping;
    uint64_t words[DESCRIPTOR_WORDS];
    size_t count;
};

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static bool read_descriptor(const struct roots_notes *notes, pid_t pid,
                            struct descriptor *descriptor)
{
    descriptor->mapping = proc_maps_find(&notes->maps, descriptor->address);
    if (descriptor->address % WORD || !descriptor->mapping || !descriptor->mapping->writable)
        return false;
    uint64_t room = descriptor->mapping->end - descriptor->address;
    size_t got = mem_read(pid, descriptor->address, descriptor->words,
                          smaller(room, sizeof descriptor->words));
    descriptor->count = got / WORD;
    return descriptor->count > 4;
}

/* musl links all threads in a ring where glibc has flags; old versions of musl have zeros. */
static bool is_glibc(const struct roots_notes *notes, const struct descriptor *descriptor)
{
    return descriptor->words[2] == descriptor->address &&
           !proc_maps_find(&notes->maps, descriptor->words[3]);
}

/* glibc has "stackblock, stackblock_size, guardsize" (nptl/descr.h): the descriptor is the block's
 * upper end. */
static void find_glibc_stack(const struct descriptor *descriptor, struct area *stack)
{
    for (size_t i = 4; i + 2 < descriptor->count; i++) {
        uint64_t start = descriptor->words[i];
        uint64_t size = descriptor->words[i + 1];
        uint64_t end = start + size;
        if (start && start < descriptor->address && size >= PAGE && end > start &&
            end >= descriptor->address + DESCRIPTOR_LEAST &&
            end - descriptor->address <= sizeof descriptor->words &&
            descriptor->words[i + 2] < size) {
            *stack = (struct area){start, end};
            return;
        }
    }
}

/* musl has "map_base, map_size, stack, stack_size" (src/internal/pthread_impl.h): stack is where
 * the stack ends and, in the same mapping, the variables begin. */
static void find_musl_stack(const struct descriptor *descriptor, struct roots_place *place)
{
    uint64_t address = descriptor->address;
    for (size_t i = 4; i + 3 < descriptor->count; i++) {
        uint64_t base = descriptor->words[i];
        uint64_t size = descriptor->words[i + 1];
        uint64_t stack = descriptor->words[i + 2];
        uint64_t stack_size = descriptor->words[i + 3];
        if (!base || base % PAGE || size % PAGE || base >= address || size <= address - base ||
            base + size < base || stack_size < WORD || stack_size >= stack)
            continue;
        bool together = stack > base && stack <= address;
        place->stack = (struct area){stack - stack_size, together ? base + size : stack};
        place->tls = (struct area){together ? stack : base, base + size};
        return;
    }
}

static void find_glibc_vector(const struct descriptor *descriptor, pid_t pid, struct area *vector)
{
    uint64_t count;
    uint64_t address = descriptor->words[1];
    /* An element is two words; before the one pointed to is one with the length. */
    if (address % WORD == 0 && address > 2 * WORD &&
        mem_read(pid, address - 2 * WORD, &count, WORD) == WORD && count && count <= VECTOR_MAX)
        *vector = (struct area){address - 2 * WORD, address + (count + 1) * 2 * WORD};
}

static void find_musl_vector(const struct descriptor *descriptor, pid_t pid, struct area *vector)
{
    uint64_t count;
    uint64_t address = descriptor->words[1];
    if (address % WORD == 0 && mem_read(pid, address, &count, WORD) == WORD && count &&
        count <= VECTOR_MAX)
        *vector = (struct area){address, address + (count + 1) * WORD};
}

/* The lowest address of a module's variables that lie together with the descriptor. */
static uint64_t lowest_variables(const struct area *vector, pid_t pid, struct area within)
{
    uint64_t words[1024];
    uint64_t lowest = within.end;
    size_t got =
        mem_read(pid, vector->start, words, smaller(vector->end - vector->start, sizeof words)) /
        WORD;
    for (size_t i = 0; i < got; i++) {
        if (words[i] >= within.start && words[i] < lowest)
            lowest = words[i];
    }
    return lowest;
}

void roots_place(const struct roots_notes *notes, pid_t pid, uint64_t thread_pointer,
                 struct roots_place *place)
{
    struct descriptor descriptor = {.address = thread_pointer};
    *place = (struct roots_place){0};
    if (!read_descriptor(notes, pid, &descriptor))
        return;
    const struct proc_mapping *mapping = descriptor.mapping;
    struct area below = {mapping->start, thread_pointer};
    if (notes->tls_sizes < thread_pointer - mapping->start)
        below.start = thread_pointer - notes->tls_sizes;
    place->tls =
        (struct area){below.start, smaller(thread_pointer + sizeof descriptor.words, mapping->end)};
    if (descriptor.words[0] != thread_pointer)
        return;
    place->described = true;
    if (is_glibc(notes, &descriptor)) {
        find_glibc_vector(&descriptor, pid, &place->vector);
        find_glibc_stack(&descriptor, &place->stack);
        if (place->stack.end)
            place->tls.end = place->stack.end;
    } else {
        find_musl_vector(&descriptor, pid, &place->vector);
        find_musl_stack(&descriptor, place);
    }
    uint64_t lowest = lowest_variables(&place->vector, pid, below);
    if (lowest < thread_pointer)
        place->tls.start = larger(place->tls.start, lowest);
}
