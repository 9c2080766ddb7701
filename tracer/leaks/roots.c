/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/roots.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/arch.h"
#include "tracer/glibc_chunk.h"
#include "tracer/leaks/areas.h"
#include "tracer/leaks/glibc_view.h"
#include "tracer/leaks/roots_ended.h"
#include "tracer/leaks/roots_threads.h"
#include "tracer/leaks/touched.h"
#include "tracer/ptrace_io.h"

/* A thread, and what it shares with others of the same thread pointer (a vfork's child, say). */
struct thread {
    struct roots_thread noted;
    struct roots_place place;
    bool first;   /* of those with this thread pointer */
    bool is_home; /* on its own stack */
};

struct finder {
    const struct roots_notes *notes;
    pid_t pid;
    unsigned kinds;
    const struct live_block *blocks;
    size_t block_count;
    int pagemap, shared_pagemap;
    struct thread *threads; /* by thread pointer */
    size_t thread_count;
    struct glibc_heaps heaps;
    struct areas stacks; /* of threads that were found, whole */
    struct areas taken;  /* what is a root of a kind, or none, so far */
    struct roots *roots;
    size_t range_capacity, register_capacity, constant_capacity;
    bool failed; /* out of memory */
    /* What is being put. */
    const struct proc_mapping *mapping;
    enum log_root_kind kind;
    uint32_t thread;
};

/* ---- Results ---- */

static bool make_room(struct finder *finder, void **array, size_t count, size_t *capacity,
                      size_t element)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*array, larger * element);
    if (!grown) {
        finder->failed = true;
        return false;
    }
    *array = grown;
    *capacity = larger;
    return true;
}

static void put_pages(uint64_t start, uint64_t end, void *data)
{
    struct finder *finder = data;
    struct roots *roots = finder->roots;
    if (make_room(finder, (void **)&roots->ranges, roots->range_count, &finder->range_capacity,
                  sizeof *roots->ranges))
        roots->ranges[roots->range_count++] = (struct reach_range){
            .start = start, .end = end, .kind = finder->kind, .thread = finder->thread};
}

static void put_gap(uint64_t start, uint64_t end, void *data)
{
    struct finder *finder = data;
    if (finder->mapping->shared)
        touched_runs(finder->shared_pagemap, start, end, TOUCHED_SHARED, put_pages, finder);
    else
        touched_runs(finder->pagemap, start, end, TOUCHED_PRIVATE, put_pages, finder);
}

/* Puts what of the range is mapped and not taken, and then takes it. */
static void put_range(struct finder *finder, uint64_t start, uint64_t end, enum log_root_kind kind,
                      uint32_t thread)
{
    const struct proc_maps *maps = &finder->notes->maps;
    finder->kind = kind;
    finder->thread = thread;
    for (size_t i = proc_maps_from(maps, start); i < maps->count && maps->mappings[i].start < end;
         i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        if (!mapping->readable || !(finder->kinds & 1U << kind))
            continue;
        finder->mapping = mapping;
        areas_gaps(&finder->taken, start > mapping->start ? start : mapping->start,
                   end < mapping->end ? end : mapping->end, put_gap, finder);
    }
    areas_add(&finder->taken, start, end);
}

static void put_register(struct finder *finder, const struct reach_register *value)
{
    struct roots *roots = finder->roots;
    if (make_room(finder, (void **)&roots->registers, roots->register_count,
                  &finder->register_capacity, sizeof *roots->registers))
        roots->registers[roots->register_count++] = *value;
}

/* ---- Blocks ---- */

