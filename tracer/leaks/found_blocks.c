/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/found_blocks.h"

#include "tracer/leaks/glibc_view.h"
#include "tracer/module.h"
#include "tracer/session.h"

#define BATCH 4096

struct finding {
    struct session *session;
    uint32_t process;
    struct recorder_found blocks[BATCH];
    size_t count;
};

static void flush(struct finding *finding)
{
    recorder_found(finding->session->recorder, finding->process, finding->blocks, finding->count);
    finding->session->counters.found_blocks += finding->count;
    finding->count = 0;
}

static bool take_block(uint64_t block, uint64_t usable, void *data)
{
    struct finding *finding = data;
    finding->blocks[finding->count++] = (struct recorder_found){.address = block, .size = usable};
    if (finding->count == BATCH)
        flush(finding);
    return true;
}

static struct error *find_all(struct finding *finding, const struct glibc_view *view)
{
    struct glibc_heaps heaps;
    struct error *error = glibc_heaps_find(&view->process, &heaps);
    if (error)
        return error;
    error = glibc_heaps_walk(&view->process, &heaps, take_block, finding);
    flush(finding);
    if (!error && *heaps.problem)
        session_warn(finding->session, "not all blocks that process %d had before are known: %s",
                     (int)view->pid, heaps.problem);
    glibc_heaps_deinit(&heaps);
    return error;
}

static bool gives_blocks(const struct module *module)
{
    for (size_t i = 0; i < module->function_count; i++) {
        const struct allocator_function *function = module->functions[i].function;
        if (function->kind < ALLOCATOR_MMAP && !function->wrapper)
            return true;
    }
    return false;
}

/* An allocator whose blocks from before are not known, or NULL. glibc's dynamic linker has had one
 * of its own, for itself until the program starts. */
static const struct module *other_allocator(const struct space *space)
{
    const struct module *other = NULL;
    bool glibc = false;
    for (size_t i = 0; i < space->module_count; i++)
        glibc = glibc || space->modules[i].module->glibc_heap;
    for (size_t i = 0; i < space->module_count; i++) {
        const struct module *module = space->modules[i].module;
        bool linker = glibc && module->linker_breakpoint;
        if (!other && !module->glibc_heap && !linker && gives_blocks(module))
            other = module;
    }
    return other;
}

void found_blocks(struct session *session, const struct space *space)
{
    struct roots_notes notes;
    struct glibc_view view;
    struct finding finding = {.session = session, .process = space->id};
    uint64_t begin = recorder_now(session->recorder);
    struct error *error = roots_note(session, space, NULL, &notes);
    if (!error) {
        error = glibc_view_init(&view, &notes, notes.pid);
        if (!error) {
            error = find_all(&finding, &view);
            glibc_view_deinit(&view);
        }
        roots_notes_deinit(&notes);
    }
    session->counters.found_us = (recorder_now(session->recorder) - begin) / 1000;
    if (error && error->code != ERROR_GONE)
        session_warn(session, "the blocks that process %d had before are not known: %s",
                     (int)space->pid, error->message);
    const struct module *other = other_allocator(space);
    if (!error && other)
        session_warn(session,
                     "the blocks that process %d had of the allocator in %s before are not known: "
                     "only glibc's heaps can be walked",
                     (int)space->pid, other->path);
    error_free(error);
}
