/* SPDX-License-Identifier: MIT */
#include "tracer/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracer/guardian.h"
#include "tracer/leaks/leak_moments.h"
#include "tracer/limits.h"
#include "tracer/planted.h"
#include "tracer/proc_files.h"
#include "tracer/ptrace_io.h"
#include "tracer/scratch.h"
#include "tracer/session.h"

/* Two instructions of the longest length that there is. */
#define COVERED_MAX 30

static struct error *open_memory(pid_t pid, int *mem)
{
    *mem = mem_open(pid);
    return *mem < 0 ? error_errno(errno, "cannot open the memory of process %d", (int)pid) : NULL;
}

static struct space *space_new(uint32_t id, pid_t pid)
{
    struct space *space = calloc(1, sizeof *space);
    if (!space)
        return NULL;
    space->id = id;
    space->pid = pid;
    space->mem = -1;
    breakpoint_table_init(&space->breakpoints);
    return space;
}

static struct error *space_open(struct space *space, struct guardian *guardian)
{
    struct error *error = limits_take(LIMITS_PROCESS);
    if (error)
        return error;
    error = open_memory(space->pid, &space->mem);
    if (error) {
        limits_give_back(LIMITS_PROCESS);
        return error;
    }
    space->guardian = guardian;
    guardian_watch(guardian, space->pid);
    return NULL;
}

void space_close(struct space *space)
{
    if (space->mem < 0)
        return;
    guardian_forget(space->guardian, space->pid);
    close(space->mem);
    space->mem = -1;
    if (space->id)
        limits_give_back(LIMITS_PROCESS);
}

struct error *space_create(uint32_t id, pid_t pid, struct guardian *guardian, struct space **out)
{
    struct space *space = space_new(id, pid);
    struct error *error = space ? space_open(space, guardian) : error_no_memory();
    if (error)
        space_destroy(space);
    else
        *out = space;
    return error;
}

static bool copy_array(void **to, const void *from, size_t size)
{
    *to = NULL;
    if (!size)
        return true;
    *to = malloc(size);
    if (*to)
        memcpy(*to, from, size);
    return *to;
}

static bool copy_tables(const struct space *parent, struct space *space)
{
    if (!breakpoint_table_copy(&parent->breakpoints, &space->breakpoints) ||
        !copy_array((void **)&space->modules, parent->modules,
                    parent->module_count * sizeof *space->modules) ||
        !copy_array((void **)&space->scratches, parent->scratches,
                    parent->scratch_count * sizeof *space->scratches) ||
        !areas_copy(&parent->own.areas, &space->own.areas))
        return false;
    space->module_count = parent->module_count;
    space->scratch_count = parent->scratch_count;
    return true;
}

struct error *space_fork(const struct space *parent, uint32_t id, pid_t pid, struct space **out)
{
    struct space *space = space_new(id, pid);
    if (!space || !copy_tables(parent, space)) {
        space_destroy(space);
        return error_no_memory();
    }
    space->initial_sp = parent->initial_sp;
    space->functions = parent->functions;
    space->own.complete = parent->own.complete;
    space->sigtrap = parent->sigtrap;
    if (id) {
        struct error *error = space_open(space, parent->guardian);
        if (error) {
            space_destroy(space);
            return error;
        }
    } else {
        /* Not in the budget: it is closed soon. */
        error_free(open_memory(pid, &space->mem));
    }
    *out = space;
    return NULL;
}

void space_destroy(struct space *space)
{
    if (!space)
        return;
    space_close(space);
    breakpoint_table_deinit(&space->breakpoints);
    free(space->modules);
    free(space->scratches);
    areas_deinit(&space->own.areas);
    free(space);
}

int space_write_original(const struct space *space, const struct breakpoint *breakpoint)
{
    return mem_write(space->mem, breakpoint->address, &breakpoint->original, 1);
}

int space_write_breakpoint(const struct space *space, const struct breakpoint *breakpoint)
{
    const uint8_t byte = ARCH_BREAKPOINT_BYTE;
    return mem_write(space->mem, breakpoint->address, &byte, 1);
}

