/* SPDX-License-Identifier: MIT */
#include "output/analyze/export_stacks.h"

#include <stdlib.h>

struct error *export_stacks_init(struct export_stacks *stacks, const struct report *report)
{
    const struct catalog *catalog = &report->replay->catalog;
    bool whole = report->options->verbose > 0;
    *stacks = (struct export_stacks){
        .catalog = catalog,
        .first = calloc(catalog->stack_count, sizeof *stacks->first),
        .sites = whole ? NULL : internal_sites(catalog, report->options),
    };
    if (!stacks->first || (!whole && !stacks->sites)) {
        export_stacks_deinit(stacks);
        return error_no_memory();
    }
    /* A parent has a lower id than its children. */
    for (uint32_t i = 1; i < catalog->stack_count; i++) {
        const struct catalog_stack *stack = &catalog->stacks[i];
        bool begins = whole || stacks->sites[i].frame == stack->frame;
        stacks->first[i] = begins ? i : stacks->first[stack->parent];
    }
    return NULL;
}

void export_stacks_deinit(struct export_stacks *stacks)
{
    free(stacks->first);
    free(stacks->sites);
    *stacks = (struct export_stacks){0};
}

uint32_t export_stacks_line(const struct export_stacks *stacks, uint32_t stack)
{
    return stacks->sites ? stacks->sites[stack].line : 0;
}
