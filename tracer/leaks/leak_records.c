/* SPDX-License-Identifier: MIT */
#include "tracer/leaks/leak_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/summary.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* A word of a root, as it is told from others: a register of a thread, or an address. */
struct root_key {
    uint64_t address;
    uint64_t index; /* in the roots' ranges or registers; of words only their kind counts */
};

struct known_root {
    struct root_key key;
    uint32_t id;
    UT_hash_handle hh;
};

struct writing {
    struct recorder *recorder;
    const struct leak_job *job;
    const struct roots *roots;
    struct leak_names *names;
    struct known_root *known;
    uint32_t *written;
};

static struct log_text text_of(const char *string)
{
    return (struct log_text){.data = string, .size = strlen(string)};
}

static const struct roots_data *data_at(const struct roots_notes *notes, uint64_t address)
{
    for (size_t i = 0; i < notes->data_count; i++) {
        if (address >= notes->data[i].start && address < notes->data[i].end)
            return &notes->data[i];
    }
    return NULL;
}

static uint64_t thread_pointer_of(const struct roots_notes *notes, uint32_t thread)
{
    for (size_t i = 0; i < notes->thread_count; i++) {
        if (notes->threads[i].thread == thread)
            return notes->threads[i].thread_pointer;
    }
    return 0;
}

static void describe_word(const struct writing *writing, const struct reach_range *range,
                          uint64_t address, struct log_root *root)
{
    const struct leak_job *job = writing->job;
    const struct roots_data *data =
        range->kind == LOG_ROOT_GLOBAL ? data_at(&job->notes, address) : NULL;
    root->kind = range->kind;
    root->thread = range->thread;
    root->address = address;
    if (data) {
        root->module = data->module;
        root->address = address - data->bias;
        root->name = text_of(leak_names_global(writing->names, job, root->module, root->address));
    } else if (range->kind == LOG_ROOT_TLS) {
        uint64_t thread_pointer = thread_pointer_of(&job->notes, range->thread);
        root->name = text_of(leak_names_local(writing->names, job, thread_pointer, address));
    }
}

static void put_root(struct writing *writing, const struct reach_verdict *verdict, uint32_t id)
{
    const struct roots *roots = writing->roots;
    struct log_record record = {
        .kind = LOG_ROOT,
        .root = {.root = id, .check = writing->job->head.check.check},
    };
    if (verdict->root < roots->range_count) {
        describe_word(writing, &roots->ranges[verdict->root], verdict->holder, &record.root);
    } else {
        const struct reach_register *found = &roots->registers[verdict->root - roots->range_count];
        record.root.kind = LOG_ROOT_REGISTER;
        record.root.thread = found->thread;
        record.root.name = text_of(found->name);
    }
    recorder_put(writing->recorder, &record);
}

/* The root's id, which is written when it is first asked for; 0 when out of memory. */
static uint32_t root_of(struct writing *writing, const struct reach_verdict *verdict)
{
    bool word = verdict->root < writing->roots->range_count;
    struct root_key key = {
        .address = word ? verdict->holder : 0,
        .index = word ? writing->roots->ranges[verdict->root].kind
                      : LOG_ROOT_MAPPING + 1 + (uint64_t)verdict->root,
    };
    struct known_root *known;
    HASH_FIND(hh, writing->known, &key, sizeof key, known);
    if (known)
        return known->id;
    known = calloc(1, sizeof *known);
    if (!known)
        return 0;
    known->key = key;
    unsigned before = HASH_COUNT(writing->known);
    HASH_ADD(hh, writing->known, key, sizeof known->key, known);
    if (HASH_COUNT(writing->known) == before) {
        free(known);
        return 0;
    }
    known->id = ++*writing->written;
    put_root(writing, verdict, known->id);
    return known->id;
}

static void forget(struct writing *writing)
{
    struct known_root *known, *next;
    HASH_ITER(hh, writing->known, known, next)
    {
        HASH_DEL(writing->known, known);
        free(known);
    }
}

