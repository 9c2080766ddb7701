/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_listing.h"

#include <stdlib.h>
#include <string.h>

/* How far before an indirect jump the address of its table is looked for. */
#define TABLE_DISTANCE 12
#define TABLE_LIMIT 1024 /* entries */

static bool decode_at(const struct unwind_listing *listing, uint32_t at)
{
    const uint8_t *bytes = listing->bytes + at;
    size_t size = listing->size - at;
    uint64_t address = listing->start + at;
    return cs_disasm_iter(listing->capstone, &bytes, &size, &address, listing->instruction);
}

bool unwind_listing_decode(const struct unwind_listing *listing, uint32_t index)
{
    return decode_at(listing, listing->list[index].at);
}

uint32_t unwind_listing_find(const struct unwind_listing *listing, uint64_t address)
{
    uint64_t at = address - listing->start;
    uint32_t low = 0, high = listing->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (listing->list[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < listing->count && listing->list[low].at == at ? low : UNWIND_NOWHERE;
}

static bool add(struct unwind_listing *listing, const struct unwind_listed *listed)
{
    if (listing->count == listing->capacity) {
        uint32_t larger = listing->capacity ? listing->capacity * 2 : 128;
        struct unwind_listed *moved = realloc(listing->list, larger * sizeof *moved);
        if (!moved)
            return false;
        listing->list = moved;
        listing->capacity = larger;
    }
    listing->list[listing->count++] = *listed;
    return true;
}

static bool list_all(struct unwind_listing *listing)
{
    for (uint32_t at = 0; at < listing->size;) {
        struct unwind_listed listed = {
            .at = at, .size = 1, .kind = UNWIND_FLOW_END, .target = UNWIND_NOWHERE};
        if (decode_at(listing, at)) {
            uint64_t target;
            listed.size = (uint8_t)listing->instruction->size;
            listed.kind = (uint8_t)unwind_flow_kind(listing->instruction, &target);
            listed.padding = unwind_is_padding(listing->instruction);
        }
        if (!add(listing, &listed))
            return false;
        at += listed.size;
    }
    return listing->count > 0;
}

/* Needs all instructions to be there, so it is a pass of its own. */
static void connect_direct(struct unwind_listing *listing)
{
    for (uint32_t i = 0; i < listing->count; i++) {
        struct unwind_listed *listed = &listing->list[i];
        uint64_t target;
        if ((listed->kind != UNWIND_FLOW_BRANCH && listed->kind != UNWIND_FLOW_JUMP &&
             listed->kind != UNWIND_FLOW_CALL) ||
            !unwind_listing_decode(listing, i))
            continue;
        unwind_flow_kind(listing->instruction, &target);
        uint32_t index = target ? unwind_listing_find(listing, target) : UNWIND_NOWHERE;
        if (index == UNWIND_NOWHERE)
            continue;
        if (listed->kind == UNWIND_FLOW_CALL) {
            listing->list[index].called = true;
        } else {
            listed->target = index;
            listing->list[index].jumped_to = true;
        }
    }
}

/* ---- Jump tables ---- */

static bool add_case(struct unwind_listing *listing, uint32_t jump, uint32_t target)
{
    if (listing->case_count == listing->case_capacity) {
        uint32_t larger = listing->case_capacity ? listing->case_capacity * 2 : 64;
        struct unwind_case *moved = realloc(listing->cases, larger * sizeof *moved);
        if (!moved)
            return false;
        listing->cases = moved;
        listing->case_capacity = larger;
    }
    listing->cases[listing->case_count++] = (struct unwind_case){.jump = jump, .target = target};
    listing->list[target].jumped_to = true;
    return true;
}

/* Position-independent code jumps to a table's address plus one of its 32-bit entries. */
static bool relative_table(const struct unwind_listing *listing, uint32_t jump, uint64_t *table)
{
    uint32_t first = jump > TABLE_DISTANCE ? jump - TABLE_DISTANCE : 0;
    for (uint32_t i = jump; i-- > first;) {
        if (listing->list[i].kind == UNWIND_FLOW_INDIRECT || !unwind_listing_decode(listing, i))
            return false;
        const cs_insn *instruction = listing->instruction;
        const cs_x86_op *from = &instruction->detail->x86.operands[1];
        if (instruction->id == X86_INS_LEA && from->mem.base == X86_REG_RIP) {
            *table = instruction->address + instruction->size + (uint64_t)from->mem.disp;
            return true;
        }
    }
    return false;
}

/* Other code jumps through a table of addresses: jmp *table(,index,8). */
static bool absolute_table(const cs_insn *jump, uint64_t *table)
{
    const cs_x86_op *operand = &jump->detail->x86.operands[0];
    if (operand->type != X86_OP_MEM || operand->mem.base != X86_REG_INVALID ||
        operand->mem.index == X86_REG_INVALID || operand->mem.scale != 8)
        return false;
    *table = (uint64_t)operand->mem.disp;
    return true;
}

/* A table has no end of its own: it is read as long as its entries lead to instructions here. */
static void connect_table(struct unwind_listing *listing, uint32_t jump, uint64_t table,
                          bool relative)
{
    for (uint32_t i = 0; i < TABLE_LIMIT; i++) {
        int32_t offset;
        uint64_t target;
        if (relative) {
            if (elf_file_read(listing->file, table + 4 * i, &offset, sizeof offset) !=
                sizeof offset)
                return;
            target = table + (uint64_t)(int64_t)offset;
        } else if (elf_file_read(listing->file, table + 8 * i, &target, sizeof target) !=
                   sizeof target) {
            return;
        }
        uint32_t index = unwind_listing_find(listing, target);
        if (index == UNWIND_NOWHERE || !add_case(listing, jump, index))
            return;
    }
}

static void connect_tables(struct unwind_listing *listing)
{
    for (uint32_t i = 0; i < listing->count; i++) {
        uint64_t table;
        if (listing->list[i].kind != UNWIND_FLOW_INDIRECT || !unwind_listing_decode(listing, i))
            continue;
        if (absolute_table(listing->instruction, &table))
            connect_table(listing, i, table, false);
        else if (listing->instruction->detail->x86.operands[0].type == X86_OP_REG &&
                 relative_table(listing, i, &table))
            connect_table(listing, i, table, true);
    }
}

/* ---- Calls that do not return ---- */

/* Where padding follows a call, and no jump leads behind the padding, the call does not return. */
static void find_noreturn_calls(struct unwind_listing *listing)
{
    for (uint32_t i = 0; i < listing->count; i++) {
        uint32_t next = i + 1;
        while (next < listing->count && listing->list[next].padding)
            next++;
        listing->list[i].noreturn = listing->list[i].kind == UNWIND_FLOW_CALL && next > i + 1 &&
                                    next < listing->count && !listing->list[next].jumped_to;
    }
}

/* ---- Life ---- */

bool unwind_listing_init(struct unwind_listing *listing, struct elf_file *file, csh capstone,
                         cs_insn *instruction, uint64_t start, uint64_t end)
{
    *listing = (struct unwind_listing){
        .file = file, .capstone = capstone, .instruction = instruction, .start = start};
    listing->bytes = malloc((size_t)(end - start) + 1);
    if (listing->bytes)
        listing->size = elf_file_read(file, start, listing->bytes, (size_t)(end - start));
    if (!list_all(listing)) {
        unwind_listing_deinit(listing);
        return false;
    }
    connect_direct(listing);
    connect_tables(listing);
    find_noreturn_calls(listing);
    return true;
}

void unwind_listing_deinit(struct unwind_listing *listing)
{
    free(listing->bytes);
    free(listing->list);
    free(listing->cases);
    *listing = (struct unwind_listing){0};
}
