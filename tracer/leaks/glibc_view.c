/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/glibc_view.h"

#include <sys/uio.h>
#include <unistd.h>

#include "tracer/leaks/roots_threads.h"
#include "tracer/leaks/touched.h"
#include "tracer/ptrace_io.h"

static size_t read_memory(uint64_t address, void *out, size_t size, void *data)
{
    const struct glibc_view *view = data;
    return mem_read(view->pid, address, out, size);
}

/* At most; IOV_MAX. */
#define PIECES 1024

static void read_pairs(const uint64_t *addresses, size_t count, uint64_t (*pairs)[2], void *data)
{
    const struct glibc_view *view = data;
    struct iovec pieces[PIECES];
    while (count) {
        size_t wanted = count < PIECES ? count : PIECES;
        size_t bytes;
        for (size_t i = 0; i < wanted; i++)
            pieces[i] = (struct iovec){.iov_base = (void *)addresses[i], /* NOLINT */
                                       .iov_len = sizeof *pairs};
        mem_read_pieces(view->pid, pieces, wanted, pairs, &bytes);
        size_t done = bytes / sizeof *pairs;
        if (done < wanted) {
            pairs[done][0] = pairs[done][1] = 0;
            done++;
        }
        addresses += done;
        pairs += done;
        count -= done;
    }
}

static void visit_touched(uint64_t start, uint64_t end,
                          void (*visit)(uint64_t start, uint64_t end, void *data), void *visit_data,
                          void *data)
{
    const struct glibc_view *view = data;
    touched_runs(view->pagemap, start, end, TOUCHED_PRIVATE, visit, visit_data);
}

static void add_all(struct glibc_view *view, const struct roots_notes *notes)
{
    for (size_t i = 0; i < notes->maps.count; i++) {
        const struct proc_mapping *mapping = &notes->maps.mappings[i];
        if (mapping->readable && mapping->writable && !mapping->shared)
            areas_add(&view->mappings, mapping->start, mapping->end);
    }
    for (size_t i = 0; i < notes->data_count; i++)
        areas_add(&view->data, notes->data[i].start, notes->data[i].end);
    for (size_t i = 0; i < notes->thread_count; i++) {
        const struct roots_thread *thread = &notes->threads[i];
        struct roots_place place;
        roots_place(notes, view->pid, thread->thread_pointer, &place);
        uint64_t start = place.tls.start;
        /* On its stack, what is below the stack pointer is no variable of the thread's. */
        if (thread->sp > start && thread->sp < thread->thread_pointer)
            start = thread->sp;
        if (place.tls.end)
            areas_add(&view->variables, start, thread->thread_pointer);
    }
}

struct error *glibc_view_init(struct glibc_view *view, const struct roots_notes *notes, pid_t pid)
{
    *view = (struct glibc_view){
        .process = {.memory = {.read = read_memory, .read_pairs = read_pairs, .data = view},
                    .data = &view->data,
                    .mappings = &view->mappings,
                    .variables = &view->variables,
                    .touched = visit_touched,
                    .touched_data = view},
        .pid = pid,
        .pagemap = touched_open(pid),
    };
    add_all(view, notes);
    if (!view->data.failed && !view->mappings.failed && !view->variables.failed)
        return NULL;
    glibc_view_deinit(view);
    return error_no_memory();
}

void glibc_view_deinit(struct glibc_view *view)
{
    areas_deinit(&view->data);
    areas_deinit(&view->mappings);
    areas_deinit(&view->variables);
    if (view->pagemap >= 0)
        close(view->pagemap);
    view->pagemap = -1;
}
