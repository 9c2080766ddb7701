/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tracer/leaks/roots.h"
#include "tracer/ptrace_io.h"
#include "tracer/session.h"

/* No address of a program's is lower or higher (five-level page tables). */
#define LOWEST_ADDRESS 4096U
#define ADDRESS_END (UINT64_C(1) << 56)

/* glibc keeps room for libraries that come later (elf/dl-tls.c, TLS_STATIC_SURPLUS), and the
 * kernel's rseq area there. */
#define STATIC_TLS_SURPLUS 8192U

struct noting {
    struct roots_notes *notes;
    const struct space_module *mapped;
    uint32_t thread;
    size_t register_capacity, data_capacity;
    bool failed; /* out of memory */
};

static void *next_place(struct noting *noting, void **array, size_t *count, size_t *capacity,
                        size_t element)
{
    if (*count == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 64;
        void *grown = realloc(*array, larger * element);
        if (!grown) {
            noting->failed = true;
            return NULL;
        }
        *array = grown;
        *capacity = larger;
    }
    return (char *)*array + (*count)++ * element;
}

static void note_register(const char *name, uint64_t value, void *data)
{
    struct noting *noting = data;
    struct roots_notes *notes = noting->notes;
    if (value < LOWEST_ADDRESS || value >= ADDRESS_END)
        return;
    struct reach_register *noted =
        next_place(noting, (void **)&notes->registers, &notes->register_count,
                   &noting->register_capacity, sizeof *noted);
    if (noted)
        *noted = (struct reach_register){.value = value, .thread = noting->thread, .name = name};
}

/* Of a thread that cannot be asked, for it is ending, or in vfork(2): where its descriptor is, if
 * its stack was ever looked at (stack_range.h). */
static uint64_t remembered_thread_pointer(const struct tracee *tracee)
{
    for (size_t i = 0; i < TRACEE_STACK_RANGES; i++) {
        const struct stack_range *range = &tracee->ranges[i];
        if (range->own && range->end != tracee->space->initial_sp)
            return range->end;
    }
    return 0;
}

static void note_thread(struct noting *noting, const struct tracee *tracee, bool at_entry)
{
    struct roots_thread *thread = &noting->notes->threads[noting->notes->thread_count];
    struct arch_registers registers;
    thread->thread = tracee->thread;
    bool readable = pt_get_registers(tracee->tid, &registers) == 0;
    /* It has ended by itself, and the rest of the process can know it already. */
    if (!readable && tracee->exiting)
        return;
    noting->notes->thread_count++;
    if (!readable) {
        thread->thread_pointer = remembered_thread_pointer(tracee);
        return;
    }
    noting->notes->pid = tracee->tid;
    thread->sp = arch_sp(&registers);
    thread->thread_pointer = arch_thread_pointer(&registers);
    thread->at_entry = at_entry;
    noting->thread = tracee->thread;
    if (at_entry) {
        arch_preserved_words(&registers, note_register, noting);
        return;
    }
    arch_general_words(&registers, note_register, noting);
    uint64_t state[ARCH_EXTENDED_MAX / sizeof(uint64_t)];
    size_t size;
    if (!pt_get_extended(tracee->tid, state, &size))
        arch_extended_words(state, size, note_register, noting);
}

static struct error *note_threads(struct noting *noting, const struct session *session,
                                  const struct space *space, const struct tracee *at_entry)
{
    struct roots_notes *notes = noting->notes;
    size_t count = tracee_count(session->tracees);
    notes->threads = calloc(count ? count : 1, sizeof *notes->threads);
    if (!notes->threads)
        return error_no_memory();
    for (const struct tracee *tracee = tracee_next(session->tracees, NULL); tracee;
         tracee = tracee_next(session->tracees, tracee)) {
        if (tracee->space != space)
            continue;
        note_thread(noting, tracee, tracee == at_entry);
        if (!notes->pid)
            notes->pid = tracee->tid;
    }
    return noting->failed ? error_no_memory() : NULL;
}

static void note_segment(uint64_t start, uint64_t end, void *data)
{
    struct noting *noting = data;
    struct roots_notes *notes = noting->notes;
    const struct space_module *mapped = noting->mapped;
    uint64_t bias = mapped->bias;
    if (start + bias >= end + bias || end + bias > ADDRESS_END)
        return;
    struct roots_data *noted = next_place(noting, (void **)&notes->data, &notes->data_count,
                                          &noting->data_capacity, sizeof *noted);
    if (noted)
        *noted = (struct roots_data){
            .start = start + bias, .end = end + bias, .module = mapped->module->id, .bias = bias};
}

static struct error *note_modules(struct noting *noting, const struct space *space)
{
    for (size_t i = 0; i < space->module_count; i++) {
        noting->mapped = &space->modules[i];
        const struct elf_file *elf = noting->mapped->module->elf;
        if (!elf)
            continue;
        elf_file_writable(elf, note_segment, noting);
        uint64_t size = elf_file_tls_size(elf);
        noting->notes->tls_sizes += size;
        if (noting->notes->tls_largest < size)
            noting->notes->tls_largest = size;
    }
    noting->notes->tls_sizes += STATIC_TLS_SURPLUS;
    return noting->failed ? error_no_memory() : NULL;
}

struct error *roots_note(struct session *session, const struct space *space,
                         const struct tracee *at_entry, struct roots_notes *notes)
{
    *notes = (struct roots_notes){.initial_sp = space->initial_sp};
    struct noting noting = {.notes = notes};
    notes->own.complete = space->own.complete;
    bool copied = areas_copy(&space->own.areas, &notes->own.areas) && !notes->own.areas.failed;
    struct error *error =
        copied ? note_threads(&noting, session, space, at_entry) : error_no_memory();
    if (!error)
        error = note_modules(&noting, space);
    if (!error)
        error = proc_maps_read(notes->pid, &notes->maps);
    if (error)
        roots_notes_deinit(notes);
    return error;
}

void roots_notes_deinit(struct roots_notes *notes)
{
    free(notes->threads);
    free(notes->registers);
    free(notes->data);
    areas_deinit(&notes->own.areas);
    proc_maps_deinit(&notes->maps);
    *notes = (struct roots_notes){0};
}