/* Index of the first block that begins at address or above it. */
static size_t block_from(const struct finder *finder, uint64_t address)
{
    size_t low = 0, high = finder->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (finder->blocks[middle].address >= address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The lower of end and the beginning of the first block above address. */
static uint64_t until_block(const struct finder *finder, uint64_t address, uint64_t end)
{
    size_t above = block_from(finder, address + 1);
    return above < finder->block_count && finder->blocks[above].address < end
               ? finder->blocks[above].address
               : end;
}

/* The innermost block that address is in, or NULL. Of blocks within each other few are passed. */
static const struct live_block *block_around(const struct finder *finder, uint64_t address)
{
    size_t index = block_from(finder, address + 1);
    for (int tries = 0; index-- > 0 && tries < 8; tries++) {
        const struct live_block *block = &finder->blocks[index];
        if (address - block->address < block->size)
            return block;
    }
    return NULL;
}

/* The block that address leads into the middle of is reached by the thread. */
static void put_holder(struct finder *finder, uint64_t address, uint32_t thread, const char *name)
{
    const struct live_block *block = block_around(finder, address);
    if (block)
        put_register(finder, &(struct reach_register){
                                 .value = block->address, .thread = thread, .name = name});
}

static void take_all(struct finder *finder, const struct areas *areas)
{
    for (size_t i = 0; i < areas->count; i++)
        areas_add(&finder->taken, areas->list[i].start, areas->list[i].end);
}

/* ---- Threads ---- */

static int compare_threads(const void *one, const void *other)
{
    const struct thread *left = one;
    const struct thread *right = other;
    if (left->noted.thread_pointer != right->noted.thread_pointer)
        return left->noted.thread_pointer < right->noted.thread_pointer ? -1 : 1;
    return left->noted.thread < right->noted.thread ? -1 : 1;
}

static bool is_in(const struct area *area, uint64_t address)
{
    return address >= area->start && address < area->end;
}

/* The stack that the kernel has made for the program. */
static struct area initial_stack(const struct roots_notes *notes)
{
    const struct proc_mapping *mapping =
        notes->initial_sp ? proc_maps_find(&notes->maps, notes->initial_sp - 1) : NULL;
    for (size_t i = 0; !mapping && i < notes->maps.count; i++) {
        if (strcmp(notes->maps.mappings[i].path, "[stack]") == 0)
            mapping = &notes->maps.mappings[i];
    }
    return mapping ? (struct area){mapping->start, mapping->end} : (struct area){0};
}

static void place_threads(struct finder *finder)
{
    struct area initial = initial_stack(finder->notes);
    for (size_t i = 0; i < finder->thread_count; i++) {
        struct thread *thread = &finder->threads[i];
        const struct thread *before = i ? thread - 1 : NULL;
        thread->first = !before || before->noted.thread_pointer != thread->noted.thread_pointer;
        if (thread->first)
            roots_place(finder->notes, finder->pid, thread->noted.thread_pointer, &thread->place);
        else
            thread->place = before->place;
        struct area *stack = &thread->place.stack;
        if (!stack->end && (thread->place.described || is_in(&initial, thread->noted.sp)))
            *stack = initial;
        thread->is_home = is_in(stack, thread->noted.sp);
        areas_add(&finder->stacks, stack->start, stack->end);
    }
}

/* Variables of a module that was loaded late: in a block of their own or, where the library has
 * taken that from its allocator in a way that is not traced, as musl does, in memory like it. */
static void put_late_variables(struct finder *finder, uint64_t address, uint32_t thread)
{
    const struct live_block *block = block_around(finder, address);
    const struct proc_mapping *mapping = proc_maps_find(&finder->notes->maps, address);
    if (block && block->address != address) {
        put_register(finder, &(struct reach_register){.value = block->address,
                                                      .thread = thread,
                                                      .name = ARCH_THREAD_POINTER_NAME});
    } else if (!block && mapping && mapping->writable && !mapping->shared &&
               !areas_find(&finder->taken, address)) {
        uint64_t end = mapping->end;
        if (finder->notes->tls_largest < end - address)
            end = address + finder->notes->tls_largest;
        put_range(finder, address, until_block(finder, address, end), LOG_ROOT_TLS, thread);
    }
}

#define VECTOR_PIECE 512

static void follow_vector(struct finder *finder, const struct area *vector, uint32_t thread)
{
    uint64_t words[VECTOR_PIECE];
    uint64_t at = vector->start;
    while (at < vector->end) {
        size_t size = vector->end - at < sizeof words ? vector->end - at : sizeof words;
        size_t count = mem_read(finder->pid, at, words, size) / sizeof *words;
        for (size_t i = 0; i < count; i++)
            put_late_variables(finder, words[i], thread);
        if (!count)
            return;
        at += count * sizeof *words;
    }
}

/* A vector of thread-local storage leads to the modules' variables. */
static void put_vector(struct finder *finder, const struct roots_place *place, uint32_t thread)
{
    put_range(finder, place->vector.start, place->vector.end, LOG_ROOT_TLS, thread);
    if (place->vector.end && finder->kinds & 1U << LOG_ROOT_TLS)
        put_holder(finder, place->vector.start, thread, ARCH_THREAD_POINTER_NAME);
}

static void put_tls(struct finder *finder)
{
    for (size_t i = 0; i < finder->thread_count; i++) {
        const struct thread *thread = &finder->threads[i];
        const struct roots_place *place = &thread->place;
        uint32_t id = thread->noted.thread;
        if (!thread->first)
            continue;
        uint64_t start = place->tls.start;
        /* Frames are no variables. */
        if (thread->is_home && thread->noted.sp > start && thread->noted.sp < place->tls.end)
            start = thread->noted.sp;
        const struct live_block *around = block_around(finder, thread->noted.thread_pointer);
        uint64_t end = until_block(finder, thread->noted.thread_pointer, place->tls.end);
        if (around && around->address + around->size < end)
            end = around->address + around->size;
        /* A static program's first thread has its variables just below the heap. */
        uint64_t heap = areas_next(&finder->heaps.areas, thread->noted.thread_pointer);
        if (heap > thread->noted.thread_pointer && heap < end)
            end = heap;
        put_range(finder, start, end, LOG_ROOT_TLS, id);
        put_vector(finder, place, id);
        if (!(finder->kinds & 1U << LOG_ROOT_TLS))
            continue;
        follow_vector(finder, &place->vector, id);
        put_holder(finder, thread->noted.thread_pointer, id, ARCH_THREAD_POINTER_NAME);
    }
}

/* A stack that the program has made: it ends with its block, or before what else is known. */
static uint64_t foreign_end(const struct finder *finder, uint64_t sp)
{
    const struct live_block *block = block_around(finder, sp);
    if (block)
        return block->address + block->size;
    const struct proc_mapping *mapping = proc_maps_find(&finder->notes->maps, sp);
    uint64_t end = mapping ? mapping->end : sp;
    uint64_t next = areas_next(&finder->stacks, sp);
    return until_block(finder, sp, next < end ? next : end);
}

static void put_stack(struct finder *finder, const struct thread *thread, bool anyone_home)
{
    const struct area *own = &thread->place.stack;
    uint64_t sp = thread->noted.sp;
    uint64_t low = sp > ARCH_RED_ZONE && !thread->noted.at_entry ? sp - ARCH_RED_ZONE : sp;
    if (thread->is_home) {
        put_range(finder, low > own->start ? low : own->start, own->end, LOG_ROOT_STACK,
                  thread->noted.thread);
        return;
    }
    if (sp) {
        put_range(finder, low, foreign_end(finder, sp), LOG_ROOT_STACK, thread->noted.thread);
        if (finder->kinds & 1U << LOG_ROOT_STACK)
            put_holder(finder, sp, thread->noted.thread, ARCH_STACK_POINTER_NAME);
    }
    if (!anyone_home)
        put_range(finder, own->start, own->end, LOG_ROOT_STACK, thread->noted.thread);
}

static void put_stacks(struct finder *finder)
{
    for (size_t i = 0, end; i < finder->thread_count; i = end) {
        bool anyone_home = false;
        for (end = i; end < finder->thread_count && (end == i || !finder->threads[end].first);
             end++)
            anyone_home = anyone_home || finder->threads[end].is_home;
        for (size_t k = i; k < end; k++)
            put_stack(finder, &finder->threads[k], anyone_home);
    }
    /* The rest of them is below the stack pointers. */
    take_all(finder, &finder->stacks);
}

/* What an allocator keeps is no pointer of the program's, and free chunks hold old ones. */
static void take_heaps(struct finder *finder)
{
    take_all(finder, &finder->heaps.areas);
    take_all(finder, &finder->heaps.states);
    take_all(finder, &finder->heaps.mapped);
}

static void find_heaps(struct finder *finder)
{
    struct glibc_view view;
    struct error *error = glibc_view_init(&view, finder->notes, finder->pid);
    if (!error) {
        error = glibc_heaps_find(&view.process, &finder->heaps);
        if (!error)
            error = glibc_heaps_walk(&view.process, &finder->heaps, NULL, NULL);
        glibc_view_deinit(&view);
    }
    memcpy(finder->roots->problem, finder->heaps.problem, sizeof finder->roots->problem);
    finder->failed = finder->failed || error;
    error_free(error);
}

/* ---- All else ---- */

/* Blocks are reached by pointers, or they are not. */
static void put_around_blocks(struct finder *finder, uint64_t start, uint64_t end,
                              enum log_root_kind kind)
{
    for (size_t i = block_from(finder, start); i < finder->block_count; i++) {
        const struct live_block *block = &finder->blocks[i];
        if (block->address >= end)
            break;
        areas_add(&finder->taken, block->address, block->address + block->size);
    }
    put_range(finder, start, end, kind, 0);
}

static void put_globals(struct finder *finder)
{
    for (size_t i = 0; i < finder->notes->data_count; i++)
        put_around_blocks(finder, finder->notes->data[i].start, finder->notes->data[i].end,
                          LOG_ROOT_GLOBAL);
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Memory of devices, of which a read may have effects, and of the kernel's clock ([vvar]). */
static bool is_device(const struct proc_mapping *mapping)
{
    const char *path = mapping->path;
    return (starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/") &&
            !starts_with(path, "/dev/zero") && !starts_with(path, "/dev/hugepages/")) ||
           starts_with(path, "anon_inode:") || starts_with(path, "socket:") ||
           starts_with(path, "[vvar");
}

#define PAGE UINT64_C(4096)
#define CHUNK_WORDS 2

/* A block of glibc's with a mapping of its own, which the walk of the heaps may have passed over:
 * then that is taken. */
static bool take_mapped(struct finder *finder, uint64_t block, const struct proc_mapping *mapping)
{
    uint64_t words[CHUNK_WORDS];
    uint64_t chunk = block - sizeof words;
    uint64_t offset = block % PAGE;
    uint64_t usable;
    if (!finder->heaps.arena_count || (offset & (offset - 1)) ||
        mem_read(finder->pid, chunk, words, sizeof words) != sizeof words || (words[1] & 7) != 2 ||
        !glibc_chunk_usable(block, words[1], 0, &usable) || usable > mapping->end - block ||
        words[0] > chunk - mapping->start)
        return false;
    areas_add(&finder->taken, (chunk - words[0]) & ~(PAGE - 1),
              (block + usable + PAGE - 1) & ~(PAGE - 1));
    return true;
}

/* Another allocator has the mapping. */
static bool holds_block(struct finder *finder, const struct proc_mapping *mapping)
{
    for (size_t i = block_from(finder, mapping->start); i < finder->block_count; i++) {
        uint64_t address = finder->blocks[i].address;
        if (address >= mapping->end)
            return false;
        if (!areas_find(&finder->taken, address) && !take_mapped(finder, address, mapping))
            return true;
    }
    return false;
}

/* Of threads that have ended, what glibc keeps. */
static void put_ended(struct finder *finder)
{
    const struct proc_maps *maps = &finder->notes->maps;
    struct roots_ended_list found = {0};
    for (size_t i = 0; i < maps->count; i++) {
        if (!holds_block(finder, &maps->mappings[i]))
            roots_ended_find(finder->notes, finder->pid, finder->pagemap, &finder->taken, i,
                             &found);
    }
    for (size_t i = 0; i < found.count; i++) {
        const struct roots_ended *ended = &found.list[i];
        put_range(finder, ended->descriptor, ended->place.stack.end, LOG_ROOT_TLS, 0);
        put_vector(finder, &ended->place, 0);
        areas_add(&finder->taken, ended->place.stack.start, ended->descriptor);
    }
    finder->failed = finder->failed || found.failed;
    free(found.list);
}

/* What the program has written to and then made read-only is told from a file's own pages by the
 * page tables. */
static bool may_hold_pointers(const struct finder *finder, const struct proc_mapping *mapping)
{
    return mapping->readable &&
           (mapping->writable ||
            (!mapping->shared && !mapping->executable && finder->pagemap >= 0)) &&
           !is_device(mapping);
}

/* Of another allocator's mapping, what the program has mapped by itself. Where there is a block,
 * that was for the allocator after all. */
static void put_own(struct finder *finder, const struct proc_mapping *mapping)
{
    const struct areas *own = &finder->notes->own.areas;
    for (size_t i = 0; i < own->count; i++) {
        struct area area = own->list[i];
        if (area.start >= mapping->end)
            return;
        if (area.end > mapping->start && until_block(finder, area.start - 1, area.end) == area.end)
            put_range(finder, area.start > mapping->start ? area.start : mapping->start,
                      area.end < mapping->end ? area.end : mapping->end, LOG_ROOT_MAPPING, 0);
    }
}

static void put_mappings(struct finder *finder)
{
    const struct proc_maps *maps = &finder->notes->maps;
    for (size_t i = 0; i < maps->count; i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        if (!may_hold_pointers(finder, mapping))
            continue;
        /* Of a process that was attached to, neither all blocks are known nor what it mapped. */
        if (!holds_block(finder, mapping))
            put_range(finder, mapping->start, mapping->end, LOG_ROOT_MAPPING, 0);
        else if (finder->notes->own.complete)
            put_own(finder, mapping);
        else
            put_around_blocks(finder, mapping->start, mapping->end, LOG_ROOT_MAPPING);
    }
}

static void put_constants(struct finder *finder)
{
    const struct proc_maps *maps = &finder->notes->maps;
    struct roots *roots = finder->roots;
    for (size_t i = 0; i < maps->count; i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        if (!mapping->readable || mapping->writable || !mapping->inode || is_device(mapping) ||
            !make_room(finder, (void **)&roots->constants, roots->constant_count,
                       &finder->constant_capacity, sizeof *roots->constants))
            continue;
        roots->constants[roots->constant_count++] = (struct reach_range){
            .start = mapping->start, .end = mapping->end, .kind = LOG_ROOT_GLOBAL};
    }
}

static void find(struct finder *finder)
{
    const struct roots_notes *notes = finder->notes;
    for (size_t i = 0; i < finder->thread_count; i++)
        finder->threads[i].noted = notes->threads[i];
    qsort(finder->threads, finder->thread_count, sizeof *finder->threads, compare_threads);
    find_heaps(finder);
    place_threads(finder);
    if (finder->kinds & 1U << LOG_ROOT_REGISTER) {
        for (size_t i = 0; i < notes->register_count; i++)
            put_register(finder, &notes->registers[i]);
    }
    /* The variables are carved out of stacks and of a static program's data, stacks perhaps out of
     * data. */
    put_tls(finder);
    put_stacks(finder);
    take_heaps(finder);
    put_ended(finder);
    put_globals(finder);
    put_mappings(finder);
    put_constants(finder);
}

struct error *roots_find(const struct roots_notes *notes, pid_t pid, unsigned kinds,
                         const struct live_block *blocks, size_t block_count, struct roots *roots)
{
    *roots = (struct roots){0};
    struct finder finder = {
        .notes = notes,
        .pid = pid,
        .kinds = kinds,
        .blocks = blocks,
        .block_count = block_count,
        .pagemap = touched_open(pid),
        .shared_pagemap = touched_open(notes->pid),
        .threads = calloc(notes->thread_count + 1, sizeof *finder.threads),
        .thread_count = notes->thread_count,
        .roots = roots,
    };
    if (finder.threads)
        find(&finder);
    bool failed = !finder.threads || finder.failed || finder.stacks.failed || finder.taken.failed;
    free(finder.threads);
    glibc_heaps_deinit(&finder.heaps);
    areas_deinit(&finder.stacks);
    areas_deinit(&finder.taken);
    if (finder.pagemap >= 0)
        close(finder.pagemap);
    if (finder.shared_pagemap >= 0)
        close(finder.shared_pagemap);
    if (!failed)
        return NULL;
    roots_deinit(roots);
    return error_no_memory();
}

void roots_deinit(struct roots *roots)
{
    free(roots->ranges);
    free(roots->registers);
    free(roots->constants);
    *roots = (struct roots){0};
}
