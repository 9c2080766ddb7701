/* SPDX-License-Identifier: MIT */
#include "tracer/scratch.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "symbols/proc_maps.h"
#include "tracer/relocate.h"
#include "tracer/remote.h"
#include "tracer/tracee.h"

#define SCRATCH_SIZE 65536
/* Kept free between our mapping and its neighbours, so that they do not merge and an overrun of
 * either is still caught. */
#define SCRATCH_GUARD 4096
/* 32-bit displacements reach 2 GiB; the rest is for operands away from the code. */
#define REACH (UINT64_C(1) << 30)
/* mmap_min_addr's default, proc_sys_vm(5). */
#define LOWEST_ADDRESS 65536

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The place nearest to near in a gap between mappings, just below the mapping that ends the gap:
 * the heap grows upwards from below a gap, and stacks downwards into it are left alone. */
static uint64_t choose_place(const struct proc_maps *maps, uint64_t near)
{
    uint64_t best = 0;
    uint64_t gap_start = LOWEST_ADDRESS;
    for (size_t i = 0; i < maps->count; i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        uint64_t need = SCRATCH_SIZE + 2 * SCRATCH_GUARD;
        bool stack = mapping->path[0] == '[' && mapping->path[1] == 's';
        if (!stack && mapping->start > gap_start && mapping->start - gap_start >= need) {
            uint64_t place = mapping->start - SCRATCH_SIZE - SCRATCH_GUARD;
            if (!best || distance(place, near) < distance(best, near))
                best = place;
        }
        gap_start = mapping->end > gap_start ? mapping->end : gap_start;
    }
    return best && distance(best, near) < REACH ? best : 0;
}

static struct error *map_scratch(struct space *space, struct tracee *tracee, uint64_t near)
{
    struct scratch *scratches =
        realloc(space->scratches, (space->scratch_count + 1) * sizeof *scratches);
    if (!scratches)
        return error_no_memory();
    space->scratches = scratches;
    struct proc_maps maps;
    struct error *error = proc_maps_read(tracee->tid, &maps);
    if (error)
        return error;
    uint64_t place = choose_place(&maps, near);
    proc_maps_deinit(&maps);
    if (!place)
        return error_format(ERROR_UNSUPPORTED,
                            "no free address space near 0x%llx of process %d for our code",
                            (unsigned long long)near, (int)tracee->tgid);
    const uint64_t arguments[6] = {
        place,
        SCRATCH_SIZE,
        PROT_READ | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
        ~UINT64_C(0),
        0,
    };
    int64_t result;
    error = remote_syscall(tracee, SYS_mmap, arguments, &result);
    if (error)
        return error;
    if (result < 0 && result > -4096)
        return error_errno((int)-result, "cannot map memory for our code in process %d",
                           (int)tracee->tgid);
    scratches[space->scratch_count++] = (struct scratch){
        .start = (uint64_t)result,
        .end = (uint64_t)result + SCRATCH_SIZE,
        .next = (uint64_t)result,
    };
    return NULL;
}

static struct scratch *with_room(struct space *space, uint64_t near, size_t size)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        struct scratch *scratch = &space->scratches[i];
        if (scratch->end - scratch->next >= size && distance(scratch->next, near) < REACH)
            return scratch;
    }
    return NULL;
}

struct error *scratch_find(struct space *space, struct tracee *tracee, uint64_t near, size_t size,
                           uint64_t *address)
{
    struct scratch *scratch = with_room(space, near, size);
    if (!scratch) {
        struct error *error = map_scratch(space, tracee, near);
        if (error)
            return error;
        scratch = with_room(space, near, size);
        if (!scratch)
            return error_format(ERROR_UNSUPPORTED,
                                "our code's memory in process %d is out of reach",
                                (int)tracee->tgid);
    }
    *address = scratch->next;
    return NULL;
}

struct error *scratch_reserve(struct space *space, struct tracee *tracee, uint64_t near)
{
    uint64_t address;
    return scratch_find(space, tracee, near, RELOCATE_MAX_CODE, &address);
}

void scratch_take(struct space *space, uint64_t address, size_t size)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        struct scratch *scratch = &space->scratches[i];
        if (scratch->next == address)
            scratch->next += (size + 15) & ~(size_t)15;
    }
}
