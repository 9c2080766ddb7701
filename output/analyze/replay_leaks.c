/* SPDX-License-Identifier: MIT */
/* The replay of leak checks: whether their records fit the log, and which of them are looked at. */
#include "output/analyze/replay_parts.h"

static struct error *unknown(const char *what, uint32_t id)
{
    return error_format(ERROR_CORRUPT, "%s %u is used and was not defined", what, id);
}

static struct error *out_of_order(const char *what, uint32_t id, size_t next)
{
    return error_format(ERROR_CORRUPT, "%s %u is defined out of order (%zu was next)", what, id,
                        next);
}

/* The id after the last one, of a count in which element 0 counts once there is one. */
static size_t next_id(size_t count)
{
    return count ? count : 1;
}

/* Whether a record is about a check that has begun and has not ended. */
static struct error *check_open(const struct replay *replay, uint32_t id)
{
    if (!id || id >= replay->leaks.count)
        return unknown("leak check", id);
    return replay->leaks.list[id].ended
               ? error_format(ERROR_CORRUPT, "leak check %u has ended and goes on", id)
               : NULL;
}

static struct error *check_thread(const struct replay *replay, uint32_t thread)
{
    return thread < next_id(replay->catalog.thread_count) ? NULL : unknown("thread", thread);
}

static struct error *done_or_no_memory(bool done)
{
    return done ? NULL : error_no_memory();
}

static struct error *on_check(struct replay *replay, const struct log_check *record)
{
    const struct replay_options *options = &replay->options;
    struct log_check check = *record;
    if (!check.process || check.process >= replay->catalog.process_count)
        return unknown("process", check.process);
    if (check.check != next_id(replay->leaks.count))
        return out_of_order("leak check", check.check, next_id(replay->leaks.count));
    if (!replay->tick_ns)
        check.time = replay->totals.events;
    bool in_time = !replay->over && (!replay->tick_ns || check.time <= replay->to_tick);
    bool selected = in_time && (options->pid < 0 ||
                                replay->catalog.processes[check.process].pid == options->pid);
    return done_or_no_memory(leak_checks_begin(&replay->leaks, &check, selected));
}

static struct error *on_root(struct replay *replay, const struct log_root *root)
{
    struct error *error = check_open(replay, root->check);
    if (!error && root->root != next_id(replay->leaks.root_count))
        error = out_of_order("root", root->root, next_id(replay->leaks.root_count));
    if (!error)
        error = check_thread(replay, root->thread);
    if (!error && root->module && root->module >= replay->catalog.module_count)
        error = unknown("module", root->module);
    if (error)
        return error;
    const char *name = replay->leaks.keep_paths ? catalog_text(&replay->catalog, root->name) : "";
    return done_or_no_memory(name && leak_checks_root(&replay->leaks, root, name));
}

static struct error *on_verdict(struct replay *replay, const struct log_verdict *verdict)
{
    struct error *error = check_open(replay, verdict->check);
    if (!error)
        error = check_thread(replay, verdict->thread);
    if (!error && verdict->stack && verdict->stack >= replay->catalog.stack_count)
        error = unknown("stack", verdict->stack);
    if (!error && verdict->root && verdict->root >= replay->leaks.root_count)
        error = unknown("root", verdict->root);
    if (!error && verdict->size > REPLAY_MOST_BYTES)
        error = error_format(ERROR_CORRUPT, "a block of %llu bytes does not fit in memory",
                             (unsigned long long)verdict->size);
    if (error)
        return error;
    int64_t tid = replay->options.tid;
    bool wanted =
        tid < 0 || (verdict->thread && replay->catalog.threads[verdict->thread].tid == tid);
    return wanted ? done_or_no_memory(leak_checks_verdict(&replay->leaks, verdict)) : NULL;
}

struct error *replay_leak_record(struct replay *replay, const struct log_record *record)
{
    struct error *error = NULL;
    switch (record->kind) {
    case LOG_CHECK:
        return on_check(replay, &record->check);
    case LOG_ROOT:
        return on_root(replay, &record->root);
    case LOG_VERDICT:
        return on_verdict(replay, &record->verdict);
    case LOG_CHECK_END:
        error = check_open(replay, record->check_end.check);
        return error ? error
                     : done_or_no_memory(leak_checks_end(&replay->leaks, &record->check_end));
    default:
        return NULL;
    }
}

static void add(struct leak_amount *to, const struct leak_amount *from)
{
    to->bytes += from->bytes;
    to->blocks += from->blocks;
}

void replay_sum_up_leaks(struct replay *replay)
{
    struct replay_totals *totals = &replay->totals;
    totals->leak_checks = 0;
    for (size_t i = 0; i < LOG_REACH_KINDS; i++)
        totals->lost[i] = (struct leak_amount){0};
    totals->lost_suppressed = (struct leak_amount){0};
    totals->lost_built_in = (struct leak_amount){0};
    for (size_t i = 1; i < replay->leaks.count; i++) {
        struct leak_check *check = &replay->leaks.list[i];
        leak_check_sum_up(check);
        if (!check->shown)
            continue;
        totals->leak_checks++;
        for (size_t j = 0; j < LOG_REACH_KINDS; j++)
            add(&totals->lost[j], &check->kinds[j]);
        add(&totals->lost_suppressed, &check->suppressed);
        add(&totals->lost_built_in, &check->built_in);
    }
}
