/* SPDX-License-Identifier: MIT */
#include "output/analyze/leak_checks.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/hash.h"
#include "output/analyze/rows.h"

/* A check that has not ended yet. Which of its sums are for a stack and kind is found by places, a
 * table with open addressing; lost blocks come into the sums at the end. */
struct leak_collecting {
    uint32_t *places; /* numbers of sums from 1; 0: free */
    size_t place_count;
    size_t sum_capacity;
    struct leak_blocks lost;
};

const char *const leak_number_names[LEAK_NUMBERS] = {
    [LEAK_PAUSE_NS] = "pause_ns",     [LEAK_SCAN_NS] = "scan_ns",
    [LEAK_SNAPSHOT] = "snapshot",     [LEAK_ROOT_BYTES] = "root_bytes",
    [LEAK_HEAP_BYTES] = "heap_bytes", [LEAK_UNREADABLE_BYTES] = "unreadable_bytes",
    [LEAK_THREADS] = "threads",
};

const char *leak_moment_name(uint32_t moment)
{
    static const char *const names[] = {
        [LOG_MOMENT_EXIT] = "exit",         [LOG_MOMENT_END] = "end",
        [LOG_MOMENT_FATAL] = "fatal",       [LOG_MOMENT_REQUEST] = "request",
        [LOG_MOMENT_INTERVAL] = "interval", [LOG_MOMENT_DETACH] = "detach",
    };
    return moment < sizeof names / sizeof *names ? names[moment] : "unknown";
}

const char *leak_kind_name(enum log_reach reach)
{
    static const char *const names[LOG_REACH_KINDS] = {
        [LOG_REACHABLE] = "still_reachable",
        [LOG_POSSIBLY_LOST] = "possibly_lost",
        [LOG_INDIRECTLY_LOST] = "indirectly_lost",
        [LOG_DEFINITELY_LOST] = "definitely_lost",
    };
    return names[reach];
}

/* ---- Memory ---- */

static void stop_collecting(struct leak_check *check)
{
    if (check->collecting) {
        free(check->collecting->places);
        leak_blocks_deinit(&check->collecting->lost);
    }
    free(check->collecting);
    check->collecting = NULL;
}

static void drop_paths(struct leak_check *check)
{
    if (check->paths) {
        leak_blocks_deinit(&check->paths->blocks);
        free(check->paths->roots);
    }
    free(check->paths);
    check->paths = NULL;
}

void leak_checks_deinit(struct leak_checks *checks)
{
    for (size_t i = 1; i < checks->count; i++) {
        stop_collecting(&checks->list[i]);
        drop_paths(&checks->list[i]);
        free(checks->list[i].sums);
    }
    free(checks->list);
    free(checks->last_shown);
    checks->list = NULL;
    checks->last_shown = NULL;
    checks->count = 0;
}

/* ---- Sums ---- */

static uint64_t key_of(const struct leak_sum *sum)
{
    return (uint64_t)sum->stack << 32 ^ (uint64_t)sum->owner_stack << 8 ^
           (uint64_t)sum->reach << 4 ^ (unsigned)sum->found << 3 ^ (unsigned)sum->has_owner << 2 ^
           (unsigned)sum->owner_found;
}

static bool is_same(const struct leak_sum *a, const struct leak_sum *b)
{
    return a->stack == b->stack && a->owner_stack == b->owner_stack && a->reach == b->reach &&
           a->found == b->found && a->has_owner == b->has_owner && a->owner_found == b->owner_found;
}

/* The place of a sum like this one, or the free one where it is to be. */
static uint32_t *place_of(const struct leak_check *check, const struct leak_sum *sum)
{
    const struct leak_collecting *collecting = check->collecting;
    size_t mask = collecting->place_count - 1;
    size_t at = hash_word(key_of(sum)) & mask;
    while (collecting->places[at] && !is_same(&check->sums[collecting->places[at] - 1], sum))
        at = (at + 1) & mask;
    return &collecting->places[at];
}

static bool make_room(struct leak_check *check)
{
    struct leak_collecting *collecting = check->collecting;
    if (check->sum_count == collecting->sum_capacity) {
        size_t capacity = check->sum_count ? check->sum_count * 2 : 4;
        struct leak_sum *sums = realloc(check->sums, capacity * sizeof *sums);
        if (!sums)
            return false;
        check->sums = sums;
        collecting->sum_capacity = capacity;
    }
    if (check->sum_count < collecting->place_count / 2)
        return true;
    size_t count = collecting->place_count ? collecting->place_count * 2 : 8;
    uint32_t *places = calloc(count, sizeof *places);
    if (!places)
        return false;
    free(collecting->places);
    collecting->places = places;
    collecting->place_count = count;
    for (size_t i = 0; i < check->sum_count; i++)
        *place_of(check, &check->sums[i]) = (uint32_t)i + 1;
    return true;
}