static bool holds(const struct space *space, const struct breakpoint *breakpoint, uint8_t wanted)
{
    uint8_t byte;
    return pread(space->mem, &byte, 1, (off_t)breakpoint->address) == 1 && byte == wanted;
}

/* Code may have been unmapped, or replaced by other code, under a breakpoint. */
static bool restore(const struct space *space, const struct breakpoint *breakpoint)
{
    return !holds(space, breakpoint, ARCH_BREAKPOINT_BYTE) ||
           (space_write_original(space, breakpoint) == 0 &&
            holds(space, breakpoint, breakpoint->original));
}

bool space_is_planted(const struct space *space)
{
    size_t index = 0;
    const struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&space->breakpoints, &index))) {
        if (breakpoint->roles && planted_look(space, breakpoint) != PLANTED_OURS)
            return false;
    }
    return true;
}

size_t space_restore_text(const struct space *space)
{
    size_t wrong = 0;
    size_t index = 0;
    struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&space->breakpoints, &index)))
        wrong += breakpoint->roles && planted_look(space, breakpoint) == PLANTED_OURS &&
                 !restore(space, breakpoint);
    return wrong;
}

void space_restore_adopted(const struct space *space)
{
    size_t index = 0;
    struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&space->breakpoints, &index))) {
        if (!breakpoint->roles)
            restore(space, breakpoint);
    }
}

void space_prepare(struct session *session, struct space *space, struct tracee *tracee,
                   bool trap_ignored)
{
    struct error *error = scratch_adopt(space, tracee->tid);
    if (!error) {
        space_restore_adopted(space);
        /* Without it all is slower, and warned of where that shows. */
        error_free(scratch_reserve(space, tracee, proc_entry(space->pid)));
    }
    error_free(error);
    sigtrap_begin(session, space, tracee, trap_ignored);
}

/* Reads code with our own bytes replaced by the original ones. *size is cut at the next
 * breakpoint, so that a slot does not swallow it. Returns the count of bytes read. */
static size_t read_code(struct space *space, pid_t tid, uint64_t address, uint8_t *code,
                        size_t *size)
{
    size_t got = mem_read(tid, address, code, COVERED_MAX);
    *size = got;
    for (size_t i = 0; i < got; i++) {
        struct breakpoint *other = breakpoint_find(&space->breakpoints, address + i);
        if (!other || !other->roles || code[i] != ARCH_BREAKPOINT_BYTE)
            continue;
        code[i] = other->original;
        if (i > 0 && i < *size)
            *size = i;
    }
    return got;
}

static void remember_code(const struct space *space, struct breakpoint *breakpoint,
                          const uint8_t *code, size_t size)
{
    uint8_t of_file[COVERED_MAX];
    const struct space_module *mapped = space_module_at(space, breakpoint->address);
    breakpoint->settled = mapped &&
                          elf_file_read(mapped->module->elf, breakpoint->address - mapped->bias,
                                        of_file, size) == size &&
                          memcmp(code, of_file, size) == 0;
    breakpoint->original = code[0];
    breakpoint->tail_size = size > BREAKPOINT_TAIL ? BREAKPOINT_TAIL : (uint8_t)(size - 1);
    memcpy(breakpoint->tail, code + 1, breakpoint->tail_size);
}

/* Whether the copy is in memory already: a breakpoint that was set here before has left it. */
static bool is_there(pid_t tid, const struct breakpoint *breakpoint, const struct relocated *copy)
{
    uint8_t there[RELOCATE_MAX_CODE];
    return copy->size == breakpoint->slot_size &&
           mem_read(tid, breakpoint->slot, there, copy->size) == copy->size &&
           memcmp(there, copy->code, copy->size) == 0;
}

