/* SPDX-License-Identifier: MIT */
#include "output/analyze/cumulative.h"

#include <stdlib.h>
#include <string.h>

#include "output/analyze/filter.h"
#include "output/analyze/hash.h"

#define MOST_LINES 64

/* A place by its key: the site, and how often it is on the path that is being walked. */
struct place {
    struct site_key key;
    size_t site; /* index in sites; SIZE_MAX: not shown */
    uint32_t open;
    UT_hash_handle hh;
};

struct walk {
    const struct replay *replay;
    const struct options *options;
    struct sites *sites;
    bool all;
    struct place *places;
    size_t capacity;       /* of sites->sites */
    struct place **lines;  /* the places of all frames, one after the other */
    size_t *first_line;    /* by frame, where its places begin; the next one's is their end */
    uint64_t *weights;     /* by stack, with those below it */
    uint32_t *first_child; /* by stack, 0: none */
    uint32_t *next_child;
};

static struct place *find(const struct walk *walk, const struct site_key *key)
{
    struct place *place;
    HASH_FIND(hh, walk->places, key, sizeof *key, place);
    return place;
}

static struct place *add(struct walk *walk, const struct site_key *key, size_t site)
{
    struct place *place = calloc(1, sizeof *place);
    if (!place)
        return NULL;
    place->key = *key;
    place->site = site;
    HASH_ADD(hh, walk->places, key, sizeof place->key, place);
    if (place->hh.tbl)
        return place;
    free(place);
    return NULL;
}

/* The index of a new site of no sums; SIZE_MAX when out of memory. */
static size_t add_site(struct walk *walk, const struct site_key *key, bool named)
{
    struct sites *sites = walk->sites;
    if (sites->count >= walk->capacity) {
        size_t capacity = sites->count * 2 + 64;
        struct site *grown = realloc(sites->sites, capacity * sizeof *grown);
        if (!grown)
            return SIZE_MAX;
        sites->sites = grown;
        walk->capacity = capacity;
    }
    sites->sites[sites->count] = sites_of_key(key);
    sites->sites[sites->count].named = named;
    return sites->count++;
}

static struct place *place_of(struct walk *walk, const struct catalog_line *line)
{
    struct site_key key = sites_key(NULL, line, walk->options->group);
    struct place *place = find(walk, &key);
    size_t site = SIZE_MAX;
    if (place)
        return place;
    if (walk->all && filter_line(walk->options, line)) {
        site = add_site(walk, &key, line->named);
        if (site == SIZE_MAX)
            return NULL;
    }
    return add(walk, &key, site);
}

static bool place_sites(struct walk *walk)
{
    walk->capacity = walk->sites->count;
    for (size_t i = 0; i < walk->sites->count; i++) {
        struct site_key key = sites_key_of(&walk->sites->sites[i]);
        if (!add(walk, &key, i))
            return false;
    }
    return true;
}

static size_t line_count(const struct catalog *catalog, uint32_t frame)
{
    size_t count = catalog_line_count(catalog, frame);
    return count < MOST_LINES ? count : MOST_LINES;
}

static bool place_frames(struct walk *walk)
{
    const struct catalog *catalog = &walk->replay->catalog;
    size_t total = 0;
    walk->first_line = calloc(catalog->frame_count + 1, sizeof *walk->first_line);
    if (!walk->first_line)
        return false;
    for (uint32_t i = 1; i < catalog->frame_count; i++) {
        walk->first_line[i] = total;
        total += line_count(catalog, i);
    }
    walk->first_line[catalog->frame_count] = total;
    walk->lines = calloc(total + 1, sizeof(struct place *));
    if (!walk->lines)
        return false;
    for (uint32_t i = 1; i < catalog->frame_count; i++) {
        size_t count = line_count(catalog, i);
        for (size_t l = 0; l < count; l++) {
            struct catalog_line line = catalog_line(catalog, i, l);
            struct place *place = place_of(walk, &line);
            if (!place)
                return false;
            walk->lines[walk->first_line[i] + l] = place;
        }
    }
    return true;
}

static bool link_stacks(struct walk *walk, sites_weight weigh)
{
    const struct catalog *catalog = &walk->replay->catalog;
    walk->weights = calloc(catalog->stack_count, sizeof *walk->weights);
    walk->first_child = calloc(catalog->stack_count, sizeof *walk->first_child);
    walk->next_child = calloc(catalog->stack_count, sizeof *walk->next_child);
    if (!walk->weights || !walk->first_child || !walk->next_child)
        return false;
    for (uint32_t i = 1; i < walk->replay->row_count; i++)
        walk->weights[walk->replay->rows[i].stack] += weigh(&walk->replay->rows[i].sums);
    /* A parent has a lower id than its children. */
    for (size_t i = catalog->stack_count - 1; i > 0; i--) {
        uint32_t parent = catalog->stacks[i].parent;
        if (parent)
            walk->weights[parent] += walk->weights[i];
        walk->next_child[i] = walk->first_child[parent];
        walk->first_child[parent] = (uint32_t)i;
    }
    return true;
}

static void enter(struct walk *walk, uint32_t stack)
{
    uint32_t frame = walk->replay->catalog.stacks[stack].frame;
    for (size_t i = walk->first_line[frame]; i < walk->first_line[frame + 1]; i++) {
        struct place *place = walk->lines[i];
        /* Its outermost occurrence has all that is below. */
        if (!place->open++ && place->site != SIZE_MAX)
            walk->sites->sites[place->site].cumulative += walk->weights[stack];
    }
}

static void leave(struct walk *walk, uint32_t stack)
{
    uint32_t frame = walk->replay->catalog.stacks[stack].frame;
    for (size_t i = walk->first_line[frame]; i < walk->first_line[frame + 1]; i++)
        walk->lines[i]->open--;
}

/* Visits all stacks, callers first, without recursion: a log's stacks may be of any depth. */
static void walk_stacks(struct walk *walk)
{
    const struct catalog *catalog = &walk->replay->catalog;
    uint32_t at = walk->first_child[0];
    while (at) {
        enter(walk, at);
        if (walk->first_child[at]) {
            at = walk->first_child[at];
            continue;
        }
        while (at) {
            leave(walk, at);
            if (walk->next_child[at]) {
                at = walk->next_child[at];
                break;
            }
            at = catalog->stacks[at].parent;
        }
    }
}

static void forget(struct walk *walk)
{
    struct place *place;
    while ((place = walk->places)) {
        HASH_DEL(walk->places, place);
        free(place);
    }
    free(walk->lines);
    free(walk->first_line);
    free(walk->weights);
    free(walk->first_child);
    free(walk->next_child);
}

struct error *cumulative_collect(const struct replay *replay, const struct options *options,
                                 sites_weight weigh, bool all, struct sites *sites)
{
    if (options->group == GROUP_THREAD || options->group == GROUP_PROCESS) {
        for (size_t i = 0; i < sites->count; i++)
            sites->sites[i].cumulative = weigh(&sites->sites[i].sums);
        return NULL;
    }
    struct walk walk = {.replay = replay, .options = options, .sites = sites, .all = all};
    bool done = place_sites(&walk) && place_frames(&walk) && link_stacks(&walk, weigh);
    if (done)
        walk_stacks(&walk);
    forget(&walk);
    return done ? NULL : error_no_memory();
}