static bool add_to_sum(struct leak_check *check, const struct leak_sum *like, uint64_t bytes)
{
    if (!make_room(check) || check->sum_count >= UINT32_MAX)
        return false;
    uint32_t *place = place_of(check, like);
    if (!*place) {
        check->sums[check->sum_count] = *like;
        *place = (uint32_t)++check->sum_count;
    }
    struct leak_amount *amount = &check->sums[*place - 1].amount;
    amount->bytes += bytes;
    amount->blocks++;
    return true;
}

static bool add_lost(struct leak_check *check)
{
    struct leak_blocks *blocks = &check->collecting->lost;
    if (!leak_blocks_link(blocks))
        return false;
    uint32_t *owners = leak_blocks_owners(blocks);
    bool done = owners;
    for (size_t i = 0; done && i < blocks->count; i++) {
        const struct leak_block *block = &blocks->list[i];
        struct leak_sum like = {
            .stack = block->stack, .reach = block->reach, .found = block->found};
        if (block->reach == LOG_INDIRECTLY_LOST && owners[i] != LEAK_NO_BLOCK) {
            like.has_owner = true;
            like.owner_stack = blocks->list[owners[i]].stack;
            like.owner_found = blocks->list[owners[i]].found;
        }
        done = add_to_sum(check, &like, block->size);
    }
    free(owners);
    return done;
}

void leak_check_sum_up(struct leak_check *check)
{
    memset(check->kinds, 0, sizeof check->kinds);
    check->suppressed = (struct leak_amount){0};
    check->built_in = (struct leak_amount){0};
    for (size_t i = 0; i < check->sum_count; i++) {
        const struct leak_sum *sum = &check->sums[i];
        struct leak_amount *to = &check->kinds[sum->reach];
        if (sum->suppressed)
            to = sum->suppressed == LEAK_SUPPRESSED ? &check->suppressed : &check->built_in;
        to->bytes += sum->amount.bytes;
        to->blocks += sum->amount.blocks;
    }
}

/* ---- Records ---- */

/* Whether a check is shown once it has ended. */
static bool is_wanted(const struct leak_checks *checks, size_t id)
{
    if (!checks->list[id].selected)
        return false;
    return checks->show == LEAK_SHOW_LAST || checks->show == LEAK_SHOW_ALL || checks->show == id;
}

static bool add_check(struct leak_checks *checks, const struct leak_check *check)
{
    size_t wanted = checks->count ? checks->count + 1 : 2;
    if (wanted > checks->capacity) {
        size_t capacity = wanted * 2;
        struct leak_check *list = realloc(checks->list, capacity * sizeof *list);
        if (!list)
            return false;
        checks->list = list;
        checks->capacity = capacity;
    }
    checks->list[wanted - 1] = *check;
    checks->count = wanted;
    return true;
}

bool leak_checks_begin(struct leak_checks *checks, const struct log_check *record, bool selected)
{
    const struct leak_check check = {.process = record->process,
                                     .moment = record->moment,
                                     .time = record->time,
                                     .selected = selected};
    return add_check(checks, &check);
}

static bool start_collecting(const struct leak_checks *checks, struct leak_check *check)
{
    size_t id = (size_t)(check - checks->list);
    if (!check->collecting)
        check->collecting = calloc(1, sizeof *check->collecting);
    if (!check->paths && checks->keep_paths && is_wanted(checks, id))
        check->paths = calloc(1, sizeof *check->paths);
    return check->collecting && (check->paths || !checks->keep_paths || !is_wanted(checks, id));
}

bool leak_checks_root(struct leak_checks *checks, const struct log_root *record, const char *name)
{
    struct leak_check *check = &checks->list[record->check];
    checks->root_count = (size_t)record->root + 1;
    if (!check->selected)
        return true;
    if (!start_collecting(checks, check))
        return false;
    struct leak_paths *paths = check->paths;
    if (!paths)
        return true;
    if (paths->root_count == paths->root_capacity) {
        size_t capacity = paths->root_capacity ? paths->root_capacity * 2 : 4;
        struct leak_root *roots = realloc(paths->roots, capacity * sizeof *roots);
        if (!roots)
            return false;
        paths->roots = roots;
        paths->root_capacity = capacity;
    }
    paths->roots[paths->root_count++] = (struct leak_root){
        .id = record->root,
        .kind = record->kind,
        .thread = record->thread,
        .module = record->module,
        .address = record->address,
        .name = name,
    };
    return true;
}