static struct error *new_slot(struct session *session, struct space *space, struct tracee *tracee,
                              struct breakpoint *breakpoint, const uint8_t *code, size_t size)
{
    struct relocated copy;
    if (breakpoint->slot &&
        !relocate(session->relocator, code, size, breakpoint->address, breakpoint->slot, &copy) &&
        is_there(tracee->tid, breakpoint, &copy))
        return NULL;
    breakpoint->slot = 0;
    uint64_t slot;
    struct error *error =
        scratch_find(space, tracee, breakpoint->address, RELOCATE_MAX_CODE, &slot);
    if (!error && !relocate(session->relocator, code, size, breakpoint->address, slot, &copy) &&
        !mem_write(space->mem, slot, copy.code, copy.size)) {
        breakpoint->slot = slot;
        breakpoint->slot_size = copy.size;
        breakpoint->slot_done = copy.done;
        breakpoint->length = copy.length;
        breakpoint->unambiguous = copy.unambiguous;
    }
    if (scratch_take(space, breakpoint) && !error)
        error = error_format(ERROR_UNSUPPORTED, "cannot list a breakpoint in the target");
    return error;
}

static void tell_slot(struct session *session, const struct space *space,
                      const struct breakpoint *breakpoint)
{
    struct recorder_slot message = {
        .slot = breakpoint->slot,
        .original = breakpoint->address,
        .size = breakpoint->slot_size,
        .done = breakpoint->slot_done,
        .length = breakpoint->length,
    };
    recorder_slot(session->recorder, space->id, &message);
}

/* Makes the breakpoint's slot. Without one (no memory for it, or an instruction that works only in
 * its place) it is single-stepped; without code to read there can be no breakpoint at all. */
static struct error *place_slot(struct session *session, struct space *space, struct tracee *tracee,
                                struct breakpoint *breakpoint)
{
    uint8_t code[COVERED_MAX];
    size_t size;
    size_t got = read_code(space, tracee->tid, breakpoint->address, code, &size);
    if (!got)
        return error_format(ERROR_NOT_FOUND, "no code can be read at 0x%llx",
                            (unsigned long long)breakpoint->address);
    remember_code(space, breakpoint, code, got);
    struct error *error = new_slot(session, space, tracee, breakpoint, code, size);
    if (error || !breakpoint->slot)
        return error;
    tell_slot(session, space, breakpoint);
    return NULL;
}

/* A slot made earlier may have copied the instruction at address along with its own. */
static void make_slots_anew(struct session *session, struct space *space, struct tracee *tracee,
                            uint64_t address)
{
    for (uint64_t back = 1; back < COVERED_MAX; back++) {
        struct breakpoint *before = breakpoint_find(&space->breakpoints, address - back);
        if (before && before->roles && before->length > back)
            error_free(place_slot(session, space, tracee, before));
    }
}

struct breakpoint *space_break(struct session *session, struct space *space, struct tracee *tracee,
                               uint64_t address, enum breakpoint_role role)
{
    struct breakpoint *breakpoint = breakpoint_find(&space->breakpoints, address);
    if (breakpoint && breakpoint->roles && !breakpoint->settled &&
        planted_look(space, breakpoint) != PLANTED_OURS)
        breakpoint->roles = 0;
    if (breakpoint && breakpoint->roles) {
        breakpoint->roles |= role;
        return breakpoint;
    }
    struct breakpoint made = {.address = address};
    if (breakpoint)
        made = *breakpoint;
    struct error *error = place_slot(session, space, tracee, &made);
    if (error) {
        bool hopeless = error->code == ERROR_GONE || error->code == ERROR_NOT_FOUND;
        if (!hopeless && !space->slotless_told) {
            space->slotless_told = true;
            session_warn(session, "process %d: single-stepping some breakpoints, slowly: %s",
                         (int)space->pid, error->message);
        }
        error_free(error);
        if (hopeless)
            return NULL;
    }
    /* A breakpoint of the target's own stays the target's. */
    if (made.original == ARCH_BREAKPOINT_BYTE || space_write_breakpoint(space, &made))
        return NULL;
    if (!breakpoint)
        breakpoint = breakpoint_add(&space->breakpoints, address);
    if (!breakpoint) {
        space_write_original(space, &made);
        return NULL;
    }
    *breakpoint = made;
    breakpoint->roles = role;
    session->counters.breakpoints++;
    make_slots_anew(session, space, tracee, address);
    return breakpoint;
}

