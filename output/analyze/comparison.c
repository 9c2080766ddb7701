/* SPDX-License-Identifier: MIT */
#include "output/analyze/comparison.h"

#include <stdio.h>
#include <stdlib.h>

#include "output/analyze/key_ids.h"
#include "output/analyze/same_stacks.h"
#include "output/analyze/saved.h"
#include "output/analyze/sites.h"

/* ---- The baseline ---- */

/* What --group-by needs of a baseline. */
static enum replay_split split_wanted(const struct options *options)
{
    switch (options->group) {
    case GROUP_THREAD:
        return REPLAY_BY_THREAD;
    case GROUP_PROCESS:
        return REPLAY_BY_PROCESS;
    default:
        return REPLAY_BY_STACK;
    }
}

static struct error *load_baseline(const struct options *options, struct replay *now,
                                   const struct replay_options *how, profile_truncated tell,
                                   struct profile *before)
{
    struct replay_options options_before = *how;
    options_before.texts = now->catalog.texts;
    options_before.needs = 0;
    options_before.check = LEAK_SHOW_LAST;
    options_before.observers = NULL;
    bool saved = saved_is_json(options->baseline);
    struct error *error = saved
                              ? saved_load(options->baseline, now->catalog.texts, before)
                              : profile_load(&options->baseline, 1, &options_before, tell, before);
    /* What is wrong with the words alone may not name a file, all else does. */
    if (error)
        return error->code == ERROR_USAGE
                   ? error_prefix(error, "the baseline %s", options->baseline)
                   : error_prefix(error, "the baseline");
    if (!saved || before->replay.options.split >= split_wanted(options))
        return NULL;
    profile_deinit(before);
    return error_format(ERROR_USAGE,
                        "the baseline %s was saved without threads: save it with "
                        "--group-by=thread",
                        options->baseline);
}

/* ---- Stacks ---- */

struct pairing {
    struct comparison *comparison;
    enum replay_split split;
    struct key_id *known; /* by stack and task: the place, from 1 */
    size_t capacity;
};

static const char *task_of(const struct replay *replay, const struct replay_row *row,
                           enum replay_split split)
{
    switch (split) {
    case REPLAY_BY_THREAD:
        return replay->catalog.threads[row->thread].name;
    case REPLAY_BY_PROCESS:
        return replay->catalog.processes[row->process].name;
    case REPLAY_BY_STACK:
    default:
        return NULL;
    }
}

/* The place where a stack's sums are; NULL when out of memory. */
static struct comparison_stack *place_of(struct pairing *pairing, uint32_t same, const char *task)
{
    struct comparison *comparison = pairing->comparison;
    const uint32_t now_count = (uint32_t)comparison->now->catalog.stack_count;
    const uint64_t key[] = {same, (uint64_t)(uintptr_t)task};
    uint32_t next = (uint32_t)comparison->count + 1;
    uint32_t place = key_ids_add(&pairing->known, key, sizeof key, next);
    if (place && place != next)
        return &comparison->stacks[place - 1];
    if (!place || comparison->count == pairing->capacity)
        return NULL;
    struct comparison_stack *stack = &comparison->stacks[comparison->count++];
    bool gone = same >= now_count;
    *stack = (struct comparison_stack){
        .gone = gone, .stack = gone ? same - now_count : same, .task = task};
    return stack;
}

static bool add_rows(struct pairing *pairing, const struct replay *replay, const uint32_t *same,
                     bool before)
{
    for (size_t i = 1; i < replay->row_count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (sites_are_empty(&row->sums))
            continue;
        struct comparison_stack *stack =
            place_of(pairing, same[row->stack], task_of(replay, row, pairing->split));
        if (!stack)
            return false;
        replay_add_sums(before ? &stack->before : &stack->now, &row->sums);
    }
    return true;
}

static struct error *compare(struct comparison *comparison, const struct options *options)
{
    const struct replay *before = &comparison->before.replay;
    const struct replay *now = comparison->now;
    const struct catalog *catalogs[] = {&now->catalog, &before->catalog};
    bool lines = options->group == GROUP_LINE && options->group_given;
    if (now->catalog.stack_count + before->catalog.stack_count > UINT32_MAX ||
        now->catalog.frame_count + before->catalog.frame_count > UINT32_MAX ||
        now->row_count + before->row_count > UINT32_MAX)
        return error_no_memory();
    uint32_t *same = same_stacks_in_all(catalogs, 2, lines ? SAME_BY_LINES : SAME_BY_NAMES);
    struct pairing pairing = {
        .comparison = comparison,
        .split = split_wanted(options),
        .capacity = now->row_count + before->row_count,
    };
    comparison->stacks = calloc(pairing.capacity, sizeof *comparison->stacks);
    bool done = same && comparison->stacks;
    if (done) {
        uint32_t *same_before = same + now->catalog.stack_count;
        same_before[0] = 0; /* no stack is the same as no stack */
        done =
            add_rows(&pairing, now, same, false) && add_rows(&pairing, before, same_before, true);
    }
    key_ids_deinit(&pairing.known);
    free(same);
    return done ? NULL : error_no_memory();
}

struct error *comparison_make(const struct options *options, struct replay *now,
                              const struct replay_options *how, struct suppressions *suppressions,
                              profile_truncated tell, struct comparison *comparison)
{
    *comparison = (struct comparison){.name = options->baseline, .now = now};
    struct error *error = load_baseline(options, now, how, tell, &comparison->before);
    if (error)
        return error;
    error = suppressions_apply(suppressions, &comparison->before.replay, false);
    if (!error)
        error = compare(comparison, options);
    if (error)
        comparison_deinit(comparison);
    return error;
}

void comparison_deinit(struct comparison *comparison)
{
    free(comparison->stacks);
    profile_deinit(&comparison->before);
}

const struct catalog *comparison_catalog(const struct comparison *comparison,
                                         const struct comparison_stack *stack)
{
    return stack->gone ? &comparison->before.replay.catalog : &comparison->now->catalog;
}

/* ---- Whether they fit ---- */

static const char *program_of(const struct catalog *catalog)
{
    return catalog->process_count > 1 ? catalog->processes[1].name : "";
}

void comparison_check(const struct comparison *comparison, void (*tell)(const char *what))
{
    const struct replay_options *before = &comparison->before.replay.options;
    const struct replay_options *now = &comparison->now->options;
    const char *program_before = program_of(&comparison->before.replay.catalog);
    const char *program_now = program_of(&comparison->now->catalog);
    char what[512], clean_before[128], clean_now[128];
    if (program_before != program_now) { /* interned in one pool */
        text_sanitize(clean_before, sizeof clean_before, program_before);
        text_sanitize(clean_now, sizeof clean_now, program_now);
        snprintf(what, sizeof what, "the baseline is of another program: %s, and this is %s",
                 clean_before, clean_now);
        tell(what);
    }
    /* Ids are others in each run: that one was chosen says enough. */
    if ((before->pid < 0) != (now->pid < 0) || (before->tid < 0) != (now->tid < 0) ||
        before->from != now->from || before->to != now->to || before->older_than != now->older_than)
        tell("the baseline was saved with other options for which part of the log counts");
    if (comparison->before.truncated)
        tell("the baseline's log was truncated");
}
