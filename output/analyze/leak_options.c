/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_options.h"

#include <stdio.h>

#include "output/analyze/report_kinds.h"

#define HOW_TO "allocptrace --leak-check=reachable makes them"

/* Why no check is shown. */
static struct error *no_check(const struct replay *replay, const char *what)
{
    const struct leak_checks *checks = &replay->leaks;
    bool any_selected = false;
    for (size_t i = 1; i < checks->count; i++)
        any_selected = any_selected || checks->list[i].selected;
    if (checks->count < 2)
        return error_format(ERROR_USAGE, "%s needs leak checks, and there are none: " HOW_TO, what);
    if (!any_selected)
        return error_format(ERROR_USAGE,
                            "%s needs leak checks, and there are none in the part of the log that "
                            "--process and --to choose",
                            what);
    return error_format(ERROR_USAGE,
                        "%s needs a leak check that was not cut off; --check=%zu takes what there "
                        "is of the last one",
                        what, checks->count - 1);
}

/* --check=N */
static struct error *check_id(const struct options *options, const struct replay *replay)
{
    const struct leak_checks *checks = &replay->leaks;
    uint32_t id = options->check;
    if (!options->check_given || id == LEAK_SHOW_LAST || id == LEAK_SHOW_ALL || checks->count < 2)
        return NULL;
    if (id >= checks->count)
        return error_format(ERROR_USAGE, "--check=%u: the last leak check is number %zu", id,
                            checks->count - 1);
    if (!checks->list[id].selected)
        return error_format(ERROR_USAGE,
                            "--check=%u is not in the part of the log that --process and --to "
                            "choose",
                            id);
    return NULL;
}

/* What is asked for that only a check tells; NULL if there is nothing. */
static const char *what_needs_check(const struct options *options, char *out, size_t size)
{
    for (size_t i = 0; i < options->gate_count; i++) {
        const struct gate *gate = &options->gates[i];
        if (!gate->quantity->of_check)
            continue;
        snprintf(out, size, "--%s='%s'", gate->option, gate->text);
        return out;
    }
    for (size_t i = 0; i < options->output_count; i++) {
        const struct report_kind *kind = options->outputs[i].kind;
        if (kind->write == report_leak_summary)
            return kind->option;
    }
    if (options->check_given)
        return "--check";
    return options->leak_kinds ? "--leaks=full or --leak-kinds" : NULL;
}

struct error *leak_options_check(const struct options *options, const struct replay *replay)
{
    char text[256];
    const char *what = what_needs_check(options, text, sizeof text);
    struct error *error = check_id(options, replay);
    if (error || !what || replay->totals.leak_checks)
        return error;
    return no_check(replay, what);
}

struct error *leak_options_check_baseline(const struct options *options,
                                          const struct replay *baseline)
{
    for (size_t i = 0; i < options->gate_count; i++) {
        const struct gate *gate = &options->gates[i];
        if (gate->growth && gate->quantity->of_check && !baseline->totals.leak_checks)
            return error_format(ERROR_USAGE,
                                "--%s='%s': the baseline %s has no leak checks: " HOW_TO,
                                gate->option, gate->text, options->baseline);
    }
    return NULL;
}
