/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/roots_ended.h"

#include "tracer/leaks/touched.h"
#include "tracer/ptrace_io.h"

#define WORD sizeof(uint64_t)
#define PIECE_WORDS 4096U
/* Of a descriptor: the least that the C libraries align it to, and its third word is the last that
 * is looked at. */
#define ALIGNMENT_WORDS 2U
#define SELF_WORD 2U

struct search {
    const struct roots_notes *notes;
    pid_t pid;
    const struct proc_mapping *guard, *mapping;
    struct roots_place *place;
    uint64_t found;
};

static bool is_noted(const struct roots_notes *notes, uint64_t descriptor)
{
    for (size_t i = 0; i < notes->thread_count; i++) {
        if (notes->threads[i].thread_pointer == descriptor)
            return true;
    }
    return false;
}

static void try_descriptor(struct search *search, uint64_t address)
{
    roots_place(search->notes, search->pid, address, search->place);
    const struct area *stack = &search->place->stack;
    if (stack->end && stack->start >= search->guard->start &&
        stack->start < search->mapping->start && stack->end <= search->mapping->end &&
        !is_noted(search->notes, address))
        search->found = address;
}

static void look_at_run(uint64_t start, uint64_t end, void *data)
{
    struct search *search = data;
    uint64_t words[PIECE_WORDS + SELF_WORD];
    for (uint64_t at = start; at < end && !search->found; at += PIECE_WORDS * WORD) {
        size_t size = end - at < sizeof words ? (size_t)(end - at) : sizeof words;
        size_t count = mem_read(search->pid, at, words, size) / WORD;
        for (size_t i = 0; i + SELF_WORD < count && !search->found; i += ALIGNMENT_WORDS) {
            uint64_t address = at + i * WORD;
            if (words[i] == address && words[i + SELF_WORD] == address)
                try_descriptor(search, address);
        }
    }
}

uint64_t roots_ended_find(const struct roots_notes *notes, pid_t pid, int pagemap, size_t mapping,
                          struct roots_place *place)
{
    struct search search = {
        .notes = notes,
        .pid = pid,
        .mapping = &notes->maps.mappings[mapping],
        .place = place,
    };
    /* Any could be that of a thread whose descriptor is not known. */
    if (mapping == 0 || is_noted(notes, 0) || search.mapping->inode)
        return 0;
    search.guard = search.mapping - 1;
    if (search.guard->readable || search.guard->writable || search.guard->inode ||
        search.guard->end != search.mapping->start)
        return 0;
    touched_runs(pagemap, search.mapping->start, search.mapping->end, TOUCHED_PRIVATE, look_at_run,
                 &search);
    return search.found;
}