const struct space_module *space_module_at(const struct space *space, uint64_t address)
{
    for (size_t i = 0; i < space->module_count; i++) {
        const struct space_module *mapped = &space->modules[i];
        if (address >= mapped->start && address < mapped->end)
            return mapped;
    }
    return NULL;
}

void space_root(const struct space *space, char *out, size_t size)
{
    char path[32];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/root", (int)space->pid);
    bool same = stat(path, &theirs) == 0 && stat("/", &ours) == 0 && theirs.st_dev == ours.st_dev &&
                theirs.st_ino == ours.st_ino;
    snprintf(out, size, "%s", same ? "" : path);
}

static struct log_map map_of(const struct space *space, const struct space_module *mapped)
{
    return (struct log_map){
        .process = space->id,
        .module = mapped->module->id,
        .start = mapped->start,
        .end = mapped->end,
        .bias = mapped->bias,
    };
}

void space_tell(struct session *session, const struct space *space)
{
    size_t index = 0;
    const struct breakpoint *breakpoint;
    while ((breakpoint = breakpoint_next(&space->breakpoints, &index))) {
        if (breakpoint->slot)
            tell_slot(session, space, breakpoint);
    }
    for (size_t i = 0; i < space->module_count; i++) {
        struct log_map map = map_of(space, &space->modules[i]);
        recorder_map(session->recorder, &map);
    }
}

static void break_exits(struct session *session, struct space *space, struct tracee *tracee,
                        const struct space_module *mapped)
{
    const uint64_t *exits = mapped->module->exits;
    for (size_t i = 0; i < MODULE_EXITS && exits[i]; i++)
        space_break(session, space, tracee, exits[i] + mapped->bias, BREAKPOINT_EXIT);
}

static void break_functions(struct session *session, struct space *space, struct tracee *tracee,
                            const struct space_module *mapped)
{
    const struct module *module = mapped->module;
    for (size_t i = 0; i < module->function_count; i++) {
        struct breakpoint *breakpoint = space_break(
            session, space, tracee, module->functions[i].address + mapped->bias, BREAKPOINT_ENTRY);
        if (!breakpoint)
            continue;
        breakpoint->function = module->functions[i].function;
        breakpoint->glibc_heap = module->glibc_heap && breakpoint->function->standard;
        space->functions +=
            breakpoint->function->kind < ALLOCATOR_MMAP || session->options->mappings;
    }
    if (module->linker_breakpoint)
        space_break(session, space, tracee, module->linker_breakpoint + mapped->bias,
                    BREAKPOINT_LINKER);
    if (module->ptrace)
        space_break(session, space, tracee, module->ptrace + mapped->bias, BREAKPOINT_PTRACE);
    if (module->sigaction)
        space_break(session, space, tracee, module->sigaction + mapped->bias, BREAKPOINT_SIGACTION);
    if (module->sigmask)
        space_break(session, space, tracee, module->sigmask + mapped->bias, BREAKPOINT_SIGMASK);
    if (leak_moments_wanted(session, LOG_MOMENT_EXIT))
        break_exits(session, space, tracee, mapped);
}

/* The extent of a file's consecutive mappings around maps[index]. */
static void extent_of(const struct proc_maps *maps, size_t index, uint64_t *start, uint64_t *end)
{
    const struct proc_mapping *mapping = &maps->mappings[index];
    size_t first = index;
    size_t last = index;
    while (first > 0 && maps->mappings[first - 1].inode == mapping->inode &&
           strcmp(maps->mappings[first - 1].path, mapping->path) == 0)
        first--;
    while (last + 1 < maps->count && maps->mappings[last + 1].inode == mapping->inode &&
           strcmp(maps->mappings[last + 1].path, mapping->path) == 0)
        last++;
    *start = maps->mappings[first].start;
    *end = maps->mappings[last].end;
    /* The last segment's .bss beyond the file's end is anonymous memory. */
    if (last + 1 < maps->count && maps->mappings[last + 1].start == *end &&
        !*maps->mappings[last + 1].path && maps->mappings[last + 1].writable)
        *end = maps->mappings[last + 1].end;
}

