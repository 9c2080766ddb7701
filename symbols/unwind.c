/* SPDX-License-Identifier: MIT */
#include "symbols/unwind.h"

#include <stdlib.h>
#include <unistd.h>

#include "symbols/unwind_arch.h"
#include "symbols/unwind_module.h"
#include "symbols/unwind_point.h"
#include "symbols/unwind_space.h"
#include "symbols/unwind_walk.h"

struct known_module {
    uint32_t id;
    struct unwind_module *module;
};

struct unwinder {
    struct unwind_options options;
    struct unwinder_counters counters;
    struct known_module *modules;
    size_t module_count;
    struct unwind_space **spaces;
    size_t space_count;
    struct unwind_space *recent; /* the space asked for last, or NULL */
    struct unwind_points points;
    struct unwind_site **sites; /* what the last result points to */
    size_t site_capacity;
};

/* ---- Life ---- */

struct error *unwinder_create(const struct unwind_options *options, struct unwinder **out)
{
    struct unwinder *unwinder = calloc(1, sizeof *unwinder);
    if (!unwinder)
        return error_no_memory();
    unwinder->options = *options;
    *out = unwinder;
    return NULL;
}

static void destroy_space(struct unwind_space *space)
{
    unwind_space_deinit(space);
    free(space);
}

void unwinder_destroy(struct unwinder *unwinder)
{
    if (!unwinder)
        return;
    for (size_t i = 0; i < unwinder->space_count; i++)
        destroy_space(unwinder->spaces[i]);
    for (size_t i = 0; i < unwinder->module_count; i++)
        unwind_module_destroy(unwinder->modules[i].module);
    unwind_points_deinit(&unwinder->points);
    free(unwinder->spaces);
    free(unwinder->modules);
    free(unwinder->sites);
    free(unwinder);
}

const struct unwinder_counters *unwinder_counters(const struct unwinder *unwinder)
{
    return &unwinder->counters;
}

/* ---- Modules and address spaces ---- */

static struct unwind_module *find_module(const struct unwinder *unwinder, uint32_t id)
{
    for (size_t i = 0; i < unwinder->module_count; i++) {
        if (unwinder->modules[i].id == id)
            return unwinder->modules[i].module;
    }
    return NULL;
}

struct error *unwinder_add_module(struct unwinder *unwinder, uint32_t id, int fd, const char *path)
{
    if (id == 0 || find_module(unwinder, id)) {
        close(fd);
        return error_format(ERROR_USAGE, "%s: module %u cannot be added", path, id);
    }
    struct known_module *modules =
        realloc(unwinder->modules, (unwinder->module_count + 1) * sizeof *modules);
    if (!modules) {
        close(fd);
        return error_no_memory();
    }
    unwinder->modules = modules;
    struct known_module *known = &modules[unwinder->module_count];
    struct error *error = unwind_module_create(fd, path, &known->module);
    if (error)
        return error;
    known->id = id;
    unwinder->module_count++;
    return NULL;
}

static struct unwind_space *find_space(struct unwinder *unwinder, uint32_t id)
{
    if (unwinder->recent && unwinder->recent->id == id)
        return unwinder->recent;
    for (size_t i = 0; i < unwinder->space_count; i++) {
        if (unwinder->spaces[i]->id == id)
            return unwinder->recent = unwinder->spaces[i];
    }
    return NULL;
}

/* The space of this id, made if there is none; NULL if memory runs out. */
static struct unwind_space *get_space(struct unwinder *unwinder, uint32_t id)
{
    struct unwind_space *space = find_space(unwinder, id);
    if (space)
        return space;
    struct unwind_space **spaces =
        realloc(unwinder->spaces, (unwinder->space_count + 1) * sizeof *spaces);
    if (!spaces)
        return NULL;
    unwinder->spaces = spaces;
    space = calloc(1, sizeof *space);
    if (!space)
        return NULL;
    space->id = id;
    spaces[unwinder->space_count++] = space;
    return unwinder->recent = space;
}

