/* SPDX-License-Identifier: MIT */
#include "tracer/verify.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tracer/session.h"

#define MOST_TOLD 10

struct verifier {
    unsigned nth;
    unsigned count; /* calls since the last comparison */
    size_t depth;
    unsigned told;
    Dwfl *dwfl; /* of the space compared last */
    uint32_t space;
    size_t module_count; /* of the space then: a change means to look again */
    uint64_t *addresses;
    size_t address_count;
};

struct error *verifier_create(unsigned nth, size_t depth, struct verifier **out)
{
    struct verifier *verifier = calloc(1, sizeof *verifier);
    uint64_t *addresses = calloc(depth, sizeof *addresses);
    if (!verifier || !addresses) {
        free(verifier);
        free(addresses);
        return error_no_memory();
    }
    verifier->nth = nth;
    verifier->depth = depth;
    verifier->addresses = addresses;
    *out = verifier;
    return NULL;
}

void verifier_destroy(struct verifier *verifier)
{
    if (!verifier)
        return;
    if (verifier->dwfl)
        dwfl_end(verifier->dwfl);
    free(verifier->addresses);
    free(verifier);
}

bool verifier_due(const struct verifier *verifier)
{
    return verifier->count + 1 >= verifier->nth;
}

/* Only local files: a comparison must not wait for a server while the tracee is stopped. */
static int no_debuginfo(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                        const char *file, const char *link, GElf_Word crc, char **found)
{
    (void)module, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc;
    (void)found;
    return -1;
}

static bool open_space(struct verifier *verifier, const struct tracee *tracee)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_linux_proc_find_elf,
        .find_debuginfo = no_debuginfo,
        .section_address = dwfl_offline_section_address,
    };
    if (verifier->dwfl && verifier->space == tracee->space->id &&
        verifier->module_count == tracee->space->module_count)
        return true;
    if (verifier->dwfl)
        dwfl_end(verifier->dwfl);
    verifier->dwfl = dwfl_begin(&callbacks);
    verifier->space = tracee->space->id;
    verifier->module_count = tracee->space->module_count;
    return verifier->dwfl && dwfl_linux_proc_report(verifier->dwfl, tracee->space->pid) == 0 &&
           dwfl_report_end(verifier->dwfl, NULL, NULL) == 0 &&
           dwfl_linux_proc_attach(verifier->dwfl, tracee->space->pid, true) == 0;
}

static int visit_frame(Dwfl_Frame *frame, void *data)
{
    struct verifier *verifier = data;
    Dwarf_Addr address;
    bool activation;
    if (!dwfl_frame_pc(frame, &address, &activation) || address == 0)
        return DWARF_CB_ABORT;
    verifier->addresses[verifier->address_count++] = address;
    return verifier->address_count == verifier->depth ? DWARF_CB_ABORT : DWARF_CB_OK;
}

static uint64_t file_address(const struct space *space, uint64_t address)
{
    const struct space_module *mapped = space_module_at(space, address);
    return mapped ? address - mapped->bias : address;
}

static void tell(struct verifier *verifier, const struct tracee *tracee,
                 const struct unwind_result *ours)
{
    if (verifier->told++ >= MOST_TOLD)
        return;
    fprintf(stderr, "allocptrace: unwinds differ in thread %d: %zu frames, libdwfl has %zu\n",
            (int)tracee->tid, ours->count, verifier->address_count);
    for (size_t i = 0; i < ours->count || i < verifier->address_count; i++) {
        fprintf(stderr, "  %3zu", i);
        if (i < ours->count)
            fprintf(stderr, "  module %u + 0x%llx", ours->sites[i]->module,
                    (unsigned long long)ours->sites[i]->address);
        if (i < verifier->address_count)
            fprintf(stderr, "  libdwfl 0x%llx",
                    (unsigned long long)file_address(tracee->space, verifier->addresses[i]));
        fputc('\n', stderr);
    }
}

static void check(struct verifier *verifier, struct session *session, struct tracee *tracee)
{
    const struct unwind_result *ours = recorder_last_stack(session->recorder);
    verifier->address_count = 0;
    if (!ours || !open_space(verifier, tracee))
        return;
    dwfl_getthread_frames(verifier->dwfl, tracee->tid, visit_frame, verifier);
    session->counters.verified++;
    bool same = ours->count == verifier->address_count;
    for (size_t i = 0; same && i < ours->count; i++)
        same = ours->sites[i]->address == file_address(tracee->space, verifier->addresses[i]);
    if (same)
        return;
    session->counters.differing++;
    tell(verifier, tracee, ours);
}

void verifier_call(struct verifier *verifier, struct session *session, struct tracee *tracee)
{
    bool due = verifier_due(verifier);
    verifier->count = due ? 0 : verifier->count + 1;
    if (due)
        check(verifier, session, tracee);
}
