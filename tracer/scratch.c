/* SPDX-License-Identifier: MIT */
#include "tracer/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "symbols/proc_maps.h"
#include "tracer/ptrace_io.h"
#include "tracer/relocate.h"
#include "tracer/remote.h"
#include "tracer/resident.h"
#include "tracer/tracee.h"

/* Kept free between our mapping and its neighbours, so that they do not merge and an overrun of
 * either is still caught. */
#define SCRATCH_GUARD 4096
/* 32-bit displacements reach 2 GiB; the rest is for operands away from the code. */
#define REACH (UINT64_C(1) << 30)
/* mmap_min_addr's default, proc_sys_vm(5). */
#define LOWEST_ADDRESS 65536
#define SLOT_ALIGNMENT 16

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static size_t code_size(void)
{
    return (size_t)(resident_code_end - resident_code);
}

static uint32_t aligned(size_t offset)
{
    return (uint32_t)((offset + SLOT_ALIGNMENT - 1) & ~(size_t)(SLOT_ALIGNMENT - 1));
}

static uint64_t end_of(const struct scratch *scratch)
{
    return scratch->start + RESIDENT_SIZE - scratch->listed * sizeof(struct resident_breakpoint);
}

uint64_t scratch_code(const struct scratch *scratch, const void *place)
{
    return scratch->start + RESIDENT_CODE_OFFSET + (uint64_t)((const char *)place - resident_code);
}

const struct scratch *scratch_main(const struct space *space)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        if (space->scratches[i].usable)
            return &space->scratches[i];
    }
    return NULL;
}

/* ---- New regions ---- */

/* The place nearest to near in a gap between mappings, just below the mapping that ends the gap:
 * the heap grows upwards from below a gap, and stacks downwards into it are left alone. */
static uint64_t choose_place(const struct proc_maps *maps, uint64_t near)
{
    uint64_t best = 0;
    uint64_t gap_start = LOWEST_ADDRESS;
    for (size_t i = 0; i < maps->count; i++) {
        const struct proc_mapping *mapping = &maps->mappings[i];
        uint64_t need = RESIDENT_SIZE + 2 * SCRATCH_GUARD;
        bool stack = mapping->path[0] == '[' && mapping->path[1] == 's';
        if (!stack && mapping->start > gap_start && mapping->start - gap_start >= need) {
            uint64_t place = mapping->start - RESIDENT_SIZE - SCRATCH_GUARD;
            if (!best || distance(place, near) < distance(best, near))
                best = place;
        }
        gap_start = mapping->end > gap_start ? mapping->end : gap_start;
    }
    return best && distance(best, near) < REACH ? best : 0;
}

static struct scratch *add_region(struct space *space)
{
    struct scratch *scratches =
        realloc(space->scratches, (space->scratch_count + 1) * sizeof *scratches);
    if (!scratches)
        return NULL;
    space->scratches = scratches;
    return &scratches[space->scratch_count];
}

static int write_next(const struct space *space, const struct scratch *scratch, uint64_t next)
{
    return mem_write(space->mem, scratch->start + offsetof(struct resident_header, next), &next,
                     sizeof next);
}

/* The handler finds all regions from its own: each new one is put at the chain's end. */
static int lay_out(struct space *space, struct scratch *scratch)
{
    const struct scratch *last = NULL;
    for (size_t i = 0; i < space->scratch_count; i++) {
        if (space->scratches[i].usable)
            last = &space->scratches[i];
    }
    const struct resident_header header = {.magic = RESIDENT_MAGIC, .used = scratch->used};
    int failure =
        mem_write(space->mem, scratch->start + RESIDENT_CODE_OFFSET, resident_code, code_size());
    if (!failure)
        failure = mem_write(space->mem, scratch->start, &header, sizeof header);
    if (!failure && last)
        failure = write_next(space, last, scratch->start);
    return failure;
}

static struct error *map_scratch(struct space *space, struct tracee *tracee, uint64_t near)
{
    struct scratch *scratch = add_region(space);
    if (!scratch)
        return error_no_memory();
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
        RESIDENT_SIZE,
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
    *scratch = (struct scratch){
        .start = (uint64_t)result,
        .used = aligned(RESIDENT_CODE_OFFSET + code_size()),
        .usable = true,
    };
    int failure = lay_out(space, scratch);
    if (failure)
        return error_errno(failure, "cannot write our code into process %d", (int)tracee->tgid);
    space->scratch_count++;
    return NULL;
}

/* ---- Use ---- */

static struct scratch *with_room(struct space *space, uint64_t near, size_t size)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        struct scratch *scratch = &space->scratches[i];
        uint64_t next = scratch->start + scratch->used;
        if (scratch->usable && end_of(scratch) >= next &&
            end_of(scratch) - next >= size + sizeof(struct resident_breakpoint) &&
            distance(next, near) < REACH)
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
    *address = scratch->start + scratch->used;
    return NULL;
}

struct error *scratch_reserve(struct space *space, struct tracee *tracee, uint64_t near)
{
    uint64_t address;
    return scratch_find(space, tracee, near, RELOCATE_MAX_CODE, &address);
}

/* Where the breakpoint is to be listed: with its slot, for the list names slots by their offsets.
 */