struct error *unwinder_map(struct unwinder *unwinder, uint32_t id, uint32_t module, uint64_t start,
                           uint64_t end, uint64_t bias)
{
    struct unwind_mapping mapping = {.start = start,
                                     .end = end,
                                     .bias = bias,
                                     .id = module,
                                     .module = find_module(unwinder, module)};
    if (!mapping.module || start >= end)
        return error_format(ERROR_USAGE, "module %u cannot be mapped", module);
    struct unwind_space *space = get_space(unwinder, id);
    return space ? unwind_space_map(space, &mapping) : error_no_memory();
}

void unwinder_unmap(struct unwinder *unwinder, uint32_t id, uint64_t start, uint64_t end)
{
    struct unwind_space *space = find_space(unwinder, id);
    if (space)
        unwind_space_unmap(space, start, end);
}

struct error *unwinder_copy_space(struct unwinder *unwinder, uint32_t from, uint32_t to)
{
    struct unwind_space *source = find_space(unwinder, from);
    if (!source || from == to)
        return NULL;
    struct unwind_space *copy = get_space(unwinder, to);
    return copy ? unwind_space_copy(source, copy) : error_no_memory();
}

void unwinder_drop_space(struct unwinder *unwinder, uint32_t id)
{
    for (size_t i = 0; i < unwinder->space_count; i++) {
        if (unwinder->spaces[i]->id != id)
            continue;
        destroy_space(unwinder->spaces[i]);
        unwinder->spaces[i] = unwinder->spaces[--unwinder->space_count];
        unwinder->recent = NULL;
        return;
    }
}

/* ---- One stack ---- */

struct run {
    struct unwinder *unwinder;
    struct unwind_space *space;
    struct unwind_result *result;
    const struct unwind_memory *memory; /* the caller's */
    struct unwind_memory counted;       /* the same, through read_counted() */
    struct unwind_frame frame;          /* the last one, whose site is in result */
    struct unwind_point *point;         /* where its program counter is */
    bool ended;                         /* result->end is known */
    bool missed;                        /* memory was missing, maybe of a register needed later */
};

static void end_run(struct run *run, enum unwind_end end)
{
    run->result->end = end;
    run->ended = true;
}

static bool read_counted(uint64_t address, uint64_t *word, void *data)
{
    struct run *run = data;
    if (!run->memory->read_word(address, word, run->memory->data)) {
        run->missed = true;
        return false;
    }
    if (address + UNWIND_WORD > run->result->highest_read)
        run->result->highest_read = address + UNWIND_WORD;
    return true;
}

/* The mapping of the instruction that a program counter stands for. */
static const struct unwind_mapping *mapping_of(const struct run *run,
                                               const struct unwind_frame *frame)
{
    return unwind_space_find(run->space, frame->value[UNWIND_PC] - (frame->interrupted ? 0 : 1));
}

static struct unwind_point *new_point(struct run *run, const struct unwind_frame *frame)
{
    struct unwinder *unwinder = run->unwinder;
    const struct unwind_mapping *mapping = mapping_of(run, frame);
    uint32_t module = mapping ? mapping->id : 0;
    uint64_t address = frame->value[UNWIND_PC] - (mapping ? mapping->bias : 0);
    struct unwind_point *point =
        unwind_points_get(&unwinder->points, module, address, frame->interrupted);
    if (!point)
        return NULL;
    if (point->row.rule == UNWIND_RULE_UNKNOWN) {
        unwinder->counters.row_misses++;
        if (mapping)
            unwind_module_row(mapping->module, address, frame->interrupted, &point->row);
        else
            point->row.rule = UNWIND_RULE_NONE;
        if ((point->row.signal || point->row.begins) && !frame->interrupted) {
            struct unwind_point *exact =
                unwind_points_get(&unwinder->points, module, address, true);
            if (exact)
                point->shown = &exact->site;
        }
    }
    unwind_cache_add(&run->space->cache, frame->value[UNWIND_PC], point);
    return point;
}