static struct space_module *known_mapping(struct space *space, const struct proc_mapping *mapping)
{
    for (size_t i = 0; i < space->module_count; i++) {
        struct space_module *mapped = &space->modules[i];
        if (mapping->start >= mapped->start && mapping->start < mapped->end &&
            mapping->inode == mapped->inode && mapping->dev_major == mapped->dev_major &&
            mapping->dev_minor == mapped->dev_minor)
            return mapped;
    }
    return NULL;
}

static void tell_untraced(struct session *session, const char *path, const struct error *error)
{
    if (error->errno_value != EMFILE) {
        if (error->code != ERROR_GONE)
            session_warn(session, "%s: its functions are not traced", error->message);
    } else if (!session->limit_told) {
        session->limit_told = true;
        session_warn(session, "%s: functions of %s, and of files mapped later, are not traced",
                     error->message, path);
    }
}

static void add_mapping(struct session *session, struct space *space, struct tracee *tracee,
                        const struct proc_maps *maps, size_t index)
{
    const struct proc_mapping *mapping = &maps->mappings[index];
    struct module *module;
    bool is_new;
    struct error *error =
        module_registry_get(session->modules, tracee->tid, mapping, &module, &is_new);
    if (error) {
        tell_untraced(session, mapping->path, error);
        error_free(error);
        return;
    }
    struct space_module mapped = {
        .module = module,
        .inode = mapping->inode,
        .dev_major = mapping->dev_major,
        .dev_minor = mapping->dev_minor,
        .seen = true,
    };
    if (!module || !elf_file_bias(module->elf, mapping->start, mapping->offset, &mapped.bias))
        return;
    struct space_module *modules =
        realloc(space->modules, (space->module_count + 1) * sizeof *modules);
    if (!modules)
        return;
    space->modules = modules;
    extent_of(maps, index, &mapped.start, &mapped.end);
    if (is_new) {
        char root[32];
        size_t id_size;
        const uint8_t *id = elf_file_build_id(module->elf, &id_size);
        space_root(space, root, sizeof root);
        recorder_module(session->recorder, module->id, elf_file_descriptor(module->elf),
                        module->path, id, id_size, root);
    }
    modules[space->module_count++] = mapped;
    struct log_map map = map_of(space, &mapped);
    recorder_map(session->recorder, &map);
    /* Calls return to all modules, and a sandbox that comes up later would not let us map. */
    error_free(scratch_reserve(space, tracee, mapped.start));
    break_functions(session, space, tracee, &mapped);
    conflicts_module(session, tracee, module);
}

static void forget_unseen(struct session *session, struct space *space)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->module_count; i++) {
        struct space_module *mapped = &space->modules[i];
        if (mapped->seen) {
            space->modules[kept++] = *mapped;
            continue;
        }
        planted_sweep(space, mapped->start, mapped->end);
        struct log_map map = map_of(space, mapped);
        recorder_unmap(session->recorder, &map);
    }
    space->module_count = kept;
}

struct error *space_scan(struct session *session, struct space *space, struct tracee *tracee)
{
    struct proc_maps maps;
    struct error *error = proc_maps_read(tracee->tid, &maps);
    if (error)
        return error;
    for (size_t i = 0; i < space->module_count; i++)
        space->modules[i].seen = false;
    /* First the old, so that a module mapped where another was is not taken for it. */
    for (size_t i = 0; i < maps.count; i++) {
        struct space_module *mapped =
            maps.mappings[i].executable ? known_mapping(space, &maps.mappings[i]) : NULL;
        if (mapped)
            mapped->seen = true;
    }
    forget_unseen(session, space);
    for (size_t i = 0; i < maps.count; i++) {
        const struct proc_mapping *mapping = &maps.mappings[i];
        bool code = mapping->executable && (mapping->inode || strcmp(mapping->path, "[vdso]") == 0);
        if (code && !known_mapping(space, mapping))
            add_mapping(session, space, tracee, &maps, i);
    }
    proc_maps_deinit(&maps);
    return NULL;
}