static struct scratch *region_for(struct space *space, const struct breakpoint *breakpoint)
{
    for (size_t i = 0; i < space->scratch_count; i++) {
        struct scratch *scratch = &space->scratches[i];
        uint64_t room = end_of(scratch) - (scratch->start + scratch->used);
        if (breakpoint->slot ? breakpoint->slot >= scratch->start &&
                                   breakpoint->slot < scratch->start + RESIDENT_SIZE
                             : scratch->usable && room >= sizeof(struct resident_breakpoint))
            return scratch;
    }
    return NULL;
}

int scratch_take(struct space *space, const struct breakpoint *breakpoint)
{
    struct scratch *scratch = region_for(space, breakpoint);
    if (!scratch)
        return breakpoint->slot ? ENOENT : 0;
    const struct resident_breakpoint entry = {
        .address = breakpoint->address,
        .slot = breakpoint->slot ? (uint16_t)(breakpoint->slot - scratch->start) : 0,
        .size = breakpoint->slot_size,
        .done = breakpoint->slot_done,
        .length = breakpoint->length,
        .unambiguous = breakpoint->unambiguous,
        .original = breakpoint->original,
    };
    uint32_t used = scratch->used;
    if (breakpoint->slot == scratch->start + scratch->used)
        used = aligned(used + breakpoint->slot_size);
    const uint32_t counts[2] = {used, scratch->listed + 1};
    _Static_assert(offsetof(struct resident_header, listed) ==
                       offsetof(struct resident_header, used) + sizeof(uint32_t),
                   "the two counts are written at once");
    int failure = mem_write(space->mem, end_of(scratch) - sizeof entry, &entry, sizeof entry);
    if (!failure)
        failure = mem_write(space->mem, scratch->start + offsetof(struct resident_header, used),
                            counts, sizeof counts);
    if (failure)
        return failure;
    scratch->used = used;
    scratch->listed++;
    return 0;
}

/* ---- Regions left by another tracer ---- */

static bool plausible(const struct resident_header *header)
{
    size_t list = (size_t)header->listed * sizeof(struct resident_breakpoint);
    return header->magic == RESIDENT_MAGIC && header->used >= RESIDENT_CODE_OFFSET &&
           header->used <= RESIDENT_SIZE && header->listed < RESIDENT_SIZE &&
           list <= RESIDENT_SIZE - header->used;
}

static bool adopt_breakpoint(struct space *space, uint64_t region,
                             const struct resident_breakpoint *entry)
{
    if (entry->slot && (entry->slot + entry->size > RESIDENT_SIZE || entry->done > entry->size))
        return true;
    struct breakpoint *breakpoint = breakpoint_find(&space->breakpoints, entry->address);
    if (!breakpoint)
        breakpoint = breakpoint_add(&space->breakpoints, entry->address);
    if (!breakpoint)
        return false;
    breakpoint->original = entry->original;
    breakpoint->length = entry->length;
    breakpoint->slot = entry->slot ? region + entry->slot : 0;
    breakpoint->slot_size = entry->size;
    breakpoint->slot_done = entry->done;
    breakpoint->unambiguous = entry->unambiguous;
    return true;
}

static struct error *adopt_region(struct space *space, uint64_t start, const uint8_t *region)
{
    struct resident_header header;
    memcpy(&header, region, sizeof header);
    if (!plausible(&header))
        return NULL;
    struct scratch *scratch = add_region(space);
    if (!scratch)
        return error_no_memory();
    space->scratch_count++;
    *scratch = (struct scratch){
        .start = start,
        .used = header.used,
        .listed = header.listed,
        .usable = memcmp(region + RESIDENT_CODE_OFFSET, resident_code, code_size()) == 0,
    };
    for (size_t i = 1; i <= header.listed; i++) { /* oldest first: the newest is to count */
        struct resident_breakpoint entry;
        memcpy(&entry, region + RESIDENT_SIZE - i * sizeof entry, sizeof entry);
        if (!adopt_breakpoint(space, start, &entry))
            return error_no_memory();
    }
    return NULL;
}

/* A process may have regions of several tracers: they become one chain. */
static void link_regions(const struct space *space)
{
    uint64_t next = 0;
    for (size_t i = space->scratch_count; i-- > 0;) {
        if (!space->scratches[i].usable)
            continue;
        write_next(space, &space->scratches[i], next);
        next = space->scratches[i].start;
    }
}

struct error *scratch_adopt(struct space *space, pid_t pid)
{
    struct proc_maps maps;
    struct error *error = proc_maps_read(pid, &maps);
    if (error)
        return error;
    uint8_t *region = malloc(RESIDENT_SIZE);
    if (!region)
        error = error_no_memory();
    for (size_t i = 0; !error && i < maps.count; i++) {
        const struct proc_mapping *mapping = &maps.mappings[i];
        if (mapping->executable && mapping->readable && !mapping->writable && !mapping->inode &&
            mapping->end - mapping->start == RESIDENT_SIZE &&
            mem_read(pid, mapping->start, region, RESIDENT_SIZE) == RESIDENT_SIZE)
            error = adopt_region(space, mapping->start, region);
    }
    free(region);
    proc_maps_deinit(&maps);
    if (space->scratch_count)
        link_regions(space);
    return error;
}