static bool add_site(struct run *run, struct unwind_site *site)
{
    struct unwinder *unwinder = run->unwinder;
    struct unwind_result *result = run->result;
    if (result->count >= unwinder->options.depth) {
        end_run(run, UNWIND_DEPTH);
        return false;
    }
    if (result->count == unwinder->site_capacity) {
        size_t larger = unwinder->site_capacity ? unwinder->site_capacity * 2 : 64;
        struct unwind_site **sites = realloc(unwinder->sites, larger * sizeof *sites);
        if (!sites) {
            end_run(run, UNWIND_BAD);
            return false;
        }
        unwinder->sites = sites;
        unwinder->site_capacity = larger;
    }
    unwinder->sites[result->count++] = site;
    return true;
}

/* Makes frame the last one of the stack. */
static void enter(struct run *run, const struct unwind_frame *frame)
{
    struct unwind_point *point =
        unwind_cache_find(&run->space->cache, frame->value[UNWIND_PC], frame->interrupted);
    if (!point)
        point = new_point(run, frame);
    if (!point) {
        end_run(run, UNWIND_BAD);
        return;
    }
    if (!add_site(run, point->shown))
        return;
    run->point = point;
    run->frame = *frame;
}

/* The same for a caller, which must lie further out. */
static void enter_caller(struct run *run, const struct unwind_frame *caller)
{
    if (caller->value[UNWIND_PC] == 0) {
        end_run(run, UNWIND_COMPLETE);
        return;
    }
    /* A handler may run on a stack of its own, so a signal's frame lies anywhere. */
    if (!unwind_frame_has(caller, UNWIND_SP) ||
        (!run->point->row.signal && caller->value[UNWIND_SP] <= run->frame.value[UNWIND_SP])) {
        end_run(run, UNWIND_BAD);
        return;
    }
    enter(run, caller);
}

/* ---- Where there is no unwind information ---- */

/* Whether a supposed return address can be one, seen from the frame that would return there. */
static bool can_return_to(const struct run *run, const struct unwind_frame *caller)
{
    const struct unwind_mapping *mapping = mapping_of(run, caller);
    if (mapping)
        return unwind_module_follows_call(mapping->module,
                                          caller->value[UNWIND_PC] - mapping->bias);
    /* Of code without a file nothing can be checked; it is believed to call its own kind only. */
    return run->point->site.module == 0;
}

/*
 * The caller by the frame pointer: [RBP] is its RBP, and the return address is above that. Code
 * without unwind information may use RBP for anything, hence the checks.
 */
static bool caller_by_frame_pointer(struct run *run, struct unwind_frame *caller)
{
    uint64_t fp = run->frame.value[UNWIND_FP];
    uint64_t outer, return_address;
    if (!unwind_frame_has(&run->frame, UNWIND_FP) || fp % UNWIND_WORD ||
        fp < run->frame.value[UNWIND_SP] ||
        !run->counted.read_word(fp, &outer, run->counted.data) ||
        !run->counted.read_word(fp + UNWIND_WORD, &return_address, run->counted.data))
        return false;
    *caller = (struct unwind_frame){0};
    unwind_frame_set(caller, UNWIND_FP, outer);
    unwind_frame_set(caller, UNWIND_SP, fp + 2 * UNWIND_WORD);
    unwind_frame_set(caller, UNWIND_PC, return_address);
    return can_return_to(run, caller);
}

static void step_without_cfi(struct run *run)
{
    struct unwind_frame caller;
    if (caller_by_frame_pointer(run, &caller))
        enter_caller(run, &caller);
    else
        end_run(run, UNWIND_NO_CFI);
}

/* ---- One frame ---- */

static void step_by_row(struct run *run)
{
    struct unwind_frame caller;
    const struct unwind_row *row = &run->point->row;
    switch (unwind_row_apply(row, &run->frame, &run->counted, &caller)) {
    case UNWIND_APPLIED:
        if (row->cfi || can_return_to(run, &caller))
            enter_caller(run, &caller);
        else
            step_without_cfi(run);
        break;
    case UNWIND_NO_BASE:
        end_run(run, run->missed ? UNWIND_NO_MEMORY : UNWIND_NO_CFI);
        break;
    case UNWIND_NO_RETURN_WORD:
        end_run(run, UNWIND_NO_MEMORY);
        break;
    }
}

