/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/roots_ended.h"

#include <stdlib.h>

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
    int pagemap;
    uint64_t low, high; /* of the mapping, with its guard */
    struct roots_ended_list *found;
};

static bool is_noted(const struct roots_notes *notes, uint64_t descriptor)
{
    for (size_t i = 0; i < notes->thread_count; i++) {
        if (notes->threads[i].thread_pointer == descriptor)
            return true;
    }
    return false;
}

static void add(struct roots_ended_list *found, const struct roots_ended *ended)
{
    struct roots_ended *list = realloc(found->list, (found->count + 1) * sizeof *list);
    if (!list) {
        found->failed = true;
        return;
    }
    found->list = list;
    list[found->count++] = *ended;
}

static void try_descriptor(struct search *search, uint64_t address)
{
    struct roots_ended ended = {.descriptor = address};
    roots_place(search->notes, search->pid, address, &ended.place);
    const struct area *stack = &ended.place.stack;
    if (stack->end && stack->start >= search->low && stack->end <= search->high &&
        !is_noted(search->notes, address))
        add(search->found, &ended);
}

static void look_at_run(uint64_t start, uint64_t end, void *data)
{
    struct search *search = data;
    uint64_t words[PIECE_WORDS + SELF_WORD];
    for (uint64_t at = start; at < end; at += PIECE_WORDS * WORD) {
        size_t size = end - at < sizeof words ? (size_t)(end - at) : sizeof words;
        size_t count = mem_read(search->pid, at, words, size) / WORD;
        for (size_t i = 0; i + SELF_WORD < count; i += ALIGNMENT_WORDS) {
            uint64_t address = at + i * WORD;
            if (words[i] == address && words[i + SELF_WORD] == address)
                try_descriptor(search, address);
        }
    }
}

static void look_at_gap(uint64_t start, uint64_t end, void *data)
{
    struct search *search = data;
    touched_runs(search->pagemap, start, end, TOUCHED_PRIVATE, look_at_run, search);
}

void roots_ended_find(const struct roots_notes *notes, pid_t pid, int pagemap,
                      const struct areas *taken, size_t mapping, struct roots_ended_list *found)
{
    const struct proc_mapping *stacks = &notes->maps.mappings[mapping];
    struct search search = {
        .notes = notes,
        .pid = pid,
        .pagemap = pagemap,
        .low = stacks->start,
        .high = stacks->end,
        .found = found,
    };
    /* Any could be that of a thread whose descriptor is not known. */
    if (is_noted(notes, 0) || stacks->inode || stacks->shared || !stacks->writable)
        return;
    const struct proc_mapping *guard = mapping ? stacks - 1 : NULL;
    if (guard && !guard->readable && !guard->writable && !guard->inode &&
        guard->end == stacks->start)
        search.low = guard->start;
    areas_gaps(taken, stacks->start, stacks->end, look_at_gap, &search);
}
