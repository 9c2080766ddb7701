/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_walk.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "symbols/debug_file.h"

#define THREAD 1 /* libdwfl wants ids; it looks at no process with them */

/* What one run is about, for libdwfl's callbacks. */
struct run {
    const struct unwind_frame *frame;
    const struct unwind_memory *memory;
    bool (*visit)(const struct unwind_frame *caller, void *data);
    void *data;
    bool at_first; /* the next frame that libdwfl gives is `frame` itself */
};

struct unwind_walk {
    Dwfl *dwfl;
    bool attached;
    struct run *run;
};

/* ---- Modules ---- */

static int find_elf(Dwfl_Module *dwfl_module, void **userdata, const char *name, Dwarf_Addr base,
                    char **file_name, Elf **elf)
{
    (void)dwfl_module;
    (void)name;
    (void)base;
    (void)file_name;
    (void)elf;
    struct unwind_module *module = *userdata;
    return fcntl(elf_file_descriptor(unwind_module_file(module)), F_DUPFD_CLOEXEC, 3);
}

static int find_debuginfo(Dwfl_Module *dwfl_module, void **userdata, const char *name,
                          Dwarf_Addr base, const char *file_name, const char *link,
                          GElf_Word link_crc, char **debug_name)
{
    (void)name;
    (void)base;
    (void)file_name;
    (void)link;
    (void)link_crc;
    (void)debug_name;
    struct unwind_module *module = *userdata;
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(dwfl_module, &bias);
    return elf ? debug_file_open(elf, unwind_module_path(module), "") : -1;
}

static const Dwfl_Callbacks module_callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static struct error *libdwfl_error(const char *what)
{
    return error_format(ERROR_UNSUPPORTED, "%s: %s", what, dwfl_errmsg(-1));
}

struct error *unwind_walk_create(struct unwind_walk **out)
{
    struct unwind_walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return error_no_memory();
    walk->dwfl = dwfl_begin(&module_callbacks);
    if (!walk->dwfl) {
        free(walk);
        return libdwfl_error("libdwfl");
    }
    *out = walk;
    return NULL;
}

void unwind_walk_destroy(struct unwind_walk *walk)
{
    if (!walk)
        return;
    dwfl_end(walk->dwfl);
    free(walk);
}

/* ---- The thread that libdwfl thinks it unwinds ---- */

static pid_t next_thread(Dwfl *dwfl, void *data, void **thread_data)
{
    (void)dwfl;
    if (*thread_data)
        return 0;
    *thread_data = data;
    return THREAD;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *data, void **thread_data)
{
    (void)dwfl;
    *thread_data = data;
    return tid == THREAD;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *data)
{
    (void)dwfl;
    const struct unwind_walk *walk = data;
    const struct unwind_memory *memory = walk->run->memory;
    return memory->read_word(address, word, memory->data);
}

static bool set_initial_registers(Dwfl_Thread *thread, void *data)
{
    const struct unwind_walk *walk = data;
    const struct unwind_frame *frame = walk->run->frame;
    /*
     * libdwfl takes the first program counter as that of an instruction, not as a return address
     * behind one, which could lie in the next function already.
     */
    Dwarf_Addr pc = frame->value[UNWIND_PC] - (frame->interrupted ? 0 : 1);
    for (unsigned int i = 0; i < UNWIND_REGISTERS; i++) {
        /* As a register, too, the program counter takes part in the CFI of the PLT. */
        Dwarf_Word value = i == UNWIND_PC ? pc : frame->value[i];
        if (unwind_frame_has(frame, i) && !dwfl_thread_state_registers(thread, (int)i, 1, &value))
            return false;
    }
    dwfl_thread_state_register_pc(thread, pc);
    return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_initial_registers,
};

struct error *unwind_walk_report(struct unwind_walk *walk, const struct unwind_mapping *mappings,
                                 size_t count)
{
    dwfl_report_begin(walk->dwfl);
    for (size_t i = 0; i < count; i++) {
        const struct unwind_mapping *mapping = &mappings[i];
        /* By this name and the addresses libdwfl recognizes a module that it knows already. */
        char name[32];
        snprintf(name, sizeof name, "%u", mapping->id);
        uint64_t start = mapping->bias + unwind_module_start(mapping->module);
        if (start >= mapping->end)
            continue;
        Dwfl_Module *module = dwfl_report_module(walk->dwfl, name, start, mapping->end);
        void **userdata;
        if (module && dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
            *userdata = mapping->module;
    }
    if (dwfl_report_end(walk->dwfl, NULL, NULL) != 0)
        return libdwfl_error("libdwfl's modules");
    if (!walk->attached && count) {
        Elf *elf = elf_file_elf(unwind_module_file(mappings[0].module));
        if (!dwfl_attach_state(walk->dwfl, elf, THREAD, &thread_callbacks, walk))
            return libdwfl_error("libdwfl's thread state");
        walk->attached = true;
    }
    return NULL;
}

/* ---- The walk ---- */

static int on_frame(Dwfl_Frame *state, void *data)
{
    struct run *run = data;
    if (run->at_first) {
        run->at_first = false;
        return DWARF_CB_OK;
    }
    struct unwind_frame caller = {0};
    Dwarf_Word value;
    for (unsigned int i = 0; i < UNWIND_PC; i++) {
        if (dwfl_frame_reg(state, i, &value) == 0)
            unwind_frame_set(&caller, i, value);
    }
    if (!dwfl_frame_pc(state, &value, NULL))
        return DWARF_CB_ABORT;
    unwind_frame_set(&caller, UNWIND_PC, value);
    return run->visit(&caller, run->data) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

bool unwind_walk_run(struct unwind_walk *walk, const struct unwind_frame *frame,
                     const struct unwind_memory *memory,
                     bool (*visit)(const struct unwind_frame *caller, void *data), void *data)
{
    if (!walk->attached)
        return false;
    struct run run = {
        .frame = frame, .memory = memory, .visit = visit, .data = data, .at_first = true};
    walk->run = &run;
    int status = dwfl_getthread_frames(walk->dwfl, THREAD, on_frame, &run);
    walk->run = NULL;
    return status == DWARF_CB_ABORT;
}