struct error *leak_records_put(struct recorder *recorder, const struct leak_job *job,
                               const struct roots *roots, const struct reach_result *result,
                               struct leak_names *names, uint32_t *roots_written,
                               struct leak_sums *sums)
{
    struct writing writing = {
        .recorder = recorder, .job = job, .roots = roots, .names = names, .written = roots_written};
    *sums = (struct leak_sums){0};
    for (size_t i = 0; i < job->block_count; i++) {
        const struct live_block *block = &job->blocks[i];
        const struct reach_verdict *verdict = &result->verdicts[i];
        uint32_t root = verdict->from_root ? root_of(&writing, verdict) : 0;
        struct log_record record = {
            .kind = LOG_VERDICT,
            .verdict = {.check = job->head.check.check,
                        .address = block->address,
                        .size = block->size,
                        .stack = block->stack,
                        .thread = block->thread,
                        .reach = verdict->reach,
                        .root = root,
                        .holder = verdict->holder},
        };
        sums->blocks[verdict->reach]++;
        sums->bytes[verdict->reach] += block->size;
        recorder_put(recorder, &record);
        if (verdict->from_root && !root) {
            forget(&writing);
            return error_no_memory();
        }
    }
    forget(&writing);
    return NULL;
}

static struct log_count count_of(const char *name, uint64_t value)
{
    return (struct log_count){.name = text_of(name), .value = value};
}

void leak_records_end(struct recorder *recorder, const struct leak_job *job,
                      const struct reach_result *result, uint64_t scan_ns)
{
    const struct log_count counts[] = {
        count_of("pause_ns", job->held_ns),
        count_of("scan_ns", scan_ns),
        count_of("snapshot", job->copied),
        count_of("root_bytes", result->root_bytes),
        count_of("heap_bytes", result->heap_bytes),
        count_of("unreadable_bytes", result->unreadable_bytes),
        count_of("threads", job->notes.thread_count),
    };
    struct log_record record = {
        .kind = LOG_CHECK_END,
        .check_end = {.check = job->head.check.check,
                      .count_count = sizeof counts / sizeof *counts,
                      .counts = counts},
    };
    recorder_put(recorder, &record);
}

static const char *words_for(enum log_moment moment)
{
    switch (moment) {
    case LOG_MOMENT_EXIT:
        return "at exit";
    case LOG_MOMENT_END:
        return "at its end";
    case LOG_MOMENT_FATAL:
        return "at a fatal signal";
    case LOG_MOMENT_REQUEST:
        return "on request";
    case LOG_MOMENT_INTERVAL:
        return "at an interval";
    case LOG_MOMENT_DETACH:
        return "before detaching";
    }
    return "";
}

static void add_kind(char *line, size_t size, const char *kind, const struct leak_sums *sums,
                     enum log_reach reach)
{
    char bytes[32], blocks[32];
    size_t used = strlen(line);
    snprintf(line + used, size - used, "%s %s byte%s in %s block%s, ", kind,
             summary_number(sums->bytes[reach], bytes, sizeof bytes),
             sums->bytes[reach] == 1 ? "" : "s",
             summary_number(sums->blocks[reach], blocks, sizeof blocks),
             sums->blocks[reach] == 1 ? "" : "s");
}

void leak_records_tell(const struct leak_job *job, const struct leak_sums *sums)
{
    char line[512] = "";
    add_kind(line, sizeof line, "definitely lost", sums, LOG_DEFINITELY_LOST);
    add_kind(line, sizeof line, "indirectly lost", sums, LOG_INDIRECTLY_LOST);
    add_kind(line, sizeof line, "possibly lost", sums, LOG_POSSIBLY_LOST);
    add_kind(line, sizeof line, "reachable", sums, LOG_REACHABLE);
    /* One call, for the tracing thread writes there, too. */
    fprintf(stderr, "allocptrace: leak check %u of process %d (%s): %sheld for %.1f ms\n",
            job->head.check.check, (int)job->pid,
            words_for((enum log_moment)job->head.check.moment), line, (double)job->held_ns / 1e6);
}