static bool visit_walked(const struct unwind_frame *walked, void *data)
{
    struct run *run = data;
    struct unwind_frame caller = *walked;
    caller.interrupted = run->point->row.signal;
    enter_caller(run, &caller);
    /* libdwfl goes on where it alone can, or where it is to do all that there is CFI for. */
    return !run->ended && run->point->row.cfi &&
           (run->unwinder->options.walk_only || run->point->row.rule == UNWIND_RULE_WALK);
}

/*
 * libdwfl found no caller. What it returns then does not tell an undefined return address from a
 * CFA that could not be computed (elfutils 0.188 takes either for the end), but the row does.
 */
static void end_of_walk(struct run *run)
{
    const struct unwind_row *row = &run->point->row;
    struct unwind_frame caller;
    bool returns_to_null =
        row->rule == UNWIND_RULE_ROW &&
        unwind_row_apply(row, &run->frame, &run->counted, &caller) == UNWIND_APPLIED &&
        caller.value[UNWIND_PC] == 0;
    if (row->rule == UNWIND_RULE_OUTERMOST || returns_to_null)
        end_run(run, UNWIND_COMPLETE);
    else
        end_run(run, run->missed ? UNWIND_NO_MEMORY : UNWIND_NO_CFI);
}

static void walk(struct run *run)
{
    struct unwind_walk *libdwfl;
    struct error *error = unwind_space_walk(run->space, &libdwfl);
    if (error) {
        error_free(error);
        end_run(run, UNWIND_BAD);
        return;
    }
    run->unwinder->counters.walks++;
    struct unwind_frame start = run->frame;
    if (!unwind_walk_run(libdwfl, &start, &run->counted, visit_walked, run))
        end_of_walk(run);
}

static void step(struct run *run)
{
    const struct unwind_row *row = &run->point->row;
    struct unwind_frame caller;
    if (row->cfi && run->unwinder->options.walk_only) {
        walk(run);
        return;
    }
    switch ((enum unwind_rule)row->rule) {
    case UNWIND_RULE_ROW:
        step_by_row(run);
        break;
    case UNWIND_RULE_OUTERMOST:
        end_run(run, UNWIND_COMPLETE);
        break;
    case UNWIND_RULE_WALK:
        walk(run);
        break;
    case UNWIND_RULE_SIGRETURN:
        if (unwind_arch_sigreturn(&run->frame, &run->counted, &caller))
            enter_caller(run, &caller);
        else
            end_run(run, UNWIND_NO_MEMORY);
        break;
    case UNWIND_RULE_UNKNOWN:
    case UNWIND_RULE_NONE:
        step_without_cfi(run);
        break;
    }
}

static void step_from_entry(struct run *run)
{
    struct unwind_frame caller;
    if (unwind_arch_entry(&run->frame, &run->counted, &caller))
        enter_caller(run, &caller);
    else
        end_run(run, UNWIND_NO_MEMORY);
}

void unwinder_unwind(struct unwinder *unwinder, uint32_t space,
                     const struct unwind_registers *registers, bool at_entry,
                     const struct unwind_memory *memory, struct unwind_result *result)
{
    *result = (struct unwind_result){0};
    struct run run = {.unwinder = unwinder,
                      .space = get_space(unwinder, space),
                      .result = result,
                      .memory = memory};
    run.counted = (struct unwind_memory){.read_word = read_counted, .data = &run};
    unwinder->counters.stacks++;
    struct unwind_frame innermost = {.interrupted = true};
    for (unsigned int i = 0; i < UNWIND_REGISTERS; i++)
        unwind_frame_set(&innermost, i, registers->value[i]);
    if (run.space)
        enter(&run, &innermost);
    else
        end_run(&run, UNWIND_BAD);
    if (!run.ended && at_entry)
        step_from_entry(&run);
    while (!run.ended)
        step(&run);
    unwinder->counters.frames += result->count;
    result->sites = unwinder->sites;
}