bool leak_checks_verdict(struct leak_checks *checks, const struct log_verdict *verdict)
{
    struct leak_check *check = &checks->list[verdict->check];
    if (!check->selected || verdict->reach >= LOG_REACH_KINDS)
        return true;
    if (!start_collecting(checks, check))
        return false;
    const struct leak_block block = {
        .address = verdict->address,
        .size = verdict->size,
        .holder = verdict->holder,
        .stack = verdict->stack,
        .root = verdict->root,
        .reach = (uint8_t)verdict->reach,
        .found = !verdict->thread,
    };
    if (check->paths && !leak_blocks_add(&check->paths->blocks, &block))
        return false;
    if (block.reach == LOG_INDIRECTLY_LOST || block.reach == LOG_DEFINITELY_LOST)
        return leak_blocks_add(&check->collecting->lost, &block);
    const struct leak_sum like = {.stack = block.stack, .reach = block.reach, .found = block.found};
    return add_to_sum(check, &like, block.size);
}

/* What has been collected is complete, or all that there is. */
static bool conclude(struct leak_check *check)
{
    if (!check->collecting)
        return true;
    bool done = add_lost(check) && (!check->paths || leak_blocks_link(&check->paths->blocks));
    stop_collecting(check);
    if (done && check->sum_count) {
        struct leak_sum *sums = realloc(check->sums, check->sum_count * sizeof *sums);
        if (sums)
            check->sums = sums;
    }
    leak_check_sum_up(check);
    return done;
}

/* It is now the one to be shown of its process. */
static bool replace_last(struct leak_checks *checks, uint32_t id)
{
    uint32_t process = checks->list[id].process;
    if (!replay_grow(&checks->last_shown, &checks->process_count, process,
                     sizeof *checks->last_shown))
        return false;
    struct leak_check *before = &checks->list[checks->last_shown[process]];
    if (checks->last_shown[process]) {
        before->shown = false;
        drop_paths(before);
    }
    checks->last_shown[process] = id;
    return true;
}

bool leak_checks_end(struct leak_checks *checks, const struct log_check_end *end)
{
    struct leak_check *check = &checks->list[end->check];
    check->ended = true;
    for (size_t i = 0; i < end->count_count; i++) {
        const struct log_text *name = &end->counts[i].name;
        for (size_t j = 0; j < LEAK_NUMBERS; j++) {
            if (strlen(leak_number_names[j]) == name->size &&
                memcmp(leak_number_names[j], name->data, name->size) == 0)
                check->numbers[j] = end->counts[i].value;
        }
    }
    if (!conclude(check))
        return false;
    check->shown = is_wanted(checks, end->check);
    return !check->shown || checks->show != LEAK_SHOW_LAST || replace_last(checks, end->check);
}

bool leak_checks_finish(struct leak_checks *checks)
{
    bool done = true;
    for (size_t i = 1; done && i < checks->count; i++) {
        struct leak_check *check = &checks->list[i];
        if (check->ended)
            continue;
        done = conclude(check);
        /* Only one that was asked for by its number. */
        check->shown = checks->show == i && check->selected;
        if (!check->shown)
            drop_paths(check);
    }
    return done;
}

bool leak_checks_have_found(const struct leak_checks *checks)
{
    for (size_t i = 1; i < checks->count; i++) {
        for (size_t j = 0; j < checks->list[i].sum_count; j++) {
            if (checks->list[i].sums[j].found)
                return true;
        }
    }
    return false;
}

void leak_checks_name_found(struct leak_checks *checks, uint32_t stack)
{
    for (size_t i = 1; i < checks->count; i++) {
        struct leak_check *check = &checks->list[i];
        struct leak_blocks *blocks = check->paths ? &check->paths->blocks : NULL;
        for (size_t j = 0; j < check->sum_count; j++) {
            if (check->sums[j].found)
                check->sums[j].stack = stack;
            if (check->sums[j].owner_found)
                check->sums[j].owner_stack = stack;
        }
        for (size_t j = 0; blocks && j < blocks->count; j++) {
            if (blocks->list[j].found)
                blocks->list[j].stack = stack;
        }
    }
}
