/* SPDX-License-Identifier: MIT */
#include "symbols/unwind_flow.h"

#include <stdlib.h>
#include <string.h>

#include "symbols/unwind_effect.h"
#include "symbols/unwind_listing.h"

#define FUNCTION_ALIGNMENT 16 /* what compilers give functions where they pad at all */

/* What is known at an instruction, by the same index as it has in the listing. */
struct node {
    bool visited; /* before is meant */
    bool queued;  /* is among the pending ones */
    bool begins;  /* a function */
    struct unwind_frame_state before;
};

struct unwind_flow {
    struct unwind_listing listing;
    struct node *nodes;
    uint32_t *pending; /* instructions whose successors do not know their state yet */
    uint32_t pending_count;
};

/* ---- Following ---- */

/* Keeps what both say; whether state became less. */
static bool merge(struct unwind_frame_state *state, const struct unwind_frame_state *other)
{
    struct unwind_frame_state old = *state;
    state->sp_known = state->sp_known && other->sp_known && state->sp == other->sp;
    state->fp_known = state->fp_known && other->fp_known && state->fp == other->fp;
    for (int i = 0; i < UNWIND_CALLEE_SAVED; i++) {
        uint8_t bit = (uint8_t)(1u << i);
        bool agree = (state->saved & bit) == (other->saved & bit) &&
                     (!(state->saved & bit) || state->offset[i] == other->offset[i]);
        if (!agree || other->lost & bit)
            state->lost |= bit;
        if (!agree)
            state->saved &= (uint8_t)~bit;
    }
    return old.sp_known != state->sp_known || old.fp_known != state->fp_known ||
           old.saved != state->saved || old.lost != state->lost;
}

static void arrive(struct unwind_flow *flow, uint32_t index, const struct unwind_frame_state *state)
{
    if (index >= flow->listing.count)
        return;
    struct node *node = &flow->nodes[index];
    if (!node->visited)
        node->before = *state;
    else if (!merge(&node->before, state))
        return;
    node->visited = true;
    if (!node->queued)
        flow->pending[flow->pending_count++] = index;
    node->queued = true;
}

/* The jump table's entries of an indirect jump. */
static void arrive_at_cases(struct unwind_flow *flow, uint32_t jump,
                            const struct unwind_frame_state *state)
{
    const struct unwind_case *cases = flow->listing.cases;
    uint32_t low = 0, high = flow->listing.case_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (cases[middle].jump < jump)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < flow->listing.case_count && cases[low].jump == jump; low++)
        arrive(flow, cases[low].target, state);
}

static void follow(struct unwind_flow *flow)
{
    while (flow->pending_count) {
        uint32_t index = flow->pending[--flow->pending_count];
        const struct unwind_listed *listed = &flow->listing.list[index];
        struct unwind_frame_state state = flow->nodes[index].before;
        flow->nodes[index].queued = false;
        if (listed->kind == UNWIND_FLOW_INDIRECT)
            arrive_at_cases(flow, index, &state);
        if (listed->kind == UNWIND_FLOW_END || listed->kind == UNWIND_FLOW_INDIRECT ||
            listed->noreturn || !unwind_listing_decode(&flow->listing, index))
            continue;
        unwind_apply_effect(flow->listing.capstone, flow->listing.instruction, &state);
        if (listed->kind == UNWIND_FLOW_BRANCH || listed->kind == UNWIND_FLOW_JUMP)
            arrive(flow, listed->target, &state);
        if (listed->kind != UNWIND_FLOW_JUMP)
            arrive(flow, index + 1, &state);
    }
}

/* A function begins with the return address at RSP. */
static void begin_function(struct unwind_flow *flow, uint32_t index)
{
    static const struct unwind_frame_state entry = {.sp_known = true, .sp = UNWIND_WORD};
    flow->nodes[index].begins = true;
    arrive(flow, index, &entry);
    follow(flow);
}

/* Functions behind the first one: called from here, or aligned behind where another one ends. */
static void find_functions(struct unwind_flow *flow)
{
    bool ended = false;
    for (uint32_t i = 0; i < flow->listing.count; i++) {
        const struct unwind_listed *listed = &flow->listing.list[i];
        uint64_t address = flow->listing.start + listed->at;
        bool aligned =
            ended && !listed->padding && !listed->jumped_to && address % FUNCTION_ALIGNMENT == 0;
        if (listed->called || aligned)
            begin_function(flow, i);
        if (!listed->padding)
            ended = listed->kind >= UNWIND_FLOW_JUMP || listed->noreturn;
    }
}

/*
 * What nothing is known to lead to, behind an indirect jump whose table was not found, is a case of
 * a switch: in the frame that it had there.
 */
static void find_cases(struct unwind_flow *flow)
{
    const struct node *jump = NULL;
    for (uint32_t i = 0; i < flow->listing.count; i++) {
        const struct node *node = &flow->nodes[i];
        if (node->begins)
            jump = NULL;
        if (node->visited && flow->listing.list[i].kind == UNWIND_FLOW_INDIRECT)
            jump = node;
        if (jump && !node->visited && !flow->listing.list[i].padding) {
            arrive(flow, i, &jump->before);
            follow(flow);
        }
    }
}

/* ---- Life ---- */

struct unwind_flow *unwind_flow_create(const struct unwind_flow_range *range)
{
    struct unwind_flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    if (unwind_listing_init(&flow->listing, range->file, range->capstone, range->instruction,
                            range->start, range->end)) {
        flow->nodes = calloc(flow->listing.count, sizeof *flow->nodes);
        flow->pending = malloc(flow->listing.count * sizeof *flow->pending);
    }
    if (!flow->nodes || !flow->pending) {
        unwind_flow_destroy(flow);
        return NULL;
    }
    begin_function(flow, 0);
    if (range->many)
        find_functions(flow);
    find_cases(flow);
    return flow;
}

void unwind_flow_destroy(struct unwind_flow *flow)
{
    if (!flow)
        return;
    unwind_listing_deinit(&flow->listing);
    free(flow->nodes);
    free(flow->pending);
    free(flow);
}

/* ---- The row ---- */

static bool row_of(const struct unwind_frame_state *state, struct unwind_row *row)
{
    if (!state->sp_known && !state->fp_known)
        return false;
    *row = (struct unwind_row){.rule = UNWIND_RULE_ROW,
                               .cfa_register = state->sp_known ? UNWIND_SP : UNWIND_FP,
                               .cfa_offset = state->sp_known ? state->sp : state->fp,
                               .return_offset = -(int32_t)UNWIND_WORD,
                               .saved = state->saved,
                               .lost = (uint8_t)(state->lost & ~state->saved)};
    memcpy(row->offset, state->offset, sizeof row->offset);
    return true;
}

/* The call that ends at address, or UNWIND_NOWHERE. */
static uint32_t call_before(const struct unwind_listing *listing, uint64_t address)
{
    for (uint32_t size = 2; size <= UNWIND_CALL_SIZE; size++) {
        uint32_t index = unwind_listing_find(listing, address - size);
        if (index != UNWIND_NOWHERE && listing->list[index].size == size)
            return listing->list[index].kind == UNWIND_FLOW_CALL ? index : UNWIND_NOWHERE;
    }
    return UNWIND_NOWHERE;
}

bool unwind_flow_row(const struct unwind_flow *flow, uint64_t address, bool after_call,
                     struct unwind_row *row)
{
    uint32_t index = after_call ? call_before(&flow->listing, address)
                                : unwind_listing_find(&flow->listing, address);
    return index != UNWIND_NOWHERE && flow->nodes[index].visited &&
           row_of(&flow->nodes[index].before, row);
}
